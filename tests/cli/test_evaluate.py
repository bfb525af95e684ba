"""`klosed evaluate`: the figures, their units, and what is said about them."""

import json
import shutil

import numpy as np
import pytest
from command_line import small_table
from scipy import stats

from klosed.cli._runs import TrainedRun
from klosed.evaluation import Summary, score_examples


def as_json(done):
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_figures_are_those_of_the_evaluation_room(klosed, digits_run):
    got = as_json(klosed("evaluate", digits_run, "--samples", 20, "--seed", 3, "--json"))
    run = TrainedRun(str(digits_run))
    data, rows = run.load(None)
    model = run.codec.model
    scores = score_examples(run.codec.engine, model.params, rows, n_samples=20, seed=3)
    want = Summary.of(scores).to_dict()
    assert {name: got[name] for name in want} == want
    assert got["data"] == "digits/test"
    assert got["n_examples"] == len(data.x) == 360


def test_the_table_holds_the_same_figures(klosed, digits_run):
    got = as_json(klosed("evaluate", digits_run, "--samples", 20, "--json"))
    text = klosed("evaluate", digits_run, "--samples", 20).out
    for name, label in (("log_likelihood", "log p(x)"), ("elbo", "ELBO"), ("kl", "  KL")):
        (line,) = (line for line in text.splitlines() if line.startswith(label))
        figures = [float(word) for word in line[len(label) :].split()]
        wanted = [got[name][key] for key in ("value", "standard_error", "monte_carlo_error")]
        assert figures == pytest.approx(wanted, abs=5e-5)


def test_threads_do_not_matter_and_the_seed_does(klosed, digits_run):
    base = ("evaluate", digits_run, "--samples", 10, "--json")
    one = klosed(*base, "--threads", 1)
    assert klosed(*base, "--threads", 2).out == one.out
    assert klosed(*base, "--seed", 1).out != one.out


def test_grey_values_and_few_samples_are_pointed_out(klosed, digits_run):
    done = klosed("evaluate", digits_run, "--samples", 5)
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["Warning"] * 2
    assert "cross-entropies" in done.err
    assert "effective sample size is" in done.err
    assert as_json(klosed("evaluate", digits_run, "--samples", 5, "--json"))["grey_values"] is True


def test_densities_in_the_units_of_the_data(klosed, table_run):
    """The model learnt rows of a known Gaussian, so it can be held against that density."""
    done = klosed("evaluate", table_run, "--samples", 200, "--json")
    got = as_json(done)
    assert "no test part" in done.err
    scale = np.array([1.0, -20.0, 300.0])
    covariance = np.outer(scale, scale) + np.diag([0.1, 2.0, 30.0]) ** 2
    x = TrainedRun(str(table_run)).load(None)[1]
    exact = stats.multivariate_normal([5, 0, 1000], covariance).logpdf(x).mean()
    # Standardised densities would be off by Σ log scale ≈ 8.7 nats.
    assert got["log_likelihood_in_data_units"] == pytest.approx(exact, abs=1.0)
    difference = got["log_likelihood_in_data_units"] - got["log_likelihood"]["value"]
    assert difference == pytest.approx(-np.log(x.std(axis=0)).sum(), rel=1e-6)


def test_other_data(klosed, digits_run):
    rows = np.random.default_rng(0).random((7, 64))
    np.save("x.npy", rows)
    got = as_json(klosed("evaluate", digits_run, "--data", "x.npy", "--samples", 5, "--json"))
    assert (got["data"], got["n_examples"]) == ("x.npy", 7)
    np.save("bytes.npy", np.rint(rows * 255).astype(np.uint8).reshape(7, 8, 8))
    as_bytes = klosed("evaluate", digits_run, "--data", "bytes.npy", "--samples", 5, "--json")
    assert as_json(as_bytes)["elbo"]["value"] == pytest.approx(got["elbo"]["value"], rel=1e-2)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((5, 63)), "trained on 64 features; got 63"),
        (np.full((5, 64), -0.5), "needs values in [0, 1]; got [-0.5"),
        (np.full((5, 64), np.nan), "finite"),
    ],
)
def test_data_the_model_cannot_take(klosed, digits_run, array, words):
    np.save("x.npy", array)
    done = klosed("evaluate", digits_run, "--data", "x.npy")
    assert done.code == 2
    assert words in done.error


def test_data_that_changed_since_training_are_pointed_out(klosed, tmp_path):
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.normal(size=(200, 3)))
    fast = ("--hidden", 4, "--latent", 1, "--epochs", 1, "--out", "r")
    assert klosed("train", "x.npy", *fast).code == 0
    np.save("x.npy", rng.normal(size=(200, 3)))
    assert "has changed since" in klosed("evaluate", "r", "--samples", 5).err


def test_a_test_part_that_changed_is_pointed_out(klosed):
    rng = np.random.default_rng(0)
    for name in ("x.npy", "t.npy"):
        np.save(name, rng.normal(size=(200, 3)))
    fast = ("--hidden", 4, "--latent", 1, "--epochs", 1, "--out", "r")
    assert klosed("train", "x.npy", "--test", "t.npy", *fast).code == 0
    assert klosed("evaluate", "r", "--samples", 50).err.count("changed") == 0
    np.save("t.npy", rng.normal(size=(200, 3)))
    assert "t.npy has changed since" in klosed("evaluate", "r", "--samples", 50).err


def test_columns_are_matched_by_name(klosed, table_run):
    table = small_table()
    for name, order in (("abc", [0, 1, 2]), ("cab", [2, 0, 1])):
        header = ",".join(name)
        np.savetxt(f"{name}.csv", table[:, order], delimiter=",", header=header, comments="")
    args = ("evaluate", table_run, "--samples", 5, "--json", "--data")
    one, other = (as_json(klosed(*args, f"{name}.csv")) for name in ("abc", "cab"))
    assert one["elbo"] == other["elbo"]
    np.savetxt("abd.csv", table, delimiter=",", header="a,b,d", comments="")
    done = klosed(*args, "abd.csv")
    assert done.code == 2
    assert "abd.csv must have the same column names as training data" in done.error
    np.save("unnamed.npy", table)
    assert as_json(klosed(*args, "unnamed.npy"))["elbo"] == one["elbo"]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("engine", None, "engine must be a string; got null"),
        ("threads", 0, "threads must be a whole number >= 1 or null; got 0"),
        ("data.source", 3, "data.source must be a string; got 3"),
        ("data.test", [], "data.test must be a string or null; got []"),
        ("data.classes", "a", "data.classes must be a list of strings or null"),
        ("data.feature_names", ["a"], "data.feature_names must be one for each of 64"),
        ("data.picture", None, "data.picture must be an object; got null"),
        ("data.picture.low", None, "data.picture.low must be a finite number"),
        ("data.picture.high", -1, "data.picture must be a range from low"),
        ("data.picture.shape", [8, 9], "data.picture.shape must be null, [height, width]"),
        ("data.picture.shape", [4, 4, 4], "data.picture.shape must be null, [height, width]"),
        ("data.picture.shape", 64, "data.picture.shape must be null, [height, width]"),
        ("spec.likelihood", "x", "spec: likelihood must be one of"),
        ("spec.n_components", 3, "spec must be that of"),
        ("training", 5, "training must be an object"),
        ("training.batch_size", 0, "training: batch_size must be"),
    ],
)
def test_an_edited_config_is_one_line(klosed, tmp_path, digits_run, place, value, words):
    path = shutil.copytree(digits_run, tmp_path / "r") / "config.json"
    config = part = json.loads(path.read_text())
    *parents, name = place.split(".")
    for parent in parents:
        part = part[parent]
    part[name] = value
    path.write_text(json.dumps(config))
    done = klosed("sample", "r", "--out", "x.npy")
    assert done.code == 2
    assert "config.json: " in done.error
    assert words in done.error


def test_the_data_of_a_run_are_found_from_any_folder(klosed, tmp_path, monkeypatch):
    np.save("x.npy", np.random.default_rng(0).normal(size=(200, 3)))
    fast = ("--hidden", 4, "--latent", 1, "--epochs", 1, "--out", "r")
    assert klosed("train", "x.npy", "--test", "x.npy", *fast).code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert as_json(klosed("evaluate", "../r", "--samples", 5, "--json"))["n_examples"] == 200


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r: (r / "config.json").unlink(), "not a run folder"),
        (lambda r: (r / "model.safetensors").unlink(), "model.safetensors does not exist"),
        (lambda r: (r / "model.safetensors").write_bytes(b"x" * 50), "not a readable safetensors"),
        (lambda r: (r / "config.json").write_text('{"data": 3}'), "data must be an object; got 3"),
    ],
)
def test_a_damaged_run_is_one_line(klosed, tmp_path, digits_run, spoil, words):
    spoil(shutil.copytree(digits_run, tmp_path / "r"))
    for args in (
        ["evaluate", "r"],
        ["sample", "r", "--out", "x.png"],
        ["encode", "r", "--out", "z.npy"],
    ):
        done = klosed(*args)
        assert done.code == 2
        assert words in done.error
    assert klosed("evaluate", "nowhere").code == 2


def test_bad_seed(klosed, digits_run):
    assert "seed must be" in klosed("evaluate", digits_run, "--seed", -1).error
