"""Written arrays come back as they were, and never in halves."""

import numpy as np
import pytest

from klosed.datasets import load_dataset, write_array
from klosed.errors import DataError

X = np.random.default_rng(0).normal(size=(7, 3)) * np.array([1e-300, 1.0, 1e300])


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".CSV"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_digit_survives(tmp_path, suffix, dtype):
    x = np.random.default_rng(1).normal(size=(7, 3)).astype(dtype) if dtype == np.float32 else X
    path = write_array(tmp_path / f"z{suffix}", x, ["z0", "z, 1", "z2"])
    found = load_dataset(path).train
    np.testing.assert_array_equal(found.x.astype(dtype), x)
    assert found.feature_names == (None if suffix == ".npy" else ("z0", "z, 1", "z2"))
    if suffix.lower() != ".csv":
        assert found.x.dtype == dtype


def test_pictures_survive(tmp_path, pictures):
    for suffix in (".npy", ".npz"):
        found = load_dataset(write_array(tmp_path / f"p{suffix}", pictures)).train
        np.testing.assert_array_equal(found.x.reshape(5, 3, 4), pictures)


def test_the_folder_holds_the_file_and_nothing_else(tmp_path):
    write_array(str(tmp_path / "z.npy"), X)
    write_array(tmp_path / "z.npy", X[:2])
    assert [path.name for path in tmp_path.iterdir()] == ["z.npy"]
    assert len(np.load(tmp_path / "z.npy")) == 2


@pytest.mark.parametrize(
    ("name", "array", "names", "message"),
    [
        ("z.txt", X, None, r"suffix must be .* got '\.txt'"),
        ("z", X, None, "got ''"),
        ("z.npy", np.array([[None]]), None, "real numbers can be written; got object"),
        ("z.csv", np.zeros((2, 2, 2)), None, r"needs a 2-D array; got shape \(2, 2, 2\)"),
        ("z.csv", X, ["a"], "1 names for shape"),
        ("no folder/z.npy", X, None, "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_written(tmp_path, name, array, names, message):
    with pytest.raises(DataError, match=message):
        write_array(tmp_path / name, array, names)
    assert not list(tmp_path.iterdir())
