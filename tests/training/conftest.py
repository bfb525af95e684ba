"""A small problem that trains in a moment."""

import numpy as np
import pytest

from klosed import VAESpec
from klosed.engines.reference import ReferenceEngine
from klosed.training import TrainingData


@pytest.fixture
def engine():
    return ReferenceEngine(VAESpec(6, 2, (8,)))


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = (rng.random((50, 6)) < rng.random((50, 1))).astype(np.float32)
    return TrainingData(x[:40], x[40:])
