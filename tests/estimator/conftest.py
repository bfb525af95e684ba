"""Small tables and small models."""

import numpy as np
import pytest
from klosed_tables import mixed_columns, small

import klosed


@pytest.fixture(scope="session")
def blobs():
    """200 rows near a plane in five dimensions, in units far from 1."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(200, 2))
    return 1e3 + z @ rng.normal(size=(2, 5)) * 50 + 10 * rng.normal(size=(200, 5))


@pytest.fixture(scope="session")
def fitted(blobs):
    return small(n_components=2, max_iter=60).fit(blobs)


@pytest.fixture(scope="session")
def mixed_frame():
    return pytest.importorskip("pandas").DataFrame(mixed_columns())


@pytest.fixture(scope="session")
def fitted_mixed(mixed_frame):
    vae: klosed.VAE = small(n_components=3, max_iter=80).fit(mixed_frame)
    return vae
