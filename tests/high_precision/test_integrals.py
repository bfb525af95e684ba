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
