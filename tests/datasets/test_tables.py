"""Text and Parquet tables: headers, separators, quotes, labels, and the cell to blame."""

import sys

import numpy as np
import pytest

from klosed.datasets import load_dataset
from klosed.errors import DataError, FileFormatError, MissingExtraError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def _read(tmp_path, text, suffix=".csv"):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_dataset(path).train


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1,2\n3,4.5\n", None),
        ("a,b\n1,2\n3,4.5", ("a", "b")),
        ("a,b\r\n1,2\r\n\r\n3,4.5\r\n", ("a", "b")),
        ("\ufeffa,b\n1,2\n3,4.5\n", ("a", "b")),
        ('"a, quoted",b\n"1",2\n3,"4.5"\n', ("a, quoted", "b")),
        ('"two\nlines",b\n1,2\n3,4.5\n', ("two\nlines", "b")),
        ("a;b\n1;2\n3;4.5\n", ("a", "b")),
        ("a\tb\n1\t2\n3\t4.5\n", ("a", "b")),
        (" a , b \n 1 , 2 \n3,4.5\n", ("a", "b")),
        ("\n\na,b\n1,2\n3,4.5\n", ("a", "b")),
    ],
)
def test_text_is_read_however_it_is_written(tmp_path, text, names):
    data = _read(tmp_path, text)
    assert data.feature_names == names
    assert data.x.tolist() == [[1, 2], [3, 4.5]]


def test_tsv_separates_by_tabs_only(tmp_path):
    data = _read(tmp_path, "a,b\tc\n1\t2\n", ".tsv")
    assert data.feature_names == ("a,b", "c")


def test_one_column_is_a_table(tmp_path):
    assert _read(tmp_path, "1\n2\n").x.tolist() == [[1], [2]]


def test_a_first_line_that_counts_is_a_header(tmp_path):
    # pandas writes the names of unnamed columns so
    assert _read(tmp_path, "0,1,2\n5,6,7\n").x.tolist() == [[5, 6, 7]]
    assert _read(tmp_path, "0,1\n5,6\n").x.tolist() == [[0, 1], [5, 6]]


@pytest.mark.parametrize(
    ("column", "labels", "names"),
    [
        (["3", "1"], [3, 1], None),
        (["3.0", "1.0"], [3, 1], None),
        (["dog", " cat"], [1, 0], ("cat", "dog")),
    ],
)
@pytest.mark.parametrize("name", ["label", "Class", "target"])
def test_a_column_of_classes_becomes_the_labels(tmp_path, column, labels, names, name):
    data = _read(tmp_path, f"a,{name},b\n1,{column[0]},2\n3,{column[1]},4\n")
    assert data.labels.tolist() == labels
    assert data.class_names == names
    assert data.feature_names == ("a", "b")
    assert data.x.tolist() == [[1, 2], [3, 4]]


def test_a_target_to_regress_on_stays_a_feature(tmp_path):
    data = _read(tmp_path, "a,target\n1,0.5\n3,-7\n")
    assert data.labels is None
    assert data.x.tolist() == [[1, 0.5], [3, -7]]


def test_pixels_in_text_are_pictures(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (3, 64))
    rows[1, 1] = 255
    text = "label," + ",".join(f"pixel{i}" for i in range(64)) + "\n"
    text += "\n".join(f"{i}," + ",".join(map(str, row)) for i, row in enumerate(rows))
    data = _read(tmp_path, text)
    assert (data.kind, data.image_shape) == ("bytes", (8, 8))
    assert data.labels.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(data.x, rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,x\n", "got 'x' at line 3, column 2 \\('b'\\)"),
        ("1,2\n3,\n", "got '' at line 2, column 2. Encode"),
        ("a,b\n1,2\n1_000,2\n", "got '1_000' at line 3, column 1"),
        ('a,b\n"1\n",2\nx,2\n', "got 'x' at line 4, column 1"),
        ("a,b\n1,2\n3\n", "line 3 must have 2 cells like the first; got 1"),
        ("a,b\n1,2\n3,4,5\n", "line 3 must have 2 cells like the first; got 3"),
        ("label,b\n1,2\n3,x\n", "got 'x' at line 3, column 2"),
        (",b\n0,2\n1,3\n", "column 1 has none. If it is a row index"),
        ("label,class,b\n1,2,3\n", "at most one column of labels; got label, class"),
        ("a,b\n1,nan\n", "must be finite; got 1 .* column 1 \\('b'\\)"),
        ("a,b\n1,1e999\n", "must be finite"),
        ("label\n1\n", "at least one row and one feature"),
        ("\n\n", "at least one row; got an empty table"),
        ("a,b\n", r"at least one row; got a header \(a, b\) and no rows"),
        (b"a,b\n1,\xff\n", "not a readable table of text: 'utf-8'"),
        (b"a,b\n1,\x002\n", "got '\\\\x002' at line 2, column 2"),
        (
            'a,b\n1,"2\n3,4\n',
            "every cell must be a number; got '2\\\\n3,4\\\\n' at line 3, column 2",
        ),
        ("x" * 200_000 + ",b\n1,2\n", "field larger than field limit"),
    ],
)
def test_text_that_is_no_table_of_numbers(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        _read(tmp_path, text)


def _parquet(tmp_path, **columns):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(columns), path)
    return load_dataset(path).train


def test_parquet_columns(tmp_path):
    data = _parquet(tmp_path, a=[1, 2], b=[0.5, -1.5], flag=[True, False], label=["dog", "cat"])
    assert data.feature_names == ("a", "b", "flag")
    assert data.x.tolist() == [[1, 0.5, 1], [2, -1.5, 0]]
    assert data.x.dtype == np.float64
    assert (data.labels.tolist(), data.class_names) == ([1, 0], ("cat", "dog"))


def test_parquet_keeps_float32_and_pixels(tmp_path):
    rng = np.random.default_rng(0)
    assert _parquet(tmp_path, a=rng.random(3, np.float32)).x.dtype == np.float32
    pixels = rng.integers(0, 256, (4, 64), dtype=np.uint8)
    pixels[0, 0] = 255
    data = _parquet(tmp_path, **{f"p{i}": column for i, column in enumerate(pixels.T)})
    assert data.image_shape == (8, 8)
    np.testing.assert_array_equal(data.x, pixels)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1, 2], "s": ["u", "v"]}, "column 's' must hold numbers; got string"),
        ({"a": [[1], [2]]}, "column 'a' must hold numbers; got list"),
        ({"a": [1.0, None]}, "must be finite; got 1 .* row 1, column 0 \\('a'\\)"),
        ({"a": pa.array([1, None], pa.uint8())}, "column 'a' must have no missing values"),
        ({"a": [1, 2], "label": ["u", None]}, "column 'label' must hold numbers; got string"),
        ({"label": [1, 2]}, "at least one row and one feature"),
        ({"a": pa.array([], pa.float64())}, "at least one row"),
    ],
)
def test_parquet_that_is_no_table_of_numbers(tmp_path, columns, message):
    with pytest.raises(DataError, match=message):
        _parquet(tmp_path, **columns)


def test_parquet_that_is_none(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 but not really PAR1")
    with pytest.raises(FileFormatError, match=r"not a readable \.parquet file"):
        load_dataset(tmp_path / "t.parquet")


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"Reading \.parquet .* 'klosed\[parquet\]'"):
        load_dataset(tmp_path / "t.parquet")
