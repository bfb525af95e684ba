"""KL from a gamma distribution against mpmath."""

import mpmath as mp
import numpy as np
import pytest
import torch
from gammas import DIGITS, concentration, exact_gamma, log_concentration, log_rate, sizes_gamma

from accuracy import Pair, accuracy_tests, near, positive, same
from klosed import Gamma, kl_divergence, kl_value_and_grad


def equal_means(rng, n, regime):
    """Means that agree up to a relative 1e-12 … 1 beside shapes that do not: digits of ad − bc."""
    q = {"concentration": concentration(rng, n, "near"), "rate": positive(rng, n, "ordinary")}
    factor = 2.0 ** rng.integers(-2, 3, n)
    p = {name: x * factor for name, x in q.items()}
    return q, {name: near(rng, x) for name, x in p.items()}


BOTH = ("ordinary", "near")
PAIRS = [
    Pair(
        "gamma_gamma",
        Gamma,
        Gamma,
        exact_gamma,
        same(concentration=concentration, rate=positive),
        regimes=BOTH,
        sizes=sizes_gamma,
    ),
    Pair(
        "gamma_gamma_extreme",
        Gamma,
        Gamma,
        exact_gamma,
        same(concentration=concentration, rate=positive),
        regimes=("extreme",),
        sizes=sizes_gamma,
        digits=DIGITS,
    ),
    Pair(
        "gamma_gamma_scale",
        Gamma,
        Gamma,
        exact_gamma,
        same(concentration=concentration, scale=positive),
        regimes=BOTH,
        sizes=sizes_gamma,
    ),
    Pair(
        "gamma_gamma_log",
        Gamma,
        Gamma,
        exact_gamma,
        same(log_concentration=log_concentration, log_rate=log_rate),
        regimes=BOTH,
        sizes=sizes_gamma,
    ),
    Pair(
        "gamma_gamma_means",
        Gamma,
        Gamma,
        exact_gamma,
        equal_means,
        regimes=("near",),
        sizes=sizes_gamma,
    ),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)


def test_gradient_is_not_that_of_an_inaccurate_trigamma():
    """torch.polygamma(1, ·) is off by 5e-10, and torch's gradient of KL with it."""
    a, c = torch.tensor(0.9, dtype=torch.float64, requires_grad=True), 2.0
    kl_divergence(Gamma(a, 1.0), Gamma(c, 1.0)).backward()
    with mp.workdps(40):
        true = (mp.mpf(float(a.detach())) - c) * mp.psi(1, mp.mpf(float(a.detach())))
    assert abs(mp.mpf(float(a.grad)) - true) <= 1e-15 * abs(true)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_near_equal_gammas_are_never_closer_than_zero(dtype):
    """torch.distributions gives negative values for a quarter of such pairs, and loses the rest."""
    rng = np.random.default_rng(0)
    a, b = (10.0 ** rng.uniform(-3, 6, (2, 10_000))).astype(dtype)
    c, d = (x * (1 + rng.uniform(-30, 30, x.shape) * np.finfo(dtype).eps) for x in (a, b))
    value = kl_divergence(Gamma(a, b), Gamma(c.astype(dtype), d.astype(dtype)))
    equal = (c.astype(dtype) == a) & (d.astype(dtype) == b)
    assert np.all(value[equal] == 0)
    assert np.all(value[~equal] > 0)


def test_a_mean_that_overflows_is_not_infinitely_far():
    """φ(u − 1) overflows here, KL = 1e303 does not."""
    q, p = Gamma(1e8, 1e-145), Gamma(1e-8, 1e150)
    assert float(kl_divergence(q, p)) == pytest.approx(1e303, rel=1e-12)
    value, _, of_p = kl_value_and_grad(q, p)
    assert float(of_p["rate"]) == pytest.approx(1e153, rel=1e-12)
    assert np.isfinite(float(value))
