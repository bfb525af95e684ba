"""`klosed train`: what it leaves, what it refuses, and how it goes on."""

import re

import numpy as np
import pytest
from command_line import FAST, config, metrics, without_seconds
from PIL import Image

from klosed.cli import _watch
from klosed.plots import latent_map
from klosed.training import RunFolder


def test_a_run_folder_holds_what_the_contract_lists(klosed, tmp_path):
    done = klosed("train", "digits", *FAST, "--latent", 2)
    run = tmp_path / "runs" / "digits-001"
    assert done.code == 0
    for name in ("config.json", "model.safetensors", "checkpoint.safetensors", "training.png"):
        assert (run / name).is_file()
    assert [record["epoch"] for record in metrics(run)] == [1, 2]
    wanted = {"epoch", "step", "train_loss", "train_reconstruction", "train_kl", "test_loss"}
    assert wanted | {"seconds"} <= metrics(run)[0].keys()
    with Image.open(run / "samples.png") as picture:
        assert picture.mode == "L"
    with Image.open(run / "reconstructions.png") as picture:
        assert picture.size[0] > 16 * 8 > picture.size[1] > 2 * 8
    assert (run / "latent.png").is_file()
    assert len(list((run / "pictures").glob("samples-000[12].png"))) == 2
    # Where to look and what to do next stand on standard output, the course of things does not.
    assert "runs/digits-001/samples.png" in done.out
    assert "klosed evaluate runs/digits-001" in done.out
    lines = [line for line in done.err.splitlines() if line.startswith("epoch")]
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert f"test loss {metrics(run)[1]['test_loss']:.3f}" in lines[1]
    assert f"KL {metrics(run)[1]['train_kl']:.3f}" in lines[1]


def test_without_out_each_run_gets_the_next_number(klosed, tmp_path):
    (tmp_path / "runs" / "digits-007").mkdir(parents=True)
    (tmp_path / "runs" / "digits-old").mkdir()
    assert klosed("train", "digits", *FAST).code == 0
    assert (tmp_path / "runs" / "digits-008" / "config.json").is_file()


def test_the_same_command_twice_gives_the_same_bits(klosed, tmp_path):
    for name in ("a", "b"):
        assert klosed("train", "digits", *FAST, "--seed", 5, "--out", name).code == 0
    assert without_seconds(tmp_path / "a") == without_seconds(tmp_path / "b")
    for name in ("model.safetensors", "samples.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_options_reach_model_and_training(klosed, tmp_path):
    done = klosed(
        "train", "digits", "--out", "r", "--latent", 3, "--hidden", 9, "--hidden", 7,
        "--activation", "tanh", "--likelihood", "gaussian", "--variance", "0.25",
        "--initialization", "he", "--beta", 0.5, "--epochs", 1, "--batch-size", 64,
        "--learning-rate", 0.01, "--optimizer", "sgd", "--classes", "1, 2,3", "--seed", 9,
        "--engine", "reference", "--threads", 1, "--early-stopping", "--patience", 4,
        "--validation-fraction", 0.2,
    )  # fmt: skip
    assert done.code == 0, done.err
    saved = config(tmp_path / "r")
    spec, training = saved["spec"], saved["training"]
    assert (spec["n_components"], spec["hidden_layer_sizes"]) == (3, [9, 7])
    assert (spec["activation"], spec["initialization"]) == ("tanh", "he")
    assert (spec["likelihood"], spec["variance"]) == ("gaussian", 0.25)
    assert training == {
        "epochs": 1, "batch_size": 64, "learning_rate": 0.01, "optimizer": "sgd", "beta": 0.5,
        "seed": 9, "early_stopping": True, "patience": 4, "validation_fraction": 0.2,
    }  # fmt: skip
    assert saved["data"]["classes"] == ["1", "2", "3"]
    assert saved["data"]["rows"] == 440
    assert metrics(tmp_path / "r")[0]["validation_loss"] is not None


def test_no_hidden_layer(klosed, tmp_path):
    assert klosed("train", "digits", *FAST, "--hidden", 0).code == 2  # 0 beside 8
    assert klosed("train", "digits", "--hidden", 0, "--epochs", 1, "--out", "r").code == 0
    assert config(tmp_path / "r")["spec"]["hidden_layer_sizes"] == []


@pytest.mark.parametrize(
    ("array", "likelihood", "scaling", "grey"),
    [
        (np.random.default_rng(0).integers(0, 256, (150, 4, 4)).astype(np.uint8),
         "bernoulli", "bytes", True),
        (255 * np.random.default_rng(0).integers(0, 2, (150, 2, 2)).astype(np.uint8),
         "bernoulli", "bytes", False),
        (np.random.default_rng(0).integers(0, 2, (150, 4)) * 1.0, "bernoulli", "none", False),
        (np.random.default_rng(0).random((150, 4)), "bernoulli", "none", True),
        (np.random.default_rng(0).normal(9, 5, (150, 4)), "gaussian", "standardize", False),
    ],
)  # fmt: skip
def test_auto_likelihood_scaling_and_the_grey_warning(
    klosed, tmp_path, array, likelihood, scaling, grey
):
    np.save("x.npy", array)
    done = klosed("train", "x.npy", *FAST, "--out", "r")
    assert done.code == 0, done.err
    assert config(tmp_path / "r")["spec"]["likelihood"] == likelihood
    assert RunFolder.open("r").load_model().scaling.kind == scaling
    warned = [line for line in done.err.splitlines() if line.startswith("Warning")]
    assert len(warned) == grey
    assert all("cross-entropy" in line for line in warned)


def test_test_rows_outside_0_to_1_count_for_auto(klosed, tmp_path):
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.random((150, 4)))
    np.save("t.npy", rng.random((20, 4)) * 1.2)
    assert klosed("train", "x.npy", "--test", "t.npy", *FAST, "--out", "r").code == 0
    assert config(tmp_path / "r")["spec"]["likelihood"] == "gaussian"
    assert metrics(tmp_path / "r")[0]["test_loss"] is not None


def test_gaussian_pixels_stay_in_0_to_1(klosed):
    assert klosed("train", "digits", "--likelihood", "gaussian", *FAST, "--out", "r").code == 0
    assert RunFolder.open("r").load_model().scaling.kind == "none"


BAD_INPUT = {
    "no data": ([], "Missing argument DATA"),
    "misspelt": (["mnsit"], "Did you mean 'mnist'?"),
    "no such file": (["nowhere.csv"], "nowhere.csv"),
    "not finite": (["nan.csv"], "must be finite"),
    "truncated": (["short.npy"], "cut short"),
    "pickled": (["object.npy"], "never unpickles"),
    "empty file": (["empty.csv"], "empty"),
    "no rows": (["norows.npy"], "at least one row"),
    "one dimension": (["flat.npy"], "Reshape"),
    "negative": (
        ["real.npy", "--likelihood", "bernoulli", "--batch-size", 9],
        "needs values in [0, 1]; got [-",
    ),
    "batch too large": (["real.npy"], "batch_size 128 for 100 rows"),
    "batch too large for the rest": (
        ["real.npy", "--batch-size", 95, "--early-stopping"],
        "batch_size 95 for 90 rows",
    ),
    "no labels": (["real.npy", "--classes", "1"], "has no labels"),
    "no such class": (["digits", "--classes", "1,11"], "got 11"),
    "other columns": (["digits", "--test", "real.npy"], "number of features"),
    "learning rate": (["digits", "--learning-rate", 0], "learning_rate must be > 0"),
    "learning rate nan": (["digits", "--learning-rate", "nan"], "learning_rate must be > 0"),
    "beta": (["digits", "--beta", -1], "beta must be >= 0"),
    "seed": (["digits", "--seed", -1], "seed must be in [0, 2**64)"),
    "variance": (["digits", "--likelihood", "gaussian", "--variance", 0], "variance must be"),
    "variance of bernoulli": (["digits", "--variance", 1], "--likelihood gaussian"),
    "fraction": (
        ["digits", "--early-stopping", "--validation-fraction", 1],
        "validation_fraction must be in (0, 1)",
    ),
    "patience alone": (["digits", "--patience", 3], "--patience needs --early-stopping"),
    "engine": (["digits", "--engine", "warp"], "'reference'"),
    "out is a file": (["digits", "--epochs", 1, "--out", "real.npy"], "already exists"),
    "out in a file": (["digits", "--epochs", 1, "--out", "real.npy/r"], "Not a directory"),
    "resume what": (["--resume"], "--resume needs --out RUN"),
    "resume nothing": (["digits", "--resume"], "found no runs/digits-"),
    "resume no run": (["--resume", "--out", "."], "not a run folder"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_and_writes_nothing(klosed, tmp_path, case):
    rng = np.random.default_rng(0)
    np.save("real.npy", rng.normal(size=(100, 3)))
    np.save("flat.npy", rng.normal(size=100))
    np.save("norows.npy", np.zeros((0, 3)))
    np.save("object.npy", np.array([{}, []], dtype=object))
    (tmp_path / "short.npy").write_bytes((tmp_path / "real.npy").read_bytes()[:-9])
    (tmp_path / "nan.csv").write_text("1,2\n3,nan\n")
    (tmp_path / "empty.csv").write_text("")
    before = sorted(tmp_path.rglob("*"))
    args, words = BAD_INPUT[case]
    done = klosed("train", *args)
    assert done.code == 2
    assert done.out == ""
    assert done.error.startswith("Error: ")
    assert words in done.error
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_is_never_overwritten(klosed, run):
    before = {path: path.read_bytes() for path in run.rglob("*.*")}
    done = klosed("train", "digits", *FAST, "--out", "r", "--seed", 1)
    assert done.code == 2
    for word in ("r already exists", "--resume", "--out"):
        assert word in done.error
    assert {path: path.read_bytes() for path in run.rglob("*.*")} == before


def test_a_diverging_run_keeps_its_last_good_checkpoint(klosed, tmp_path):
    args = ("--latent", 2, "--hidden", 8, "--epochs", 30, "--out", "r", "--optimizer", "sgd")
    done = klosed("train", "digits", *args, "--learning-rate", 1e6, "--beta", 0)
    assert done.code == 1
    assert re.search(r"in epoch \d+, step \d+.*Lower the learning rate", done.err)


def test_early_stopping_says_so_and_reports_the_epoch_it_kept(klosed, tmp_path):
    args = ("--hidden", 8, "--epochs", 200, "--early-stopping", "--patience", 1, "--out", "r")
    done = klosed("train", "digits", *args, "--learning-rate", 0.03)
    assert done.code == 0
    kept = min(metrics(tmp_path / "r"), key=lambda record: record["validation_loss"])
    assert f"(stopped early, epoch {kept['epoch']} kept)" in done.out
    assert f"test loss {kept['test_loss']:.3f} nats" in done.out
    before = config(tmp_path / "r")
    again = klosed("train", "--resume", "--out", "r", "--epochs", 300)
    assert "raise --epochs" not in again.out
    assert "raise --patience" in again.out
    assert config(tmp_path / "r") == before
    # The pictures of the folder show the model of the folder: that epoch's, not the last.
    assert kept["epoch"] < len(metrics(tmp_path / "r"))
    assert klosed("sample", "r", "--out", "s.png").code == 0
    assert (tmp_path / "r" / "samples.png").read_bytes() == (tmp_path / "s.png").read_bytes()


def test_grids_are_drawn_when_due_when_kept_and_at_the_end(klosed, tmp_path, monkeypatch):
    drawn = []
    draw = _watch.Painter._draw_grids

    def spy(self, state, **keep):
        drawn.append(state.epoch)
        draw(self, state, **keep)

    monkeypatch.setattr(_watch.Painter, "_draw_grids", spy)
    monkeypatch.setattr(_watch, "_SECONDS_BETWEEN_GRIDS", 1e9)
    assert klosed("train", "digits", *FAST, "--epochs", 13, "--out", "r").code == 0
    assert drawn == [*range(1, 11), 13]
    assert klosed("sample", "r", "--out", "s.png").code == 0
    assert (tmp_path / "r" / "samples.png").read_bytes() == (tmp_path / "s.png").read_bytes()


def test_a_map_of_many_rows_shows_at_most_so_many(klosed, monkeypatch):
    shown = []

    def spy(z, labels, title):
        shown.append(len(z))
        return latent_map(z, labels, title)

    monkeypatch.setattr(_watch, "latent_map", spy)
    monkeypatch.setattr(_watch, "_MOST_POINTS", 200)
    assert klosed("train", "digits", *FAST, "--latent", 2, "--out", "r").code == 0
    assert shown == [180]  # of 360


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.arange(200 * 64).reshape(200, 64) % 256, ["8×8 pixels", "bernoulli"]),
        (np.arange(200 * 64).reshape(200, 64) % 255, ["no value is 255", "gaussian", "(n, 8, 8)"]),
        (np.arange(200 * 63).reshape(200, 63) % 256, []),
        (np.arange(200 * 64).reshape(200, 64) % 2, []),
    ],
)
def test_what_auto_took_flat_bytes_for_is_said(klosed, array, words):
    np.save("x.npy", array.astype(np.uint8))
    done = klosed("train", "x.npy", *FAST, "--out", "r")
    said = [line for line in done.err.splitlines() if "taken for" in line]
    assert len(said) == bool(words)
    assert all(word in said[0] for word in words)
    named = klosed("train", "x.npy", *FAST, "--out", "s", "--likelihood", "gaussian")
    assert "taken for" not in named.err


def test_copies_of_pictures_thin_out():
    kept = [epoch for epoch in range(1, 2001) if _watch._is_kept(epoch)]
    tens = [m * d for d in (1, 10, 100) for m in range(1, 10)]
    assert kept == [*tens, 1000, 2000]
