"""How many random cases a test draws: a quarter, or all of them in `make test-all`."""

import os

__all__ = ["draws"]


def draws(full: int) -> int:
    """Return how many cases to draw where a thorough run draws `full`, and at least two."""
    return full if os.environ.get("KLOSED_TEST_DRAWS") == "all" else max(2, full // 4)
