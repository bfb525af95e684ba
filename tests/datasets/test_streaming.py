"""Rows that stay on disk: what is read, in which order, and how much of it is held."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from klosed import VAESpec
from klosed.cli._runs import fingerprint
from klosed.datasets import load_dataset, open_stream
from klosed.datasets.block_order import BlockOrder
from klosed.errors import DataError, FileFormatError
from klosed.models import Scaling

MIB = 2**20


def order(n=1003, block=37, batch_size=50, lanes=4, seed=1, epoch=0):
    bounds = np.append(np.arange(0, n, block), n)
    return BlockOrder(bounds, seed=seed, epoch=epoch, batch_size=batch_size, lanes=lanes)


@pytest.mark.parametrize("batch_size", [1, 3, 50, 64, 1003, 2000])
@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_every_row_comes_once_an_epoch_in_an_order_that_is_a_function_of_seed_and_epoch(
    batch_size, lanes
):
    first = order(batch_size=batch_size, lanes=lanes)
    batches = [first.batch(i) for i in range(len(first))]
    assert [len(b) for b in batches[:-1]] == [batch_size] * (len(batches) - 1)
    seen = np.concatenate(batches)
    assert np.array_equal(np.sort(seen), np.arange(1003))
    # entered anywhere, by another process
    last = len(batches) // 2
    assert np.array_equal(order(batch_size=batch_size, lanes=lanes).batch(last), batches[last])
    for other in ({"epoch": 1}, {"seed": 2}):
        assert not np.array_equal(order(batch_size=batch_size, lanes=lanes, **other).batch(0),
                                  batches[0])  # fmt: skip


def test_a_batch_mixes_blocks_and_a_process_reads_its_own():
    rows = order(n=100_000, block=500, batch_size=64, lanes=16)
    parts = np.stack([rows.batch(i) // 500 for i in range(len(rows) - 1)])
    assert min(len(set(blocks)) for blocks in parts) >= 14  # two lanes may share one, seldom
    for processes in (2, 4, 8):
        for mine in np.split(parts, processes, axis=1):
            # a lane may begin and end within a block
            assert len(np.unique(mine)) <= 200 / processes + 16 / processes + 1


def test_rows_are_shuffled_within_blocks_too():
    rows = order(n=1000, block=1000, batch_size=1000, lanes=1).batch(0)
    assert abs(np.corrcoef(rows, np.arange(1000))[0, 1]) < 0.2


def saved_npy(path, array):
    np.save(path, array)
    return path


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(0).normal(3, 2, (500, 7)).astype(np.float32),
        np.random.default_rng(0).normal(1e6, 2, (500, 7)),
        np.random.default_rng(0).integers(-5, 5, (300, 4)),
        np.random.default_rng(0).integers(0, 256, (300, 8, 9), dtype=np.uint8),
        np.random.default_rng(0).integers(0, 256, (300, 64), dtype=np.uint8),
    ],
    ids=["float32", "float64 far from zero", "int64", "pictures", "flat pictures"],
)
def test_npy_is_what_loading_gives(tmp_path, array):
    path = saved_npy(tmp_path / "a.npy", array)
    streamed, whole = open_stream(path, MIB), load_dataset(path).train
    assert streamed.x.shape == whole.x.shape
    assert (streamed.x.dtype, streamed.kind) == (whole.x.dtype, whole.kind)
    assert streamed.image_shape == whole.image_shape
    assert streamed.value_range == whole.value_range
    assert len(streamed.x.bounds) > 20
    for rows in (slice(None), slice(10, 400, 7), np.array([299, 3, 3, 151])):
        assert np.array_equal(streamed.x[rows], whole.x[rows])
    spec = VAESpec(whole.x.shape[1], likelihood="gaussian")
    mine, truth = Scaling.suited(spec, streamed), Scaling.suited(spec, whole)
    assert mine.kind == truth.kind
    np.testing.assert_allclose(mine.shift, truth.shift, rtol=1e-14)
    np.testing.assert_allclose(mine.scale, truth.scale, rtol=1e-12)
    assert fingerprint(streamed) == fingerprint(whole)


def test_parquet_is_read_by_row_groups_without_labels(tmp_path):
    x = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    table = pa.table({"a": x[:, 0], "label": np.arange(500), "b": x[:, 1], "c": x[:, 2]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=90)
    streamed = open_stream(tmp_path / "t.parquet", MIB)
    assert streamed.feature_names == ("a", "b", "c")
    assert streamed.x.bounds.tolist() == [0, 90, 180, 270, 360, 450, 500]
    assert np.array_equal(streamed.x[np.array([499, 0, 91])], x[[499, 0, 91]])
    assert streamed.x.dtype == np.float32
    assert fingerprint(streamed) == fingerprint(load_dataset(tmp_path / "t.parquet").train)


def test_no_more_is_held_than_is_allowed(tmp_path):
    x = np.random.default_rng(0).random((40_000, 20), np.float32)  # 3 MiB
    rows = open_stream(saved_npy(tmp_path / "a.npy", x), MIB // 4).x
    order = rows.order(0, 0, 128)
    for number in range(len(order)):
        assert np.array_equal(rows[order.batch(number)], x[order.batch(number)])
        assert sum(block.nbytes for block in rows._kept.values()) <= MIB // 4


def test_reading_follows_the_lanes(tmp_path, monkeypatch):
    x = np.random.default_rng(0).random((20_000, 20), np.float32)
    rows = open_stream(saved_npy(tmp_path / "a.npy", x), MIB // 4).x
    reads = []
    read = type(rows)._read
    monkeypatch.setattr(type(rows), "_read", lambda self, b: reads.append(b) or read(self, b))
    order = rows.order(0, 0, 100)
    for number in range(len(order)):
        rows[order.batch(number)[:50]]  # the first of two processes
    n_blocks = len(rows.bounds) - 1
    assert len(set(reads)) <= n_blocks / 2 + rows.lanes
    assert len(reads) <= 1.1 * len(set(reads)) + rows.lanes  # hardly any twice


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(5), "must hold rows of numbers in C order; got shape"),
        (np.asfortranarray(np.ones((4, 3))), "Fortran order"),
        (np.array([["a", "b"]]), "must hold rows of numbers"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), "every value must be finite"),
    ],
    ids=["flat", "fortran", "text", "nan"],
)
def test_what_cannot_be_streamed_is_named(tmp_path, array, message):
    with pytest.raises(DataError, match=message):
        open_stream(saved_npy(tmp_path / "a.npy", array), MIB)


def test_unusable_files_are_named(tmp_path):
    path = saved_npy(tmp_path / "a.npy", np.ones((100, 3)))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(FileFormatError, match="cut short"):
        open_stream(path, MIB)
    (tmp_path / "b.csv").write_text("1,2\n3,4\n")
    with pytest.raises(DataError, match=r"only .npy and .parquet files can be streamed"):
        open_stream(tmp_path / "b.csv", MIB)
    table = pa.table({"a": np.zeros(100_000), "b": np.zeros(100_000)})
    pq.write_table(table, tmp_path / "c.parquet")
    with pytest.raises(DataError, match=r"two of its blocks must fit in 1 MiB; .* takes 2 MiB"):
        open_stream(tmp_path / "c.parquet", MIB)
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "d.parquet")
    with pytest.raises(DataError, match="column 'a' must hold numbers; got string"):
        open_stream(tmp_path / "d.parquet", MIB)
