"""NumPy's files: keys, orders, and headers that lie."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from klosed.datasets import load_dataset
from klosed.errors import DataError, FileFormatError

X = np.random.default_rng(0).normal(size=(6, 3))


def _npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


def _lying_npy(shape, dtype="<f8", payload=b""):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + payload


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2"])
def test_npy_in_any_order_and_type(tmp_path, order, dtype):
    array = np.asarray(X * 10, dtype, order=order)
    np.save(tmp_path / "x.npy", array)
    data = load_dataset(tmp_path / "x.npy").train
    np.testing.assert_array_equal(data.x, array)
    assert data.x.flags.c_contiguous
    assert data.x.flags.writeable
    assert data.name == "x.npy"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_lying_npy((10**12, 10**6)), "cut short: its header promises 8,000,000,000,000,000,000"),
        (_lying_npy((2, 2), payload=bytes(31)), "promises 32 bytes of data; got 31"),
        (_lying_npy((2, 2), payload=bytes(33)), "too long: .* got 33"),
        (_lying_npy((-2, -2), payload=bytes(32)), "negative size"),
        (_lying_npy((2, 2), "|O", bytes(32)), "never unpickles"),
        (_lying_npy((2, 2), "<c16", bytes(64)), "real numbers; got complex128"),
        (_lying_npy((2, 2), "<M8[s]", bytes(32)), "must hold numbers; got datetime64"),
        (_lying_npy((3,), payload=bytes(24)), r"needs shape .* got \(3,\)"),
        (_lying_npy("'two'"), "not a readable .npy file"),
        (_lying_npy("(" * 2000), "not a readable .npy file"),
        (b"\x93NUMPY\3\0" + bytes(40), r"format 1.0 or 2.0; got \(3, 0\)"),
        (b"\x93NUMPY\2\0\xff\xff\xff\x7f {'descr'", "not a readable .npy file: EOF"),
        (b"PK\3\4 something else", "not a readable .npy file: the magic string"),
        (b"", "is empty"),
    ],
)
def test_npy_that_lies_is_refused(tmp_path, content, message):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(DataError, match=message):
        load_dataset(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_pickles_are_refused_even_when_numpy_could(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="never unpickles"):
        load_dataset(tmp_path / "x.npy")


@pytest.mark.parametrize("key", ["x", "X", "x_train", "data", "images", "anything"])
def test_npz_rows_are_found(tmp_path, key):
    data = load_dataset(_npz(tmp_path / "d.npz", **{key: X, "other": np.arange(3)}))
    np.testing.assert_array_equal(data.train.x, X)
    assert data.train.labels is None
    assert data.test is None


def test_npz_in_the_layout_of_keras(tmp_path, pictures):
    y = np.arange(5, dtype=np.uint8)
    path = _npz(tmp_path / "d.npz", x_train=pictures, y_train=y, x_test=pictures[:2], y_test=y[:2])
    data = load_dataset(path)
    assert data.train.image_shape == data.test.image_shape == (3, 4)
    assert data.train.labels.tolist() == y.tolist()
    assert data.test.labels.tolist() == [0, 1]


def test_npz_with_text_labels_and_feature_names(tmp_path):
    path = _npz(tmp_path / "d.npz", x=X, y=list("abcabc"), feature_names=["u", "v", "w"])
    data = load_dataset(path, classes=["c"]).train
    assert data.feature_names == ("u", "v", "w")
    assert data.class_names == ("a", "b", "c")
    np.testing.assert_array_equal(data.x, X[[2, 5]])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "X": X}, r"must hold one of x, .* got x \(6, 3\), X \(6, 3\)"),
        ({"x": X, "data": X}, "must hold one of"),
        ({"a": X, "b": X}, r"called x, or only one table .* got a \(6, 3\), b \(6, 3\)"),
        ({"a": np.arange(3)}, r"got a \(3,\)"),
        ({}, "got no arrays"),
        ({"x": X, "y": [1, 2], "labels": [1, 2]}, "must hold one of y"),
        ({"x": X, "y": [1, 2]}, r"6 rows and labels of shape \(2,\)"),
        ({"x": X, "x_test": X[:, :2]}, "same number of features"),
        ({"x": X * np.nan}, "must be finite"),
    ],
)
def test_npz_that_is_ambiguous_or_does_not_match(tmp_path, arrays, message):
    path = tmp_path / "d.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for key, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(f"{key}.npy", content.getvalue())
    with pytest.raises(DataError, match=message):
        load_dataset(path)


def test_npz_never_unpickles(tmp_path):
    path = _npz(tmp_path / "d.npz", x=np.array([[None]]))
    with pytest.raises(FileFormatError, match="never unpickles"):
        load_dataset(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_lying_npy((10**6, 10**6)), "cut short: its header promises 8,000,000,000,000"),
        (_lying_npy((2, 2), payload=bytes(33)), "too long"),
    ],
)
def test_npz_members_that_lie_are_refused(tmp_path, content, message):
    path = tmp_path / "d.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(FileFormatError, match=message):
        load_dataset(path)


def test_npz_directory_that_lies_is_refused_before_anything_is_allocated(tmp_path):
    path = tmp_path / "d.npz"
    shape = (1, 500_000_000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", _lying_npy(shape))
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\1\2")
    size = len(_lying_npy(shape)) + 8 * shape[1]  # agrees with the header inside
    data[directory + 24 : directory + 28] = struct.pack("<I", size & 0xFFFFFFFF)
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match="x is cut short"):
        load_dataset(path)


def test_a_bomb_larger_than_memory_is_refused(tmp_path, monkeypatch):
    path = _npz(tmp_path / "d.npz", x=np.zeros((1000, 1000)))
    monkeypatch.setattr("klosed.datasets._guards._physical_memory", lambda: 7_999_999)
    with pytest.raises(DataError, match="needs 8,000,000 bytes of memory; this machine has"):
        load_dataset(path)


@pytest.mark.parametrize("content", [b"not a zip", b"PK\5\6" + bytes(18)])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "d.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"not a zip|no arrays"):
        load_dataset(path)
