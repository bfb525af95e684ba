"""What counts as shown: an identity is proved, an integral checked, and anything else fails."""

import mpmath as mp
import pytest
import sympy as sp

from klosed.derivations._means import Mean, differentiate, linear
from klosed.derivations._quadrature import Law, expectations
from klosed.derivations._steps import Mark, Step, verify

x = sp.Symbol("x", real=True)
a, b = sp.symbols("a b", positive=True)


def draw(rng):
    return {a: rng.uniform(0.5, 2), b: rng.uniform(0.5, 2)}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((a + b) ** 2, a**2 + 2 * a * b + b**2),
        (sp.log(a * b), sp.log(a) + sp.log(b)),
        (sp.loggamma(a + 1), sp.loggamma(a) + sp.log(a)),
        (sp.digamma(a + 2), sp.digamma(a) + 1 / a + 1 / (a + 1)),
        (sp.Derivative(sp.log(a / b), b), -1 / b),
        (sp.Integral(sp.exp(-a * x), (x, 0, sp.oo)), 1 / a),
        (Mean(a * x + b, x), a * Mean(x, x) + b),
        (sp.tanh(a), (sp.exp(2 * a) - 1) / (sp.exp(2 * a) + 1)),
    ],
)
def test_true_identities_are_proved(left, right):
    verdict = verify(Step("", left, right, ""), draw)
    assert verdict.mark is Mark.PROVED, verdict.detail


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((a + b) ** 2, a**2 + a * b + b**2),
        (sp.log(a * b), sp.log(a) - sp.log(b)),
        (Mean(a * x + b, x), a * Mean(x, x) - b),
        (Mean(x**2, x), Mean(x, x) ** 2),
        (a, a + sp.Rational(1, 10**25)),
    ],
)
def test_what_is_wrong_fails_with_a_counterexample(left, right):
    verdict = verify(Step("", left, right, ""), draw)
    assert verdict.mark is Mark.FAILED
    assert "differ by" in verdict.detail


def test_what_only_looks_true_fails():
    # equal to 50 digits wherever it is tried, which proves nothing: the two differ by 1e-60
    verdict = verify(Step("", a, a + sp.Rational(1, 10**60), ""), draw)
    assert verdict.mark is Mark.FAILED
    assert "SymPy does not reduce" in verdict.detail


def test_a_number_agrees_to_thirty_digits_or_fails():
    def agreeing_to(digits):
        return lambda point: (point[a], point[a] * (1 + mp.mpf(10) ** -digits))

    assert verify(Step("", a, a, "", check=agreeing_to(31)), draw).mark is Mark.CHECKED
    assert verify(Step("", a, a, "", check=agreeing_to(29)), draw).mark is Mark.FAILED
    # a check is not replaced by a proof: the two sides of the equation are equal here
    assert verify(Step("", a, a, "", check=lambda p: (p[a], p[b])), draw).mark is Mark.FAILED


def test_linearity_takes_sums_apart_and_constants_out():
    got = linear((a * x + b) ** 2, (x,))
    assert got == a**2 * Mean(x**2, x) + 2 * a * b * Mean(x, x) + b**2


def test_derivatives_go_through_the_density():
    # E[x²] under N(a, b²) is a² + b²; its derivative in b is 2b, by quadrature
    log_density = -((x - a) ** 2) / (2 * b**2) - sp.log(b) - sp.log(2 * sp.pi) / 2
    slope = differentiate(b * Mean(x**2, x), b, log_density)
    point = {a: mp.mpf("0.5"), b: mp.mpf("1.5")}
    means = expectations([Law(x, log_density)], slope.atoms(Mean), point)
    with mp.workdps(40):
        value = slope.subs(means).subs(point).evalf(30)
        assert abs(value - (0.5**2 + 3 * 1.5**2)) < 1e-25


def test_several_independent_variables():
    y = sp.Symbol("y", positive=True)
    laws = [Law(x, -(x**2) / 2 - sp.log(2 * sp.pi) / 2), Law(y, -y, 0, sp.oo)]
    mean = Mean((x + a * y) ** 2, x, y)
    with mp.workdps(50):
        value = expectations(laws, [mean], {a: mp.mpf(3)})[mean]
        assert abs(value - 19) < mp.mpf(10) ** -35  # 1 + 9 · 2
    with pytest.raises(ValueError, match="no product"):
        expectations(laws, [Mean(sp.exp(-x * y), x, y)], {})


def test_draws_differ_between_steps_and_repeat():
    seen = []
    for name in ("one", "one", "two"):
        verify(Step(name, a, a, "", check=lambda p: (seen.append(p[a]) or 1, 1)), draw)
    assert seen[:2] == seen[2:4]
    assert seen[0] != seen[4]
