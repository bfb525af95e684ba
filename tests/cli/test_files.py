"""sample, reconstruct, encode, decode: what is in the files, and when none is written."""

from pathlib import Path

import numpy as np
import pytest
from command_line import small_table
from PIL import Image

import klosed as package
from klosed.cli._runs import TrainedRun
from klosed.datasets import load_dataset
from klosed.models.files import load_model


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def mean_of(run, z):
    """E[x | z] by the engine, by hand for a Bernoulli likelihood."""
    model = load_model(run / "model.safetensors")
    logits = package.engine("reference", model.spec).decode(model.params, np.float32(z))
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def posterior(run, x):
    model = load_model(run / "model.safetensors")
    loc, log_variance = package.engine("reference", model.spec).encode(model.params, x)
    return loc, np.exp(log_variance / 2)


def test_samples_of_pictures_are_means_unless_drawn(klosed, digits_run):
    assert klosed("sample", digits_run, "--n", 40, "--out", "m.npy").code == 0
    assert klosed("sample", digits_run, "--n", 40, "--out", "d.npy", "--draw").code == 0
    means, draws = np.load("m.npy"), np.load("d.npy")
    assert means.shape == draws.shape == (40, 64)
    assert set(np.unique(draws)) == {0.0, 1.0}
    assert 0 < means[:, 30].min() < means[:, 30].max() < 1
    # The same points of the prior: draws scatter about their means.
    assert abs((draws - means).mean()) < 0.03
    assert np.corrcoef(draws.ravel(), means.ravel())[0, 1] > 0.4


def test_samples_follow_the_seed(klosed, digits_run):
    for seed, name in ((1, "a"), (1, "b"), (2, "c")):
        done = klosed("sample", digits_run, "--n", 5, "--seed", seed, "--out", f"{name}.npy")
        assert done.code == 0
    a, b, c = (np.load(f"{name}.npy") for name in "abc")
    assert (a == b).all()
    assert klosed("sample", digits_run, "--n", 9, "--seed", 1, "--out", "more.npy").code == 0
    np.testing.assert_allclose(np.load("more.npy")[:5], a, rtol=1e-5)
    assert (a != c).any()


def test_samples_of_a_table_are_draws_with_its_moments_and_names(klosed, table_run):
    assert klosed("sample", table_run, "--n", 4000, "--out", "new.csv").code == 0
    rows, real = load_dataset("new.csv").train, TrainedRun(str(table_run)).load(None)[1]
    assert rows.feature_names == ("a", "b", "c")
    assert rows.x.mean(axis=0) == pytest.approx(real.mean(axis=0), abs=0.3 * real.std())
    assert rows.x.std(axis=0) == pytest.approx(real.std(axis=0), rel=0.25)
    assert klosed("sample", table_run, "--n", 4000, "--out", "m.npy", "--mean").code == 0
    # One latent dimension: means lie on a curve, draws do not.
    means = np.load("m.npy")
    assert means[:, 0].std() < rows.x[:, 0].std()


def test_a_sample_grid_shows_the_samples(klosed, digits_run):
    assert klosed("sample", digits_run, "--n", 4, "--out", "s.png").code == 0
    assert klosed("sample", digits_run, "--n", 4, "--out", "s.npz").code == 0
    grid, rows = pixels("s.png"), np.load("s.npz")["x"]
    zoom = (grid.shape[0] - 12) // 16
    first = grid[4 : 4 + 8 * zoom : zoom, 4 : 4 + 8 * zoom : zoom]
    assert (first == np.rint(255 * rows[0]).reshape(8, 8)).all()


def test_reconstructions_go_through_both_means(klosed, digits_run):
    assert klosed("reconstruct", digits_run, "--out", "r.npy").code == 0
    x = load_dataset("digits").test.x
    np.testing.assert_allclose(
        np.load("r.npy"), mean_of(digits_run, posterior(digits_run, x)[0]), rtol=1e-5
    )


def test_a_reconstruction_picture_has_originals_above(klosed, digits_run):
    assert klosed("reconstruct", digits_run, "--n", 3, "--out", "r.png").code == 0
    grid = pixels("r.png")
    x = load_dataset("digits").test.x[[0, 179, 359]]
    zoom, gap = 7, 3
    assert grid.shape == (2 * 8 * zoom + 3 * gap, 3 * 8 * zoom + 4 * gap)
    for k in range(3):
        left = gap + k * (8 * zoom + gap)
        tile = grid[gap : gap + 8 * zoom : zoom, left : left + 8 * zoom : zoom]
        assert (tile == np.rint(255 * x[k].astype(float)).reshape(8, 8)).all()


def test_reconstructions_of_a_table_are_in_its_units(klosed, table_run):
    assert klosed("reconstruct", table_run, "--out", "r.csv", "--n", 50).code == 0
    real = TrainedRun(str(table_run)).load(None)[1][:50]
    rows = load_dataset("r.csv").train.x
    assert rows.shape == (50, 3)
    # All three columns hang on one factor, so little is lost.
    residual = (rows - real).std(axis=0) / real.std(axis=0)
    assert (residual < 0.4).all()


def test_latents_are_posterior_means_and_deviations_with_labels(klosed, digits_run):
    assert klosed("encode", digits_run, "--out", "z.csv", "--std").code == 0
    assert klosed("encode", digits_run, "--out", "z.npy").code == 0
    test = load_dataset("digits").test
    loc, scale = posterior(digits_run, test.x)
    table = load_dataset("z.csv").train
    assert table.feature_names == ("z0", "z1", "std0", "std1")
    assert (table.labels == test.labels).all()
    np.testing.assert_allclose(table.x, np.hstack([loc, scale]), rtol=1e-5)
    np.testing.assert_array_equal(np.load("z.npy"), np.float32(table.x[:, :2]))


def test_decode_reads_what_encode_wrote(klosed, digits_run):
    assert klosed("encode", digits_run, "--out", "z.csv", "--std").code == 0
    assert klosed("encode", digits_run, "--out", "z.npz").code == 0
    for name in ("z.csv", "z.npz"):
        done = klosed("decode", digits_run, name, "--out", "x.npy", "--force")
        assert done.code == 0, done.err
        np.testing.assert_allclose(
            np.load("x.npy"), mean_of(digits_run, load_dataset(name).train.x[:, :2]), rtol=1e-5
        )
    assert klosed("decode", digits_run, "z.csv", "--out", "x.png").code == 0


def test_decode_refuses_other_dimensions(klosed, digits_run):
    np.save("z.npy", np.zeros((4, 3)))
    done = klosed("decode", digits_run, "z.npy", "--out", "x.npy")
    assert (done.code, "2 dimensions; got 3 columns" in done.error) == (2, True)


def test_decode_finds_its_columns_by_number(klosed, digits_run):
    z = np.random.default_rng(0).normal(size=(4, 2))
    np.savetxt("z.csv", z[:, ::-1], delimiter=",", header="z1,z0", comments="")
    assert klosed("decode", digits_run, "z.csv", "--out", "x.npy").code == 0
    np.testing.assert_allclose(np.load("x.npy"), mean_of(digits_run, z), rtol=1e-5)
    np.savetxt("z.csv", z, delimiter=",", header="z1,z2", comments="")
    done = klosed("decode", digits_run, "z.csv", "--out", "y.npy")
    assert (done.code, "must be z0 to z1, each once; got z1, z2" in done.error) == (2, True)


def test_labels_are_numbered_as_in_training(klosed, table_run):
    rng = np.random.default_rng(0)
    lines = [
        f"{a},{b},{kind}" for (a, b), kind in zip(rng.normal(size=(60, 2)), "abc" * 20, strict=True)
    ]
    Path("x.csv").write_text("\n".join(["u,v,class", *lines]))
    args = ("--hidden", 4, "--latent", 1, "--epochs", 1, "--batch-size", 20, "--out", "r")
    assert klosed("train", "x.csv", *args).code == 0
    Path("new.csv").write_text("u,v,class\n1,2,c\n3,4,b\n5,6,new\n")
    assert klosed("encode", "r", "--data", "new.csv", "--out", "z.csv").code == 0
    assert load_dataset("z.csv").train.labels.tolist() == [2, 1, 3]


@pytest.mark.parametrize("name", ["encode", "reconstruct", "evaluate"])
def test_rows_of_another_size_altogether_are_refused(klosed, tmp_path, table_run, name):
    rows = small_table()
    rows[7] *= 1e25
    np.savetxt("x.csv", rows, delimiter=",", header="a,b,c", comments="")
    out = () if name == "evaluate" else ("--out", "y.csv")
    done = klosed(name, table_run, "--data", "x.csv", *out)
    assert done.code == 2
    assert "gives row 7 no finite likelihood" in done.error
    assert not (tmp_path / "y.csv").exists()


def test_what_is_not_finite_is_not_written(klosed, tmp_path, table_run):
    np.save("z.npy", np.array([[0.0], [1e39]]))
    done = klosed("decode", table_run, "z.npy", "--out", "x.csv")
    assert done.code == 2
    assert "not finite, first in row 1" in done.error
    assert not (tmp_path / "x.csv").exists()


def test_a_map_needs_a_plane(klosed, digits_run, table_run):
    assert klosed("encode", digits_run, "--out", "map.png").code == 0
    assert pixels("map.png").shape[2] == 4
    done = klosed("encode", table_run, "--out", "map2.png")
    assert (done.code, "2 dimensions" in done.error) == (2, True)


WRITERS = {
    "sample": (),
    "reconstruct": (),
    "encode": (),
    "decode": ("z.npy",),
}


@pytest.mark.parametrize("name", WRITERS)
def test_files_are_not_replaced_unless_forced(klosed, tmp_path, digits_run, name):
    np.save("z.npy", np.zeros((4, 2)))
    (tmp_path / "x.npy").write_text("precious")
    done = klosed(name, digits_run, *WRITERS[name], "--out", "x.npy")
    assert done.code == 2
    assert "x.npy already exists" in done.error
    assert "--force" in done.error
    assert (tmp_path / "x.npy").read_text() == "precious"
    assert klosed(name, digits_run, *WRITERS[name], "--out", "x.npy", "--force").code == 0
    assert np.load("x.npy").ndim == 2


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("x.bmp", "must end in .npy, .npz, .csv, .png; got 'x.bmp'"),
        ("x", "must end in"),
        ("nowhere/x.npy", "there is no folder nowhere"),
        (".npy", "must end in"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_first(klosed, digits_run, name, out, words):
    np.save("z.npy", np.zeros((4, 2)))
    done = klosed(name, digits_run, *WRITERS[name], "--out", out)
    assert done.code == 2
    assert words in done.error


@pytest.mark.parametrize("name", ["sample", "reconstruct", "decode"])
def test_a_table_has_no_pictures(klosed, tmp_path, table_run, name):
    np.save("z.npy", np.zeros((4, 1)))
    done = klosed(name, table_run, *WRITERS[name], "--out", "x.png")
    assert done.code == 2
    assert "not pictures. Use .npy, .npz, .csv" in done.error
    assert not (tmp_path / "x.png").exists()


def test_a_run_on_bytes_gives_bytes_back(klosed):
    """Rows are read and written in the units of the data: 0 to 255."""
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.integers(0, 256, (200, 3, 4, 3)).astype(np.uint8))
    args = ("--hidden", 8, "--latent", 2, "--epochs", 2, "--batch-size", 20, "--out", "r")
    assert klosed("train", "x.npy", *args).code == 0
    assert pixels("r/samples.png").shape[2:] == (3,)
    assert klosed("sample", "r", "--out", "s.npy").code == 0
    assert 100 < np.load("s.npy").mean() < 155
    np.save("floats.npy", np.load("x.npy")[:9].reshape(9, -1) * 1.0)
    for name in ("x.npy", "floats.npy"):
        assert klosed("reconstruct", "r", "--data", name, "--out", f"r-{name}").code == 0
    np.testing.assert_allclose(np.load("r-x.npy")[:9], np.load("r-floats.npy"), rtol=1e-5)
    np.save("unit.npy", np.load("x.npy")[:9].reshape(9, -1) / 255)
    done = klosed("reconstruct", "r", "--data", "unit.npy", "--out", "u.npy")
    assert "multiply them" in done.error
