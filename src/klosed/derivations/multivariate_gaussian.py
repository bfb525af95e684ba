"""The KL of two multivariate Gaussians along the second text, by trace and expectation.

*Notes on Implementing a Variational Autoencoder*, its first half. Expressions are those of two
dimensions, x = μ₁ + L z with standard normal z; each line is also checked in five.
"""

from __future__ import annotations

import random
from typing import Any

import mpmath as mp
import sympy as sp

from klosed.derivations._means import Mean
from klosed.derivations._quadrature import Law, expectations
from klosed.derivations._steps import Point, Step
from klosed.derivations._texts import SEED, Slip, Text, line
from klosed.derivations.multivariate_normal import kl_of_moments, log_normal_density

__all__ = ["DERIVATIONS", "TEXT"]

Expr = Any

z1, z2 = sp.symbols("z1 z2", real=True)
z = sp.Matrix([z1, z2])
m1 = sp.Matrix(sp.symbols("mu11 mu12", real=True))
m2 = sp.Matrix(sp.symbols("mu21 mu22", real=True))
a, c, d, f = sp.symbols("a c d f", positive=True)
b, e = sp.symbols("b e", real=True)
L1, L2 = sp.Matrix([[a, 0], [b, c]]), sp.Matrix([[d, 0], [e, f]])
S1, S2 = L1 * L1.T, L2 * L2.T
P1, P2 = S1.inv(), S2.inv()  # precisions
x = m1 + L1 * z
n = sp.Integer(2)
half = sp.Rational(1, 2)
log_ratio = sp.log(S2.det() / S1.det())

moments = {
    Mean(z1, z1, z2): sp.Integer(0),
    Mean(z2, z1, z2): sp.Integer(0),
    Mean(z1 * z2, z1, z2): sp.Integer(0),
    Mean(z1**2, z1, z2): sp.Integer(1),
    Mean(z2**2, z1, z2): sp.Integer(1),
}
standard = sp.exp(-(z1**2) / 2) / sp.sqrt(2 * sp.pi)


def averaged(statistic: Expr) -> Expr:
    """Return E under P₁."""
    return Mean(statistic, z1, z2)


def square(offset: Expr, precision: Expr) -> Expr:
    """Return offsetᵀ precision offset."""
    return (offset.T * precision * offset)[0]


def weighed(matrix: Expr) -> Expr:
    """Return a matrix as one expression: its entries times symbols that tell them apart."""
    return sum(sp.Symbol(f"t{i}") * entry for i, entry in enumerate(matrix))


def draw(rng: random.Random) -> Point:
    """Draw means, factors, and what the larger case is drawn from."""
    real = {symbol: rng.uniform(-2, 2) for symbol in (*m1, *m2, b, e)}
    positive = {symbol: rng.uniform(0.4, 2) for symbol in (a, c, d, f)}
    return {**real, **positive, SEED: rng.randrange(10**6)}


def _in_five_dimensions(point: Point) -> tuple[Any, Any]:
    """Return E[(x − μ₂)ᵀ Σ₂⁻¹ (x − μ₂)] from quadrature, and by the trace."""
    rng = random.Random(int(point[SEED]))
    size = 5

    def entry(i: int, j: int) -> Any:
        return mp.mpf(rng.randrange(-512, 512)) / 512 + (2 if i == j else 0)

    first = mp.matrix(size, size)
    second = mp.matrix(size, size)
    for factor in (first, second):
        for i in range(size):
            for j in range(i + 1):
                factor[i, j] = entry(i, j)
    shift = mp.matrix([entry(0, 1) for _ in range(size)])
    law = Law(z1, sp.log(standard))
    powers = [Mean(sp.Integer(1), z1), Mean(z1, z1), Mean(z1**2, z1)]
    numbers = expectations([law], powers, {})
    one, mean, variance = (numbers[power] for power in powers)
    inner = first.T * (second * second.T) ** -1 * first  # zᵀ inner z
    quadratic = mp.fsum(
        inner[i, j] * (variance * one**4 if i == j else mean**2 * one**3)
        for i in range(size)
        for j in range(size)
    )
    pull = first.T * (second * second.T) ** -1 * shift
    linear = 2 * mean * one**4 * mp.fsum(pull)
    constant = (shift.T * (second * second.T) ** -1 * shift)[0]
    trace = mp.fsum(((second * second.T) ** -1 * (first * first.T))[i, i] for i in range(size))
    return quadratic + linear + constant, trace + constant


_preparation: tuple[Step | Slip, ...] = (
    line(
        "moments",
        r"\operatorname{E}[z_i] = 0",
        sp.Integral(z1 * standard, (z1, -sp.oo, sp.oo)),
        sp.Integer(0),
        "x = μ₁ + L z with Σ₁ = L Lᵀ and independent standard normal z",
    ),
    line(
        "moments",
        r"\operatorname{E}[z_i^2] = 1",
        sp.Integral(z1**2 * standard, (z1, -sp.oo, sp.oo)),
        sp.Integer(1),
        "the variance of a standard normal number; E[z_i z_j] = 0 by independence",
    ),
    line(
        "moments",
        r"\operatorname{E}[x] = \mu_1",
        weighed(x.applyfunc(averaged)),
        weighed(m1),
        "linearity",
        given=moments,
    ),
    line(
        "moments",
        r"\operatorname{E}[(x - \mu_1)(x - \mu_1)^\top] = \Sigma_1",
        weighed(((x - m1) * (x - m1).T).applyfunc(averaged)),
        weighed(S1),
        "linearity",
        given=moments,
    ),
    line(
        "moments",
        r"\operatorname{E}[x x^\top] = \Sigma_1 + \mu_1\mu_1^\top",
        weighed((x * x.T).applyfunc(averaged)),
        weighed(S1 + m1 * m1.T),
        "the last two lines",
        given=moments,
    ),
    line(
        "density",
        r"\log p(x) = -\tfrac12\log\left((2\pi)^k\det\Sigma\right)"
        r" - \tfrac12 (x - \mu)^\top\Sigma^{-1}(x - \mu)",
        log_normal_density(x, m1, S1) + sp.log(L1.det()),
        -(z1**2 + z2**2) / 2 - sp.log(2 * sp.pi),
        "change of variables: with |L| it is the density of z",
    ),
)

_code = half * sum(S1[i, i] + m1[i] ** 2 - 1 - sp.log(S1[i, i]) for i in range(2))

_lines: tuple[Step | Slip, ...] = (
    Slip(
        line(
            "what is Gaussian",
            r"Q(z \mid X) = \mathcal{N}(0, I)",
            kl_of_moments(sp.zeros(2, 1), sp.eye(2), sp.zeros(2, 1), sp.eye(2)),
            kl_of_moments(m1, S1, sp.zeros(2, 1), sp.eye(2)),
            "“the true distribution of Q(z|X) as a spherical Gaussian prior”",
        ),
        line(
            "what is Gaussian",
            r"P_2 = P(z) = \mathcal{N}(0, I), \quad"
            r" P_1 = Q(z \mid X) = \mathcal{N}(\mu_1, \Sigma_1)",
            averaged(
                log_normal_density(x, m1, S1) - log_normal_density(x, sp.zeros(2, 1), sp.eye(2))
            ),
            kl_of_moments(m1, S1, sp.zeros(2, 1), sp.eye(2)),
            "the prior P(z) is the standard one; Q(z|X) has the encoder's mean and variance",
            given=moments,
        ),
        "Were Q(z|X) the standard Gaussian, the KL would be 0 whatever the encoder says.",
    ),
    line(
        "line 1",
        r"\mathrm{KL} = \tfrac12\operatorname{E}\left[-\log\det\Sigma_1"
        r" - (x - \mu_1)^\top\Sigma_1^{-1}(x - \mu_1) + \log\det\Sigma_2"
        r" + (x - \mu_2)^\top\Sigma_2^{-1}(x - \mu_2)\right]",
        averaged(log_normal_density(x, m1, S1) - log_normal_density(x, m2, S2)),
        averaged(-sp.log(S1.det()) - square(x - m1, P1) + sp.log(S2.det()) + square(x - m2, P2))
        / 2,
        "definition; (2π)ⁿ cancels (the text's k is n from here on)",
    ),
    line(
        "line 2",
        r"\mathrm{KL} = \tfrac12\log\frac{\det\Sigma_2}{\det\Sigma_1}"
        r" + \tfrac12\operatorname{E}\left[-(x - \mu_1)^\top\Sigma_1^{-1}(x - \mu_1)"
        r" + (x - \mu_2)^\top\Sigma_2^{-1}(x - \mu_2)\right]",
        averaged(-sp.log(S1.det()) - square(x - m1, P1) + sp.log(S2.det()) + square(x - m2, P2))
        / 2,
        log_ratio / 2 + averaged(-square(x - m1, P1) + square(x - m2, P2)) / 2,
        "constants leave the expectation",
    ),
    Slip(
        line(
            "line 3",
            r"\ldots + \tfrac12\operatorname{E}\left["
            r"\operatorname{tr}(\Sigma_1^{-1}(x - \mu_1)(x - \mu_1)^\top)"
            r" + \operatorname{tr}(\Sigma_2^{-1}(x - \mu_2)(x - \mu_2)^\top)\right]",
            averaged(-square(x - m1, P1) + square(x - m2, P2)),
            averaged((P1 * (x - m1) * (x - m1).T).trace() + (P2 * (x - m2) * (x - m2).T).trace()),
            "the trace is cyclic",
            given=moments,
        ),
        line(
            "line 3",
            r"\ldots + \tfrac12\operatorname{E}\left["
            r"-\operatorname{tr}(\Sigma_1^{-1}(x - \mu_1)(x - \mu_1)^\top)"
            r" + \operatorname{tr}(\Sigma_2^{-1}(x - \mu_2)(x - \mu_2)^\top)\right]",
            averaged(-square(x - m1, P1) + square(x - m2, P2)),
            averaged(-(P1 * (x - m1) * (x - m1).T).trace() + (P2 * (x - m2) * (x - m2).T).trace()),
            "a number is its own trace, and the trace is cyclic",
        ),
        "The minus before the first trace is lost here.",
    ),
    line(
        "inside the trace",
        r"\operatorname{tr}(\Sigma_2^{-1}(x - \mu_2)(x - \mu_2)^\top)"
        r" = \operatorname{tr}(\Sigma_2^{-1}(x x^\top - 2 x\mu_2^\top + \mu_2\mu_2^\top))",
        (P2 * (x - m2) * (x - m2).T).trace(),
        (P2 * (x * x.T - 2 * x * m2.T + m2 * m2.T)).trace(),
        "Σ₂⁻¹ is symmetric; without the trace the two matrices differ: −2xμ₂ᵀ stands for "
        "−xμ₂ᵀ − μ₂xᵀ",
    ),
    Slip(
        line(
            "line 4",
            r"\ldots + \tfrac12\operatorname{E}\left[\operatorname{tr}(\Sigma_1^{-1}\Sigma_1)"
            r" + \operatorname{tr}(\Sigma_2^{-1}"
            r"(x x^\top - 2 x\mu_2^\top + \mu_2\mu_2^\top))\right]",
            averaged(-square(x - m1, P1) + square(x - m2, P2)),
            (P1 * S1).trace() + averaged((P2 * (x * x.T - 2 * x * m2.T + m2 * m2.T)).trace()),
            "E[(x − μ₁)(x − μ₁)ᵀ] = Σ₁",
            given=moments,
        ),
        line(
            "line 4",
            r"\ldots + \tfrac12\operatorname{E}\left[-\operatorname{tr}(\Sigma_1^{-1}\Sigma_1)"
            r" + \operatorname{tr}(\Sigma_2^{-1}"
            r"(x x^\top - 2 x\mu_2^\top + \mu_2\mu_2^\top))\right]",
            averaged(-square(x - m1, P1) + square(x - m2, P2)),
            -(P1 * S1).trace() + averaged((P2 * (x * x.T - 2 * x * m2.T + m2 * m2.T)).trace()),
            "E[(x − μ₁)(x − μ₁)ᵀ] = Σ₁",
            given=moments,
        ),
        "The same minus is still missing, and a bracket.",
    ),
    Slip(
        line(
            "line 5",
            r"\mathrm{KL} = \tfrac12\log\frac{\det\Sigma_2}{\det\Sigma_1} + \tfrac12 n"
            r" + \tfrac12\operatorname{tr}(\Sigma_2^{-1}"
            r"(\Sigma_1 + \mu_1\mu_1^\top - 2\mu_2\mu_1^\top + \mu_2\mu_2^\top))",
            averaged(log_normal_density(x, m1, S1) - log_normal_density(x, m2, S2)),
            log_ratio / 2 + n / 2 + (P2 * (S1 + m1 * m1.T - 2 * m2 * m1.T + m2 * m2.T)).trace() / 2,
            "E[x xᵀ] = Σ₁ + μ₁μ₁ᵀ and tr I = n",
            given=moments,
        ),
        line(
            "line 5",
            r"\mathrm{KL} = \tfrac12\log\frac{\det\Sigma_2}{\det\Sigma_1} - \tfrac12 n"
            r" + \tfrac12\operatorname{tr}(\Sigma_2^{-1}"
            r"(\Sigma_1 + \mu_1\mu_1^\top - 2\mu_1\mu_2^\top + \mu_2\mu_2^\top))",
            averaged(log_normal_density(x, m1, S1) - log_normal_density(x, m2, S2)),
            log_ratio / 2 - n / 2 + (P2 * (S1 + m1 * m1.T - 2 * m1 * m2.T + m2 * m2.T)).trace() / 2,
            "E[x xᵀ] = Σ₁ + μ₁μ₁ᵀ and tr I = n",
            given=moments,
        ),
        "The lost minus makes it + n/2; the next line has the right sign again, so line 6 does not "
        "follow from line 5 as printed. (E[xμ₂ᵀ] is μ₁μ₂ᵀ; under the trace the printed μ₂μ₁ᵀ "
        "comes to the same.)",
    ),
    line(
        "line 6",
        r"\mathrm{KL} = \tfrac12\Bigl(\log\frac{\det\Sigma_2}{\det\Sigma_1} - n"
        r" + \operatorname{tr}(\Sigma_2^{-1}\Sigma_1) + \mu_1^\top\Sigma_2^{-1}\mu_1"
        r" - 2\mu_1^\top\Sigma_2^{-1}\mu_2 + \mu_2^\top\Sigma_2^{-1}\mu_2\Bigr)",
        log_ratio / 2 - n / 2 + (P2 * (S1 + m1 * m1.T - 2 * m1 * m2.T + m2 * m2.T)).trace() / 2,
        (
            log_ratio
            - n
            + (P2 * S1).trace()
            + square(m1, P2)
            - 2 * (m1.T * P2 * m2)[0]
            + square(m2, P2)
        )
        / 2,
        "linear and cyclic trace (three closing brackets are missing in the text)",
    ),
    line(
        "line 7",
        r"\mathrm{KL} = \tfrac12\Bigl(\log\frac{\det\Sigma_2}{\det\Sigma_1} - n"
        r" + \operatorname{tr}(\Sigma_2^{-1}\Sigma_1)"
        r" + (\mu_2 - \mu_1)^\top\Sigma_2^{-1}(\mu_2 - \mu_1)\Bigr)",
        (
            log_ratio
            - n
            + (P2 * S1).trace()
            + square(m1, P2)
            - 2 * (m1.T * P2 * m2)[0]
            + square(m2, P2)
        )
        / 2,
        kl_of_moments(m1, S1, m2, S2),
        "completing the square",
    ),
    line(
        "larger",
        r"\operatorname{E}\left[(x - \mu_2)^\top\Sigma_2^{-1}(x - \mu_2)\right]"
        r" = \operatorname{tr}(\Sigma_2^{-1}\Sigma_1)"
        r" + (\mu_2 - \mu_1)^\top\Sigma_2^{-1}(\mu_2 - \mu_1)",
        averaged(square(x - m2, P2)),
        (P2 * S1).trace() + square(m2 - m1, P2),
        "what lines 3 to 7 come to, in five dimensions",
        check=_in_five_dimensions,
    ),
    Slip(
        line(
            "standard normal prior",
            r"\mathrm{KL} = \tfrac12\left(-\log\det\Sigma_1 - n + \operatorname{tr}(\Sigma_1)"
            r" + \mu_2^\top\mu_2\right)",
            kl_of_moments(m1, S1, sp.zeros(2, 1), sp.eye(2)),
            (-sp.log(S1.det()) - n + S1.trace() + 0) / 2,
            "P₂ = N(0, I), so that μ₂ = 0",
        ),
        line(
            "standard normal prior",
            r"\mathrm{KL} = \tfrac12\left(-\log\det\Sigma_1 - n + \operatorname{tr}(\Sigma_1)"
            r" + \mu_1^\top\mu_1\right)",
            kl_of_moments(m1, S1, sp.zeros(2, 1), sp.eye(2)),
            (-sp.log(S1.det()) - n + S1.trace() + square(m1, sp.eye(2))) / 2,
            "Σ₂ = I and μ₂ = 0",
        ),
        "μ₂ is the prior's mean, 0; it is the encoder's mean μ₁ that is left.",
    ),
    line(
        "diagonal covariance",
        r"\mathrm{KL} = -\tfrac12\sum_{j=1}^{J}\left(1 + \log(\sigma_j^2)"
        r" - \mu_j^2 - \sigma_j^2\right)",
        kl_of_moments(m1, S1.subs(b, 0), sp.zeros(2, 1), sp.eye(2)),
        _code.subs(b, 0),
        "log det and tr of a diagonal matrix are sums",
    ),
    line(
        "log-variance",
        r"\mathrm{KL} = -\tfrac12\sum_j\left(1 + \ell_j - \mu_j^2 - e^{\ell_j}\right),"
        r" \quad \ell_j = \log\sigma_j^2",
        _code.subs(b, 0).subs({a: sp.exp(b / 2), c: sp.exp(e / 2)}, simultaneous=True),
        -half * sum(1 + v - m**2 - sp.exp(v) for v, m in zip((b, e), m1, strict=True)),
        "the line of code that the text explains, term by term",
    ),
)

TEXT = Text(
    "multivariate-gaussian",
    "KL of two multivariate Gaussians, along the second text",
    "*Notes on Implementing a Variational Autoencoder* takes the general case by trace and "
    "expectation, the argument that scales to every Gaussian, and ends at the line of code.",
    (*_preparation, *_lines),
    draw,
)
DERIVATIONS = (TEXT.derivation,)
