"""IDX files: every type, every header field, and the names of MNIST's folder."""

import gzip
import hashlib
import tracemalloc

import numpy as np
import pytest

from klosed.datasets import load_dataset
from klosed.datasets.idx import read_idx
from klosed.errors import DataError, FileFormatError


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_every_type_is_read(tmp_path, as_idx, dtype, compress):
    array = (np.random.default_rng(0).random((4, 3, 2)) * 100).astype(dtype)
    path = tmp_path / "file"
    path.write_bytes(compress(as_idx(array)))
    found = read_idx(path)
    assert found.dtype == array.dtype.newbyteorder(">")
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda idx: b"\1" + idx[1:], "two zero bytes, or be gzip; got 01 00"),
        (lambda idx: idx[:2] + b"\x0a" + idx[3:], "type code must be one of .* got 0x0a"),
        (lambda idx: idx[:3] + b"\0" + idx[4:], "1 to 4 dimensions; got 0"),
        (lambda idx: idx[:3] + b"\5" + idx[4:], "1 to 4 dimensions; got 5"),
        (lambda idx: idx[:3], "ends inside its IDX header"),
        (lambda idx: idx[:10], "ends inside its IDX header"),
        (lambda idx: idx[:-1], "cut short: its header promises 60 bytes of data; got 59"),
        (lambda idx: idx + b"\0", "too long: its header promises 60 bytes of data; got 61"),
        (lambda idx: idx[:4] + b"\xff" * 12 + idx[16:], "cut short: .* promises 79,228,162,"),
        (lambda idx: idx[:4] + b"\0\0\0\0" + idx[8:], "too long: its header promises 0 bytes"),
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_wrong_header_or_length_is_refused(tmp_path, as_idx, pictures, damage, message, compress):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(compress(damage(as_idx(pictures))))
    with pytest.raises(FileFormatError, match=message):
        load_dataset(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-12], "not a readable IDX file: Compressed file ended"),
        (lambda data: data[:-5] + b"\0" * 5, "not a readable IDX file"),  # length and CRC
        (lambda data: b"plain text, no gzip", "two zero bytes, or be gzip; got 70 6c"),
        (lambda data: data + b"garbage", "not a readable IDX file: Not a gzipped file"),
        (lambda data: b"", "is empty"),
    ],
)
def test_damaged_gzip_is_refused(tmp_path, as_idx, pictures, damage, message):
    path = tmp_path / "images-idx3-ubyte.gz"
    path.write_bytes(damage(gzip.compress(as_idx(pictures))))
    with pytest.raises(FileFormatError, match=message):
        load_dataset(path)


def test_a_gzip_bomb_is_read_by_one_byte_beyond_the_promise(tmp_path, as_idx, pictures):
    path = tmp_path / "images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(as_idx(pictures) + bytes(50_000_000), 1))
    with pytest.raises(FileFormatError, match="promises 60 bytes of data; got 61"):
        load_dataset(path)


def test_a_promise_that_gzip_cannot_keep_is_not_allocated(tmp_path, as_idx, pictures):
    path = tmp_path / "images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(as_idx(pictures)[:4] + b"\0\0\4\0" * 3))
    tracemalloc.start()
    with pytest.raises(FileFormatError, match="cut short: its header promises 1,073,741,824"):
        load_dataset(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_an_uncompressed_file_named_gz_is_still_read(tmp_path, as_idx, pictures):
    path = tmp_path / "images-idx3-ubyte.gz"
    path.write_bytes(as_idx(pictures))
    np.testing.assert_array_equal(load_dataset(path).train.x, pictures.reshape(5, 12))


def _write(folder, as_idx, **arrays):
    for name, array in arrays.items():
        part, what = name.split("_")
        content = gzip.compress(as_idx(array))
        (folder / f"{part}-{what}-idx{array.ndim}-ubyte.gz").write_bytes(content)


def test_a_folder_has_its_parts_by_name(tmp_path, as_idx, pictures):
    labels = np.arange(5, dtype=np.uint8)
    _write(
        tmp_path,
        as_idx,
        train_images=pictures,
        train_labels=labels,
        t10k_images=pictures[:2],
        t10k_labels=labels[:2],
    )
    data = load_dataset(tmp_path)
    assert data.train.image_shape == (3, 4)
    assert data.train.labels.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(data.test.x, pictures[:2].reshape(2, 12))
    assert data.test.labels.tolist() == [0, 1]


def test_labels_and_the_test_part_are_optional(tmp_path, as_idx, pictures):
    _write(tmp_path, as_idx, t10k_images=pictures)
    data = load_dataset(tmp_path)
    assert data.train.labels is None
    assert data.test is None
    assert len(data.train.x) == 5


def test_dots_in_names_and_uncompressed_files_first(tmp_path, as_idx, pictures):
    (tmp_path / "train-images.idx3-ubyte").write_bytes(as_idx(pictures))
    (tmp_path / "train-images.idx3-ubyte.gz").write_bytes(b"never opened")
    assert len(load_dataset(tmp_path).train.x) == 5


def test_counts_must_agree(tmp_path, as_idx, pictures):
    _write(tmp_path, as_idx, train_images=pictures, train_labels=np.zeros(4, np.uint8))
    with pytest.raises(FileFormatError, match="as many images as labels; got 5 and 4"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("labels", [np.zeros((5, 1), np.uint8), np.zeros(5, np.float32)])
def test_labels_must_be_a_row_of_whole_numbers(tmp_path, as_idx, pictures, labels):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(as_idx(pictures))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(as_idx(labels))
    with pytest.raises(FileFormatError, match="labels must be one dimension of whole numbers"):
        load_dataset(tmp_path)


def test_labels_alone_are_no_data(tmp_path, as_idx):
    _write(tmp_path, as_idx, train_labels=np.zeros(5, np.uint8))
    with pytest.raises(DataError, match="labels but no images"):
        load_dataset(tmp_path)


def test_several_sets_in_a_folder_are_not_guessed_between(tmp_path, as_idx, pictures):
    for name in ("emnist-letters-", "emnist-digits-"):
        (tmp_path / f"{name}train-images-idx3-ubyte").write_bytes(as_idx(pictures))
    with pytest.raises(DataError, match="'emnist-digits-', 'emnist-letters-'"):
        load_dataset(tmp_path)


def test_mnist_is_read_byte_for_byte(shared_data):
    data = load_dataset(shared_data / "mnist")
    header = bytes.fromhex("00000803 0000ea60 0000001c 0000001c")
    assert hashlib.sha256(header + data.train.x.tobytes()).hexdigest() == (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    )
    header = bytes.fromhex("00000801 00002710")
    assert hashlib.sha256(header + data.test.labels.astype(np.uint8).tobytes()).hexdigest() == (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    )
    assert data.train.x.shape == (60_000, 784)
    assert data.train.x.dtype == np.uint8
    assert data.test.image_shape == (28, 28)
    assert data.train.kind == "bytes"
