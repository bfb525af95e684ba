"""Products cut into pieces are the same products."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed import VAESpec
from klosed.engines.fused import FusedEngine, _engine, _job
from klosed.engines.reference import ReferenceEngine

# wide enough that every product of some rows is cut: outputs and rows, neither a multiple of a
# piece
SPEC = VAESpec(833, 3, (211, 97), activation="tanh")


@pytest.mark.parametrize("kernel", ["SkylakeX", "Haswell"])
@pytest.mark.parametrize(("rows", "threads"), [(1, 1), (45, 1), (45, 2), (131, 1)])
def test_products_in_pieces_and_whole_agree_with_the_reference(kernel, rows, threads, monkeypatch):
    blas = dataclasses.replace(_job.load_blas(), kernel=kernel)
    monkeypatch.setattr(_job, "load_blas", lambda: blas)
    monkeypatch.setattr(_engine, "threads_for", lambda network, rows, most: most)
    rng = np.random.default_rng(0)
    x, z = rng.random((rows, 833)), rng.standard_normal((rows, 3))
    reference, fused = ReferenceEngine(SPEC), FusedEngine(SPEC, threads=threads)
    params = reference.init(0, np.float64)
    close = {"rtol": 0, "atol": 1e-13}
    np.testing.assert_allclose(fused.encode(params, x), reference.encode(params, x), **close)
    np.testing.assert_allclose(fused.decode(params, z), reference.decode(params, z), **close)
