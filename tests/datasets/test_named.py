"""The data sets with names."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from klosed.datasets import load_dataset
from klosed.datasets.named import FASHION_MNIST, MNIST, NAMED
from klosed.errors import DownloadError


def test_digits_are_those_of_scikit_learn():
    data = load_dataset("digits")
    pixels, labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(data.test.x * 16, pixels[::5])
    np.testing.assert_array_equal(data.test.labels, labels[::5])
    assert len(data.train.x) == 1437
    np.testing.assert_array_equal(data.train.x[4] * 16, pixels[6])
    assert data.train.x.dtype == np.float32
    assert data.train.image_shape == data.test.image_shape == (8, 8)
    assert data.train.kind == "unit"
    assert set(data.test.classes) == set(range(10))


def test_digits_are_found_wherever_scikit_learn_keeps_them(monkeypatch):
    usual = load_dataset("digits")
    monkeypatch.setattr(Path, "is_file", lambda _: False)
    moved = load_dataset("digits")
    np.testing.assert_array_equal(moved.train.x, usual.train.x)
    np.testing.assert_array_equal(moved.test.labels, usual.test.labels)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_licences_are_stated(name, monkeypatch):
    monkeypatch.setattr("klosed.datasets.named.fetch", lambda *_: [None] * 4)
    monkeypatch.setattr("klosed.datasets.named.idx_pair", lambda *_: load_dataset("digits").train)
    assert "Licence: " in NAMED[name](None).description


def test_mnist_placed_by_hand_is_checked_and_read(shared_data, tmp_path):
    (tmp_path / "mnist").symlink_to(shared_data / "mnist")
    data = load_dataset("mnist", cache_dir=tmp_path, classes=[1, "2"])
    assert data.train.name == "mnist/train"
    assert data.train.classes == (1, 2)
    assert len(data.train.x) == 6742 + 5958  # the counts that the field knows
    assert len(data.test.x) == 1135 + 1032


def test_the_checksums_of_mnist_are_those_of_its_content(shared_data):
    for file in MNIST.files:
        data = (shared_data / "mnist" / file.name).read_bytes()
        assert file.matches(data)
        assert hashlib.sha256(data).hexdigest() != file.sha256  # compressed anew
        assert not file.matches(data[:-1])


@pytest.mark.parametrize("published", [MNIST, FASHION_MNIST])
def test_what_is_published_is_well_formed(published):
    assert len({file.sha256 for file in published.files}) == 4
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in published.files)
    assert all(mirror.endswith("/") for mirror in published.mirrors)
    assert len(published.mirrors) >= 2


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_offline_says_what_to_do(name, tmp_path, monkeypatch):
    def offline(url):
        raise ConnectionError(url)

    monkeypatch.setattr("klosed.datasets.download._download", offline)
    monkeypatch.setenv("KLOSED_DATA_DIR", str(tmp_path))
    with pytest.raises(DownloadError, match=f"{name}: cannot fetch train-images-idx3-ubyte.gz"):
        load_dataset(name)
