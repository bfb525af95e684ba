"""Tiles of registers multiply what NumPy multiplies, for vectors of any length."""

import itertools

import numpy as np
import pytest
from processors import VECTOR_BYTES, run_on

pytest.importorskip("numba")

from klosed.engines.fused import _dense as products
from klosed.engines.fused._network import address, aligned

DTYPES = [np.float32, np.float64]


def lying(values):
    """The numbers in rows that zeros fill up to whole vectors, on the cache's lines."""
    n = products.padded(values.shape[1], values.itemsize)
    rows = products.padded(values.shape[0], values.itemsize)
    found = aligned(rows * n, values.dtype).reshape(rows, n)
    found[:] = 0
    found[: len(values), : values.shape[1]] = values
    return found


# one vector to six of them, rows of one tile, several, and a half
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [1, 16, 17, 40, 64, 90])
@pytest.mark.parametrize(("rows", "inner"), [(1, 1), (19, 7), (22, 5), (64, 33)])
def test_a_product_with_what_comes_before_and_after(rows, inner, columns, dtype):
    rng = np.random.default_rng(rows + columns)
    a, b, start = (
        lying(rng.integers(-9, 9, shape).astype(dtype))
        for shape in ((rows, inner), (inner, columns), (rows, columns))
    )
    mask, bias = lying(rng.normal(size=(rows, columns)).astype(dtype)), start[:1]
    multiply, size = products.multiply.function(dtype), a.itemsize
    vectors = -(-columns * size // products.VECTOR_BYTES)
    wanted = (a[:rows, :inner] @ b[:inner] + start[:rows])[:, :columns]
    for then, expected in (
        (products.PLAIN, wanted),
        (products.POSITIVE, np.maximum(wanted, 0)),
        (products.MASKED, np.where(mask[:rows, :columns] > 0, wanted, 0)),
    ):
        c = lying(start[:rows, :columns])
        multiply(
            address(a), a.strides[0], size, inner, address(b), b.strides[0], address(c),
            c.strides[0], address(c), c.strides[0], rows, vectors, then, address(mask), 1,
        )  # fmt: skip
        np.testing.assert_array_equal(c[:rows, :columns], expected)
    # Aᵀ by its strides, and one row before all: what a gradient and a layer are
    turned, c = lying(np.ascontiguousarray(a[:rows, :inner].T)), lying(start[:rows, :columns])
    multiply(
        address(turned), size, turned.strides[0], inner, address(b), b.strides[0], address(bias),
        0, address(c), c.strides[0], rows, vectors, products.PLAIN, address(c), 1,
    )  # fmt: skip
    wanted = a[:rows, :inner] @ b[:inner, :columns] + bias[:, :columns]
    np.testing.assert_array_equal(c[:rows, :columns], wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [5, 64, 90])
def test_a_product_with_panels(columns, dtype):
    rng = np.random.default_rng(columns)
    a, b = (lying(rng.integers(-9, 9, shape).astype(dtype)) for shape in ((13, 7), (7, columns)))
    zeros, c = lying(np.zeros((1, columns), dtype)), lying(np.zeros((13, columns), dtype))
    lanes = products.VECTOR_BYTES // a.itemsize
    vectors = -(-columns // lanes)
    panels = products.panels_for(vectors, products.VECTORS)
    edges = [products.edge(p, panels, vectors) * lanes for p in range(panels + 1)]
    parts = [b[:, i:j].ravel() for i, j in itertools.pairwise(edges)]
    in_panels = aligned(sum(part.size for part in parts), dtype)
    in_panels[:] = np.concatenate(parts)
    products.multiply.function(dtype)(
        address(a), a.strides[0], a.itemsize, 7, address(in_panels), -len(b), address(zeros), 0,
        address(c), c.strides[0], 13, vectors, products.PLAIN, address(c), 1,
    )  # fmt: skip
    np.testing.assert_array_equal(c[:13, :columns], a[:13, :7] @ b[:7, :columns])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_goes_through_a_relu(value, dtype):
    a, b = lying(np.array([[value]], dtype)), lying(np.ones((1, 3), dtype))
    zeros, c = lying(np.zeros((1, 3), dtype)), lying(np.zeros((1, 3), dtype))
    products.multiply.function(dtype)(
        address(a), a.strides[0], a.itemsize, 1, address(b), b.strides[0], address(zeros), 0,
        address(c), c.strides[0], products.ROWS, 1, products.POSITIVE, address(c), 1,
    )  # fmt: skip
    np.testing.assert_array_equal(c[0, :3], [value] * 3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (8, 2), (23, 65)])
def test_transposes_and_sums_of_rows(rows, columns, dtype):
    values = np.random.default_rng(0).integers(-99, 99, (rows, columns)).astype(dtype)
    a, c = lying(values), lying(np.zeros((columns, rows), dtype))
    vectors = -(-columns * a.itemsize // products.VECTOR_BYTES)
    products.transpose.function(dtype)(
        address(a), a.strides[0], rows, vectors, address(c), c.strides[0], 1
    )
    np.testing.assert_array_equal(c[:columns, :rows], values.T)
    total = lying(np.ones((1, columns), dtype))
    products.add_rows.function(dtype)(address(a), a.strides[0], rows, vectors, address(total), 1)
    np.testing.assert_array_equal(total[0, :columns], 1 + values.sum(axis=0))


@pytest.mark.parametrize("processor", VECTOR_BYTES)
def test_on_other_processors(processor, tmp_path_factory):
    """A training on vectors of another length."""
    code = """
import numpy as np
from klosed import VAESpec
from klosed.engines.fused import FusedEngine, _dense
from klosed.engines.reference import ReferenceEngine
from klosed.training import TrainingConfig, TrainingData, fit
spec = VAESpec(21, 3, (37, 9), likelihood="gaussian", variance="per_feature")
data = TrainingData(np.random.default_rng(0).normal(size=(90, 21)).astype(np.float32))
config = TrainingConfig(epochs=2, batch_size=71, learning_rate=0.1, optimizer="sgd")
got, wanted = (fit(engine(spec), config, data).params for engine in (FusedEngine, ReferenceEngine))
for name in wanted:
    np.testing.assert_allclose(got[name], wanted[name], rtol=1e-4, atol=1e-4)
print(_dense.VECTOR_BYTES)
"""
    assert int(run_on(processor, code, tmp_path_factory)) == VECTOR_BYTES[processor]
