"""Where the gallery's pictures go when the tests run it: nowhere that lasts."""

import pytest


@pytest.fixture(autouse=True)
def pictures(doctest_namespace, tmp_path):
    doctest_namespace["pictures"] = tmp_path
