"""Integrals of powers of two densities, against quadrature over every family that has them."""

import numpy as np
import pytest
from families import FAMILIES
from quadrature import nodes

from klosed import Gamma, LogNormal, MultivariateNormal, Normal, Poisson, Uniform
from klosed.divergences._overlap import chernoff, cross_moment


def known(function):
    """Return a pair of instances of each pair of families for which a function has an answer."""
    found = {}
    for a in FAMILIES:
        for b in FAMILIES:
            f, g = FAMILIES[a](), FAMILIES[b]()
            if a == b or f.event_shape != g.event_shape or (type(f), type(g)) in found:
                continue
            if function(f, g, 0.25) is not None:
                found[type(f), type(g)] = a, b
    return list(found.values())


CHERNOFF, MOMENTS = known(chernoff), known(cross_moment)


def quadrature(name_f, name_g, of_f, of_g):
    """Return ∫ f^of_f g^of_g of a batch of three."""
    f, g = FAMILIES[name_f](np.asarray), FAMILIES[name_g](np.asarray)
    x, w = nodes(f.support, 3)
    with np.errstate(invalid="ignore"):
        return np.sum(w * np.exp(of_f * f.log_prob(x) + of_g * g.log_prob(x)), axis=0)


@pytest.mark.parametrize("tau", [0.125, 0.75])
@pytest.mark.parametrize(("name_f", "name_g"), CHERNOFF)
def test_chernoff_is_the_integral(name_f, name_g, tau):
    true = -np.log(quadrature(name_f, name_g, 1.0 - tau, tau))
    with np.errstate(all="ignore"):
        got = chernoff(FAMILIES[name_f](), FAMILIES[name_g](), tau)
    # ends of intervals are corners of the integrand
    corner = isinstance(FAMILIES[name_f](), Uniform)
    assert got == pytest.approx(true, rel=2e-2 if corner else 1e-6, abs=1e-8)


@pytest.mark.parametrize("t", [0.25, 1.0, 4.0])
@pytest.mark.parametrize(("name_f", "name_g"), MOMENTS)
def test_cross_moment_is_the_integral(name_f, name_g, t):
    true = -t * FAMILIES[name_f]().entropy() - np.log(quadrature(name_f, name_g, t, 1.0))
    got = cross_moment(FAMILIES[name_f](), FAMILIES[name_g](), t)
    assert got == pytest.approx(true, rel=1e-8, abs=1e-8)


def test_the_families_that_have_them():
    kinds = {type(FAMILIES[a]()).__name__ for a, _ in CHERNOFF}
    assert kinds >= {
        "Bernoulli", "Beta", "Categorical", "Chi2", "ContinuousBernoulli", "Dirichlet",
        "Exponential", "Gamma", "Geometric", "HalfNormal", "Independent", "InverseGamma",
        "LogNormal", "LogitNormal", "LowRankMultivariateNormal", "MultivariateNormal", "Normal",
        "OneHotCategorical", "Poisson", "Uniform", "VonMisesFisher",
    }  # fmt: skip
    assert {type(FAMILIES[a]()) for a, _ in MOMENTS} >= {Normal, MultivariateNormal}


def test_digits_stay_between_near_equal_distributions():
    for f, g in (
        (Normal(0.0, 1.0), Normal(1e-9, 1.0)),
        (LogNormal(0.0, 1.0), LogNormal(1e-9, 1.0)),
    ):
        assert float(chernoff(f, g, 0.25)) == pytest.approx(0.25 * 0.75 * 1e-18 / 2, rel=1e-12)
    assert float(chernoff(Gamma(2.0, 3.0), Gamma(2.0, 3.0), 0.5)) == 0.0


def test_extremes_have_an_answer():
    far = chernoff(Normal(0.0, 1e-150), Normal(1.0, 1e150), 0.5)
    assert float(far) == pytest.approx(0.5 * np.log(0.5e300), rel=1e-3)
    with np.errstate(all="ignore"):  # as their caller has it
        assert float(chernoff(Poisson(0.0), Poisson(2.0), 0.25)) == 0.5
        assert np.isfinite(cross_moment(Normal(0.0, 1e-200), Normal(1.0, 1e200), 4.0))
