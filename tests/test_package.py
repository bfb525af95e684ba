"""The package as a whole: light to import, every public name real, nothing heavy behind it."""

import subprocess
import sys

import pytest

import klosed
from klosed import errors

HEAVY = ("scipy", "sklearn", "matplotlib", "torch", "jax", "rich", "click", "PIL", "pooch")


def test_every_public_name_resolves():
    for name in klosed.__all__:
        assert getattr(klosed, name) is not None
    assert set(klosed.__all__) <= set(dir(klosed))
    with pytest.raises(AttributeError, match="no attribute 'vea'"):
        klosed.vea  # noqa: B018


@pytest.mark.parametrize(
    "use",
    [
        "klosed.Normal(0.0, 1.0)",
        "klosed.kl_divergence(klosed.Normal(0.0, 1.0), klosed.Normal(1.0, 1.0))",
        "klosed.engine('reference', klosed.VAESpec(n_features=2, n_components=1))",
    ],
)
def test_klosed_loads_nothing_heavy(use):
    code = f"import klosed, sys; {use}; print([m for m in sys.argv[1:] if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_every_error_is_klosed_and_a_builtin_at_once():
    for name in errors.__all__:
        cls = getattr(errors, name)
        assert issubclass(cls, (errors.KlosedError, errors.KlosedWarning))
    assert issubclass(klosed.NoClosedFormError, NotImplementedError)
    message = str(errors.MissingExtraError("Reading .parquet", "parquet"))
    assert message == "Reading .parquet needs an optional part: pip install 'klosed[parquet]'"
