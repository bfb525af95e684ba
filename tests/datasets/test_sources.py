"""load_dataset: what a source may be, and the second source to test on."""

import os

import numpy as np
import pytest

from klosed.datasets import load_dataset, write_array
from klosed.errors import DataError

X = np.random.default_rng(0).normal(size=(6, 3))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mnits", "one of digits, mnist, fashion-mnist, or the path of .* Did you mean 'mnist'"),
        ("MNIST", "Did you mean 'mnist'"),
        ("fashion_mnist", "Did you mean 'fashion-mnist'"),
        ("nothing like it.csv", "got neither a known name nor an existing path.$"),
        ("nul\0byte", "neither a known name"),
        ("x" * 5000, "not a readable path|neither a known name"),
    ],
)
def test_unknown_sources(source, message):
    with pytest.raises(DataError, match=message):
        load_dataset(source)


def test_a_misspelt_path_is_corrected(tmp_path):
    write_array(tmp_path / "measurements.npy", X)
    with pytest.raises(DataError, match=r"Did you mean 'measurements\.npy'"):
        load_dataset(tmp_path / "measurement.npy")


@pytest.mark.parametrize("name", ["data.h5", "data", "data.txt"])
def test_unknown_files(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x89HDF")
    with pytest.raises(DataError, match=r"data must be a folder .* \.parquet; got (\.|no suffix)"):
        load_dataset(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_no_data(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="must be a file or a folder"):
        load_dataset(tmp_path / "pipe.csv")


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path):
    write_array(tmp_path / "x.npy", X).chmod(0)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        load_dataset(tmp_path / "x.npy")


def test_a_name_is_a_name_and_a_path_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert load_dataset("digits").train.name == "digits/train"
    with pytest.raises(DataError, match="got an empty folder"):
        load_dataset("./digits")
    with pytest.raises(DataError, match="got an empty folder"):
        load_dataset(tmp_path / "digits")


def test_another_source_to_test_on(tmp_path):
    train = write_array(tmp_path / "train.npy", X)
    test = write_array(tmp_path / "test.csv", X[:2])
    data = load_dataset(train, test=test)
    np.testing.assert_array_equal(data.train.x, X)
    np.testing.assert_array_equal(data.test.x, X[:2])
    assert str(train) in data.description


def test_the_test_part_of_the_other_source_comes_first(tmp_path):
    images = load_dataset("digits").train.x[:7].reshape(7, 8, 8)
    data = load_dataset(write_array(tmp_path / "d.npy", images), test="digits")
    assert len(data.test.x) == 360


def test_classes_are_kept_in_both_parts():
    data = load_dataset("digits", classes=["0", 9])
    assert data.train.classes == data.test.classes == (0, 9)
    with pytest.raises(DataError, match=r"digits/train: classes must be among 0, .*; got 10"):
        load_dataset("digits", classes=[10])


def test_the_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_array(tmp_path / "x.npy", X)
    assert load_dataset("~/x.npy").train.x.shape == (6, 3)
