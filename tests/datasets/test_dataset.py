"""Data sets in memory: conversion, checks, classes, scaling, and train beside test."""

import numpy as np
import pytest

from klosed.datasets import Dataset, Splits, load_dataset, scaled
from klosed.datasets.dataset import aligned
from klosed.errors import DataError


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("bool", "float32"),
        ("float16", "float32"),
        (">f4", "float32"),
        ("float64", "float64"),
        ("longdouble", "float64"),
        ("int16", "float64"),
        ("uint8", "float64"),  # two dimensions: a table, not pictures
    ],
)
def test_numbers_become_floats_that_hold_them(dtype, kept):
    array = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    data = Dataset.from_array(array)
    assert data.x.dtype == np.dtype(kept)
    assert data.x.dtype.isnative
    np.testing.assert_array_equal(data.x, array)


def test_pictures_stay_bytes_and_remember_their_shape(pictures):
    data = Dataset.from_array(pictures)
    assert data.x.dtype == np.uint8
    assert data.image_shape == (3, 4)
    assert data.kind == "bytes"
    np.testing.assert_array_equal(data.x.reshape(5, 3, 4), pictures)


def test_fortran_order_is_made_contiguous(pictures):
    data = Dataset.from_array(np.asfortranarray(pictures))
    assert data.x.flags.c_contiguous
    np.testing.assert_array_equal(data.x.reshape(5, 3, 4), pictures)


def test_channels_come_last():
    colour = np.random.default_rng(0).random((2, 5, 6, 3))
    last = Dataset.from_array(colour)
    first = Dataset.from_array(np.moveaxis(colour, 3, 1))
    assert last.image_shape == first.image_shape == (5, 6, 3)
    np.testing.assert_array_equal(last.x, first.x)


@pytest.mark.parametrize("shape", [(2, 1, 5, 6), (2, 5, 6, 1)])
def test_a_single_channel_is_dropped(shape):
    assert Dataset.from_array(np.zeros(shape)).image_shape == (5, 6)


def test_more_than_pictures_is_flattened_without_a_picture_shape():
    data = Dataset.from_array(np.zeros((2, 3, 4, 5, 6)))
    assert data.x.shape == (2, 360)
    assert data.image_shape is None


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float64"])
def test_flat_rows_of_pixels_are_seen_as_square_pictures(dtype):
    flat = np.random.default_rng(0).integers(0, 256, (9, 81)).astype(dtype)
    flat[0, 0] = 255
    data = Dataset.from_array(flat)
    assert (data.kind, data.image_shape) == ("bytes", (9, 9))
    np.testing.assert_array_equal(data.x, flat)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: np.minimum(x, 254),  # never reaches 255
        lambda x: x - 1,  # negative
        lambda x: x / 2 + 127.5,  # not whole
        lambda x: x[:, :80],  # not square
        lambda x: x[:, :49],  # too small to be a picture
        lambda x: np.where(x == 7, 256, x),
    ],
)
def test_other_tables_are_not_taken_for_pixels(change):
    pixels = np.arange(4 * 81).reshape(4, 81) % 256
    assert Dataset.from_array(pixels).kind == "bytes"
    assert Dataset.from_array(change(pixels.astype(float))).kind == "real"


def test_kind_and_range():
    assert Dataset.from_array([[0.0, 1.0]]).kind == "unit"
    assert Dataset.from_array([[0.0, 1.5]]).kind == "real"
    assert Dataset.from_array([[-0.5, 1.0]]).kind == "real"
    assert Dataset.from_array([[-0.5, 1.0]]).value_range == (-0.5, 1.0)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), r"needs shape .* got \(3,\)"),
        (np.zeros((0, 3)), r"at least one row .* got shape \(0, 3\)"),
        (np.zeros((3, 0)), r"at least one row .* got shape \(3, 0\)"),
        (np.zeros((0, 28, 28)), "at least one row"),
        (np.array([[1 + 2j]]), "real numbers; got complex128"),
        (np.array([["a"]]), "real numbers; got <U1"),
        (np.array([[None]]), "real numbers; got object"),
        ([[1, 2], [3]], "one length"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(array, message):
    with pytest.raises(DataError, match=message):
        Dataset.from_array(array, name="t")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_found(bad):
    x = np.zeros((4, 3))
    x[2, 1] = x[3, 0] = bad
    with pytest.raises(DataError, match=rf"got 2 .* first {bad} at row 2, column 1 \('b'\)"):
        Dataset.from_array(x, feature_names=["a", "b", "c"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": np.zeros((2, 2), np.int64)}, "int64. Use Dataset.from_array"),
        ({"x": np.zeros((2, 2), order="F")}, "C-contiguous"),
        ({"labels": np.zeros(3, np.int64)}, r"2 rows and labels of shape \(3,\)"),
        ({"feature_names": ("a",)}, "1 names for 2 columns"),
    ],
)
def test_the_constructor_checks(changes, message):
    with pytest.raises(DataError, match=message):
        Dataset(**{"x": np.zeros((2, 2)), **changes})


@pytest.mark.parametrize(
    ("labels", "codes", "names"),
    [
        ([3, 1, 3], [3, 1, 3], None),
        ([[3], [1], [3]], [3, 1, 3], None),
        ([3.0, 1.0, 3.0], [3, 1, 3], None),
        ([True, False, True], [1, 0, 1], None),
        (["b", "a", "b"], [1, 0, 1], ("a", "b")),
        ([b"b", b"a", b"b"], [1, 0, 1], ("a", "b")),
        ([0.5, 1.0, 2.0], None, None),  # a target to regress on names no classes
        ([np.nan, 1.0, 2.0], None, None),
    ],
)
def test_labels_become_class_numbers(labels, codes, names):
    data = Dataset.from_array(np.zeros((3, 1)), np.array(labels))
    assert data.class_names == names
    assert (None if data.labels is None else data.labels.tolist()) == codes


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(3), r"shape \(n_rows,\); got \(3, 3\)"),
        (np.array([None] * 3), "whole numbers or text; got object"),
    ],
)
def test_labels_of_another_form_are_refused(labels, message):
    with pytest.raises(DataError, match=message):
        Dataset.from_array(np.zeros((3, 1)), labels)


def test_classes_are_selected_in_the_order_of_the_rows():
    data = Dataset.from_array([[0.0], [1.0], [2.0], [3.0]], [7, 8, 7, 9])
    chosen = data.select_classes(["9", 7])
    assert chosen.x[:, 0].tolist() == [0, 2, 3]
    assert chosen.labels.tolist() == [7, 7, 9]
    assert chosen.classes == (7, 9)
    assert chosen.value_range == (0, 3)


def test_classes_are_selected_by_name_where_there_are_names():
    data = Dataset.from_array([[0.0], [1.0], [2.0]], ["2", "1", "cat"])
    assert data.select_classes([1, "cat"]).x[:, 0].tolist() == [1, 2]
    assert data.select_classes(["cat"]).classes == ("cat",)


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (None, [1], "has no labels"),
        ([1, 2], [2, 3], "among 1, 2; got 3"),
        (["a", "b"], [0], "among a, b; got 0"),
        ([1, 2], [], "got none"),
    ],
)
def test_classes_that_cannot_be_selected(labels, classes, message):
    with pytest.raises(DataError, match=message):
        Dataset.from_array(np.zeros((2, 1)), labels).select_classes(classes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_bytes_scale_to_the_nearest_float(dtype):
    values = np.arange(256, dtype=np.uint8)
    expected = np.array([k / 255 for k in range(256)])  # correctly rounded quotients
    np.testing.assert_array_equal(scaled(values, np.float64), expected)
    assert scaled(values, dtype).dtype == dtype
    np.testing.assert_array_max_ulp(scaled(values, np.float32), expected.astype(np.float32), 0)


def test_floats_pass_through_unscaled_and_uncopied():
    x = np.array([[-3.0, 0.5]])
    assert np.shares_memory(scaled(x, np.float64), x)
    assert scaled(x, np.float32).tolist() == [[-3.0, 0.5]]


def test_values_beyond_float32_are_named():
    with pytest.raises(DataError, match=r"must fit float32; got one of size 1e\+300"):
        scaled(np.array([[1e300]]), np.float32)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), "number of features .* got 4 and 3"),
        (np.zeros((2, 3, 4)), np.zeros((2, 4, 3)), r"image shape .* got \(4, 3\) and \(3, 4\)"),
        (np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3, 4)), "type of values .* floats and bytes"),
    ],
)
def test_a_test_part_that_does_not_match_is_refused(train, test, message):
    with pytest.raises(DataError, match=message):
        Splits(Dataset.from_array(train), Dataset.from_array(test))


def test_column_names_of_the_parts_must_agree():
    parts = [Dataset.from_array(np.zeros((1, 2)), feature_names=names) for names in ("ab", "ba")]
    with pytest.raises(DataError, match="column names"):
        Splits(*parts)


def test_a_test_part_is_understood_as_the_training_part():
    train = Dataset.from_array(np.full((1, 64), 255), ["b"])
    dark = Dataset.from_array(np.full((2, 64), 200), ["a", "b"])
    assert dark.kind == "real"
    test = aligned(dark, train)
    assert (test.kind, test.image_shape) == ("bytes", (8, 8))
    assert test.class_names == ("b", "a")
    assert test.labels.tolist() == [1, 0]
    table = aligned(train, dark)  # and the other way round
    assert (table.kind, table.image_shape) == ("real", None)


def test_a_test_part_in_the_unit_interval_is_not_taken_for_bytes():
    train = Dataset.from_array(np.full((1, 64), 255))
    binary = Dataset.from_array(np.ones((1, 64)))
    with pytest.raises(DataError, match="type of values"):
        Splits(train, aligned(binary, train))
    with pytest.raises(DataError, match="type of values"):
        Splits(binary, aligned(train, binary))


def test_a_test_part_with_columns_in_another_order_is_put_in_order(tmp_path):
    (tmp_path / "a.csv").write_text("u,v\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("v,u\n6,5\n")
    test = load_dataset(tmp_path / "a.csv", test=tmp_path / "b.csv").test
    assert test.feature_names == ("u", "v")
    assert test.x.tolist() == [[5, 6]]
    assert test.x.flags.c_contiguous
    for header in ("v,w", "u,u"):
        (tmp_path / "b.csv").write_text(f"{header}\n6,5\n")
        with pytest.raises(DataError, match="same column names"):
            load_dataset(tmp_path / "a.csv", test=tmp_path / "b.csv")
