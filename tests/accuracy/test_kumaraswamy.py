"""KL from a Kumaraswamy to a beta distribution against its definition, integrated in mpmath."""

import mpmath as mp
import numpy as np
import pytest
from draws import draws

from accuracy import Pair, accuracy_tests, fresh_rng
from klosed import Beta, Kumaraswamy, kl_divergence, kl_value_and_grad

A, B = "concentration1", "concentration0"


def mean_log_complement(a, b):
    """E log(1 − X), X = (1 − exp(−x/b))^(1/a) for a standard exponential x = exp(t − exp(−t))."""
    total, h = mp.mpf(0), mp.mpf(1) / 32
    for i in range(-160, 165):
        t = i * h
        x = mp.exp(t - mp.exp(-t))
        log_x = mp.log(-mp.expm1(-x / b)) if x < b else mp.log1p(-mp.exp(-x / b))
        total += mp.exp(-x) * mp.log(-mp.expm1(log_x / a)) * x * (1 + mp.exp(-t))
    return total * h


def exact(q, p):
    """E_q[log q − log p] as Nalisnick and Smyth (2017) have it, with E log(1 − X) exact."""
    return divergence(q, p, mean_log_complement(q[A], q[B]))


def divergence(q, p, rest):
    a, b, alpha, beta = q[A], q[B], p[A], p[B]
    harmonic = mp.digamma(b + 1) + mp.euler
    log_b = mp.loggamma(alpha) + mp.loggamma(beta) - mp.loggamma(alpha + beta)
    constant = mp.log(a * b) - (b - 1) / b + log_b
    return constant - (1 - alpha / a) * harmonic - (beta - 1) * rest


def sizes(q, p):
    """Return the sizes of each gradient's terms where they are fewest: they may cancel."""
    a, b, alpha = q[A], q[B], p[A]
    harmonic = mp.digamma(b + 1) + mp.euler
    return {f"q_{A}": 1 / a + alpha / a**2 * harmonic, f"p_{A}": harmonic / a}


def draw(rng, n, regime):
    a, b, alpha, beta = 10.0 ** rng.uniform(-2, 2, (4, n))
    return {A: a, B: b}, {A: alpha, B: beta}


PAIRS = [
    Pair("kumaraswamy_beta", Kumaraswamy, Beta, exact, draw, ("ordinary",), sizes=sizes, digits=40)
]

(
    test_drawn_cases_keep_the_budget,
    _,
    _,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)


def exact_for_integers(a, b, alpha, beta):
    """−E log(1 − X) is Σ (−1)ᵏ⁺¹ C(b, k) H(ka), a finite sum for an integer b."""
    with mp.workdps(80):
        q, p = {A: mp.mpf(a), B: b}, {A: mp.mpf(alpha), B: mp.mpf(beta)}
        terms = (
            (-1) ** (k + 1) * mp.binomial(b, k) * mp.harmonic(k * q[A]) for k in range(1, b + 1)
        )
        return divergence(q, p, -sum(terms))


def test_extremes_of_the_other_parameters():
    rng = fresh_rng()
    a, alpha, beta = 10.0 ** rng.uniform(-8, 8, (3, 60))
    alpha[:30], beta[:30] = a[:30] * 10.0 ** rng.uniform(-1, 1, 30), beta[:30] ** 0.2
    b = rng.integers(1, 20, 60)
    got = kl_divergence(Kumaraswamy(a, b.astype(float)), Beta(alpha, beta))
    for i, value in enumerate(got):
        true = exact_for_integers(a[i], int(b[i]), alpha[i], beta[i])
        # 1e-13 but for very rare ones: see kl_kumaraswamy_beta
        assert abs(value - true) <= 1e-10 * true, (a[i], b[i], alpha[i], beta[i])


def test_float32():
    rng = fresh_rng()
    a, alpha, beta = 10.0 ** rng.uniform(-2, 2, (3, 200)).astype(np.float32)
    b = rng.integers(1, 9, 200)
    got = kl_divergence(Kumaraswamy(a, b.astype(np.float32)), Beta(alpha, beta))
    assert got.dtype == np.float32
    for i, value in enumerate(got.tolist()):
        true = exact_for_integers(float(a[i]), int(b[i]), float(alpha[i]), float(beta[i]))
        assert abs(value - true) <= 64 * 2.0**-23 * true, (a[i], b[i], alpha[i], beta[i])


@pytest.mark.parametrize("step", [1.0, 1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("common", [0.01, 0.3, 7.0, 1e5])
def test_where_the_families_coincide_no_digit_is_lost(common, step):
    other = common * (1 + step)
    for given, p, names in (
        ((1.0, common), Beta(1.0 + step, other), (A, B)),
        ((common, 1.0), Beta(other, 1.0), (A,)),
    ):
        kl, _, gradient = kl_value_and_grad(Kumaraswamy(*given), p)
        wanted, _, of_betas = kl_value_and_grad(Beta(*given), p)
        assert float(kl) == pytest.approx(float(wanted), rel=1e-13, abs=0)
        for name in names:
            assert float(gradient[name]) == pytest.approx(float(of_betas[name]), rel=1e-12, abs=0)


def test_nearly_the_same_density_gives_nearly_zero_and_never_less():
    """At a = 1 + ε the parts of KL are 1e10 times larger than what they leave."""
    a = 1.0 + np.array([1e-2, -1e-4, 1e-5, -1e-7, 1e-9, 1e-12])
    kl = kl_divergence(Kumaraswamy(a, 3.0), Beta(1.0, 3.0))
    assert np.all(kl >= 0)
    with mp.workdps(60):
        true = [exact_for_integers(v, 3, 1.0, 3.0) for v in a.tolist()]
    assert kl[:3] == pytest.approx(np.asarray(true[:3], dtype=float), rel=1e-9)


def test_tiny_concentrations_are_not_integrated():
    """J is b Γ(b) aᵇ ζ(1 + b) but for a relative a, below all digits here."""
    rng, n = fresh_rng(), draws(400)
    a, alpha, beta = (10.0 ** rng.uniform(-8, -6, n) for _ in range(3))
    b = rng.uniform(1.5, 4.0, n)
    got = kl_divergence(Kumaraswamy(a, b), Beta(alpha, beta))
    for i in range(n):
        with mp.workdps(50):
            x, y, s, t = (mp.mpf(float(v[i])) for v in (a, b, alpha, beta))
            j = y * mp.gamma(y) * x**y * mp.zeta(1 + y)
            of_logs = mp.log(x * y) + mp.log(mp.beta(s, t)) - (y - 1) / y
            true = of_logs - (1 - s / x) * (mp.digamma(y + 1) - mp.digamma(1)) + (t - 1) * j
            assert abs(float(got[i]) - true) <= 1e-12 * true, (a[i], b[i], alpha[i], beta[i])
