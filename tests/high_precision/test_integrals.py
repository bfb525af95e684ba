"""Integration to many digits: against known constants, and every closed form against it."""

import mpmath as mp
import numpy as np
import pytest
from families import FAMILIES

import klosed
from klosed.high_precision import DENSITIES, kl_to_digits
from klosed.high_precision.integrals import PrecisionError


def given(**numbers):
    return {name: mp.mpf(text) for name, text in numbers.items()}


def digits_agree(got, exact, digits):
    return abs(got - exact) <= mp.mpf(10) ** -digits * max(1, abs(exact))


def test_thirty_digits_of_known_divergences():
    with mp.workdps(60):
        q, p = given(loc="0.1", scale="2"), given(loc="1", scale="0.5")
        r = kl_to_digits("Normal", q, "Normal", p, 30, typical=[-2.0, 0.0, 2.0])
        exact = mp.log("0.25") + (4 + mp.mpf("0.9") ** 2) * 2 - mp.mpf(1) / 2
        assert digits_agree(r.kl, exact, 30)
        assert digits_agree(r.entropy, mp.log(2 * mp.pi * mp.e * 4) / 2, 30)
        assert digits_agree(r.cross_entropy, r.kl + r.entropy, 30)
        assert digits_agree(r.grad_q["scale"], 2 / mp.mpf("0.25") - mp.mpf(1) / 2, 28)
        assert digits_agree(r.grad_p["loc"], mp.mpf("0.9") * 4, 28)
        # Chyzak and Nielsen (2019): heavy tails.
        q, p = given(loc="0", scale="1"), given(loc="1", scale="2")
        r = kl_to_digits("Cauchy", q, "Cauchy", p, 30, typical=[-1.0, 0.0, 1.0])
        assert digits_agree(r.kl, mp.log(mp.mpf(10) / 8), 30)
        # A corner inside: Laplace.
        q, p = given(loc="0", scale="1"), given(loc="1", scale="1")
        r = kl_to_digits("Laplace", q, "Laplace", p, 30, typical=[-1.0, 0.0, 1.0])
        assert digits_agree(r.kl, mp.exp(-1), 30)
        # An infinite sum.
        r = kl_to_digits("Poisson", given(rate="2"), "Poisson", given(rate="3"), 30, typical=[2.0])
        assert digits_agree(r.kl, 1 - 2 * mp.log(mp.mpf(3) / 2), 30)
        # A singular end.
        q = given(concentration1="0.5", concentration0="0.5")
        p = given(concentration1="1", concentration0="1")
        r = kl_to_digits("Beta", q, "Beta", p, 20, typical=[0.1, 0.5, 0.9])
        assert digits_agree(r.kl, -mp.log(mp.pi / 4), 20)


@pytest.mark.parametrize("apart", ["1e-12", "1e-30"])
def test_digits_count_from_the_first_that_is_not_zero(apart):
    with mp.workdps(200):
        q, p = given(loc="0", scale="1"), given(loc=apart, scale="1")
        r = kl_to_digits("Normal", q, "Normal", p, 20, typical=[-1.0, 0.0, 1.0])
        assert digits_agree(2 * r.kl / mp.mpf(apart) ** 2, 1, 20)
        assert digits_agree(r.grad_q["loc"] / mp.mpf(apart), -1, 20)


def test_nothing_is_left_of_what_is_zero():
    q = given(loc="0", scale="1")
    r = kl_to_digits("Normal", q, "Normal", dict(q), 20, typical=[-1.0, 0.0, 1.0])
    assert [r.kl, *r.grad_q.values(), *r.grad_p.values()] == [0] * 5
    r = kl_to_digits(
        "Chi2", given(df="2"), "Exponential", given(rate="0.5"), 8, typical=[0.1, 2, 6]
    )
    assert [r.kl, *r.grad_q.values(), *r.grad_p.values()] == [0] * 3
    r = kl_to_digits("Normal", q, "Laplace", given(loc="0", scale="1"), 15, typical=[-1.0, 0.0, 1])
    assert r.grad_q["loc"] == r.grad_p["loc"] == 0  # p's corner moves with it


def test_parameters_of_very_different_size_keep_their_gradients():
    q, p = given(loc="0", scale="1e-200"), given(loc="0", scale="1")
    r = kl_to_digits("Normal", q, "Normal", p, 15, typical=[-1e-200, 0.0, 1e-200])
    assert digits_agree(r.grad_q["scale"] * mp.mpf("1e-200"), -1, 14)
    with pytest.raises(PrecisionError, match="within 1000 powers of ten"):
        kl_to_digits("Normal", given(loc="0", scale="1e-2000"), "Normal", p, 15, typical=[0.0])


def test_narrow_mass_is_found():
    with mp.workdps(60):
        # between two numbers, on half of the line, at both ends of the circle
        for family, q, p, typical, exact in (
            ("Beta", ("3e8", "1e8"), ("3e8", "1.0001e8"), [0.74995, 0.75, 0.75005], beta_kl),
            ("Gamma", ("1e8", "1"), ("1e8", "1.0001"), [0.9999e8, 1e8, 1.0001e8], gamma_kl),
            ("VonMises", ("3.14", "1e6"), ("3.14", "2e6"), [-3.1412, 3.14, 3.1412], von_mises_kl),
        ):
            names = list(klosed.__dict__[family](1.0, 1.0).parameters)
            left, right = (dict(zip(names, map(mp.mpf, side), strict=True)) for side in (q, p))
            r = kl_to_digits(family, left, family, right, 15, typical=typical)
            assert digits_agree(r.kl, exact(left, right), 15), family


def beta_kl(q, p):
    (a, b), (c, d) = q.values(), p.values()
    log_beta = lambda x, y: mp.loggamma(x) + mp.loggamma(y) - mp.loggamma(x + y)  # noqa: E731
    mean = mp.digamma(a) - mp.digamma(a + b), mp.digamma(b) - mp.digamma(a + b)
    return log_beta(c, d) - log_beta(a, b) + (a - c) * mean[0] + (b - d) * mean[1]


def gamma_kl(q, p):
    (a, b), (c, d) = q.values(), p.values()
    change = mp.loggamma(c) - mp.loggamma(a) + c * mp.log(b / d) + a * (d / b - 1)
    return (a - c) * mp.digamma(a) + change


def von_mises_kl(q, p):
    k, m = q["concentration"], p["concentration"]
    level = mp.log(mp.besseli(0, m) / mp.besseli(0, k))
    return level + (k - m) * mp.besseli(1, k) / mp.besseli(0, k)


def test_long_sums_begin_in_the_middle_and_hopeless_ones_not_at_all():
    q, p = given(rate="40000"), given(rate="44000")
    r = kl_to_digits("Poisson", q, "Poisson", p, 8, typical=[39600.0, 40000.0, 40400.0])
    assert digits_agree(r.kl, 4000 - 40000 * mp.log(mp.mpf("1.1")), 8)
    with pytest.raises(PrecisionError, match="too many terms"):
        kl_to_digits("Poisson", q, "Poisson", p, 8, typical=[0.0, 40000.0])


def test_ends_of_a_domain_have_no_gradient():
    r = kl_to_digits(
        "Bernoulli", given(probs="0"), "Bernoulli", given(probs="0.5"), 15, typical=[0]
    )
    assert r.grad_q == {}
    assert digits_agree(r.grad_p["probs"], 2, 15)
    r = kl_to_digits(
        "Bernoulli", given(probs="0.5"), "Bernoulli", given(probs="1"), 15, typical=[0]
    )
    assert (r.kl, r.grad_q, r.grad_p) == (mp.inf, {}, {})
    with mp.workdps(40):
        near = given(probs="0.99999999999999999999")
        r = kl_to_digits("Bernoulli", near, "Bernoulli", given(probs="0.5"), 15, typical=[1])
        assert digits_agree(r.grad_q["probs"], mp.log(near["probs"] / (1 - near["probs"])), 13)


def test_infinite_exactly_where_the_support_says_so():
    normal, gamma = given(loc="0", scale="1"), given(concentration="2", rate="1")
    r = kl_to_digits("Normal", normal, "Gamma", gamma, 15, typical=[-1.0, 0.0, 1.0])
    assert r.kl == r.cross_entropy == mp.inf
    assert mp.isfinite(r.entropy)


def test_an_expectation_that_does_not_exist_is_refused():
    with pytest.raises(PrecisionError, match="may be infinite"):
        kl_to_digits(
            "Cauchy",
            given(loc="0", scale="1"),
            "Normal",
            given(loc="0", scale="1"),
            10,
            typical=[-1.0, 0.0, 1.0],
        )


def scalar_pairs():
    """Yield (name of q, name of p) for one pair of named instances of each closed form."""
    seen = set()
    for a, left in FAMILIES.items():
        for b, right in FAMILIES.items():
            q, p = left(), right()
            types = type(q), type(p)
            known = types in set(klosed.closed_form_pairs())
            if known and {t.__name__ for t in types} <= set(DENSITIES) and a != b:
                if types not in seen:
                    yield a, b
                seen.add(types)


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b"), list(scalar_pairs()))
def test_every_closed_form_is_the_integral_it_claims_to_be(a, b):
    q, p = FAMILIES[a](), FAMILIES[b]()
    value, grad_q, grad_p = klosed.kl_value_and_grad(q, p)
    pick = lambda array: float(np.broadcast_to(array, (3,))[1])  # noqa: E731
    sides = [{k: mp.mpf(pick(v)) for k, v in d.parameters.items()} for d in (q, p)]
    typical = np.asarray(q.sample(0, (101,)))[:, 1].tolist()
    names = type(q).__name__, type(p).__name__
    exact = kl_to_digits(names[0], sides[0], names[1], sides[1], 16, typical=typical)
    assert pick(value) == pytest.approx(float(exact.kl), rel=1e-12)
    for grads, shipped in ((exact.grad_q, grad_q), (exact.grad_p, grad_p)):
        for name, gradient in grads.items():
            assert pick(shipped[name]) == pytest.approx(float(gradient), rel=1e-11, abs=1e-13)
