"""The committed coefficients are what benchmarks/special_coefficients.py derives."""

import subprocess
import sys
from pathlib import Path

import pytest

from klosed.special import _tables

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "special_coefficients.py"


@pytest.mark.slow
def test_coefficients_are_derived():
    if not SCRIPT.is_file():
        pytest.skip("benchmarks/ is not part of this copy")
    printed = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, check=True
    ).stdout
    derived: dict[str, object] = {}
    exec(printed, derived)
    names = [name for name in derived if name.isupper()]
    assert names
    for name in names:
        assert derived[name] == getattr(_tables, name), name
