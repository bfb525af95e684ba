"""log Γ and its derivatives at their poles and roots, and where p is a dimension."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch

from klosed.errors import ParameterError
from klosed.special import (
    digamma,
    digamma_minus_log,
    lgamma,
    lgamma1p,
    multidigamma,
    multilgamma,
    tetragamma,
    trigamma,
    trigamma_minus_reciprocal,
)

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize("convert", [np.asarray, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("function", "at_zero", "at_infinity"),
    [
        (lgamma, INF, INF),
        (digamma, -INF, INF),
        (digamma_minus_log, -INF, 0.0),
        (trigamma, INF, 0.0),
        (trigamma_minus_reciprocal, INF, 0.0),
        (tetragamma, -INF, 0.0),
    ],
)
def test_ends(function, at_zero, at_infinity, convert):
    got = np.asarray(function(convert([0.0, INF, NAN])))
    np.testing.assert_array_equal(got, [at_zero, at_infinity, NAN])


def test_roots_are_exact():
    assert lgamma(np.array([1.0, 2.0])).tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(lgamma1p(np.array([-1.0, 0.0, 1.0, INF])), [INF, 0.0, 0.0, INF])


@pytest.mark.parametrize("p", [1, 2, 5])
def test_multivariate(p):
    # log Γ_p(a) as the integral's product of Γ(a − j/2) π^(j/2)
    with mp.workdps(40):
        a = mp.mpf("7.25")
        product = mp.fprod(mp.gamma(a - mp.mpf(j) / 2) * mp.pi ** (mp.mpf(j) / 2) for j in range(p))
        slope = mp.fsum(mp.digamma(a - mp.mpf(j) / 2) for j in range(p))
    assert float(multilgamma(7.25, p)) == pytest.approx(float(mp.log(product)), rel=1e-15)
    assert float(multidigamma(7.25, p)) == pytest.approx(float(slope), rel=1e-15)


@pytest.mark.parametrize("p", [0, -1, 1.5])
def test_a_dimension_is_a_positive_integer(p):
    with pytest.raises(ParameterError, match=r"p must be an integer >= 1; got"):
        multilgamma(5.0, p)
