"""The KL of two univariate Gaussians along the first text, *Deriving KL Divergence*.

q = N(μ, σ²) and p = N(0, 1), as there; each line that does not hold as printed has its correction.
"""

from __future__ import annotations

import random
from typing import Any

import sympy as sp

from klosed.derivations._means import Mean
from klosed.derivations._steps import Point, Step
from klosed.derivations._texts import Slip, Text, line
from klosed.derivations.multivariate_normal import kl_of_moments

__all__ = ["DERIVATIONS", "TEXT"]

Expr = Any

z = sp.Symbol("z", real=True)
mu, mu1, mu2 = sp.symbols("mu mu1 mu2", real=True)
sigma, sigma1, sigma2 = sp.symbols("sigma sigma1 sigma2", positive=True)
rho, v = sp.symbols("rho v", real=True)
half = sp.Rational(1, 2)
TWO_PI = 2 * sp.pi

# any two densities, for the lines that hold for all of them
q, p = (sp.Function(name, positive=True)(z) for name in "qp")
posterior, likelihood, evidence = (
    sp.Function("p(z|x)", positive=True)(z),
    sp.Function("p(x|z)", positive=True)(z),
    sp.Symbol("p(x)", positive=True),
)

density = sp.exp(-((z - mu) ** 2) / (2 * sigma**2)) / sp.sqrt(TWO_PI * sigma**2)
log_q = -sp.log(TWO_PI * sigma**2) / 2 - (z - mu) ** 2 / (2 * sigma**2)
log_p = -sp.log(TWO_PI) / 2 - z**2 / 2
cross_entropy = sp.log(TWO_PI) / 2 + (mu**2 + sigma**2) / 2
entropy = sp.log(TWO_PI) / 2 + sp.log(sigma**2) / 2 + half
moments = {Mean(z, z): mu, Mean(z**2, z): mu**2 + sigma**2}


def term(loc: Expr, scale: Expr) -> Expr:
    """Return KL(N(loc, scale²) ‖ N(0, 1))."""
    return -half * (1 + sp.log(scale**2) - loc**2 - scale**2)


def averaged(statistic: Expr) -> Expr:
    """Return ∫ q(z) statistic dz."""
    return Mean(statistic, z)


def draw(rng: random.Random) -> Point:
    """Draw parameters."""
    locs = {symbol: rng.uniform(-2, 2) for symbol in (mu, mu1, mu2, v)}
    scales = {symbol: rng.uniform(0.4, 2) for symbol in (sigma, sigma1, sigma2)}
    return {**locs, **scales, rho: rng.uniform(0.2, 0.8)}


def correlated(correlation: Expr) -> Expr:
    """Return KL(q‖N(0, I)) for two coordinates with a correlation."""
    covariance = sp.Matrix(
        [
            [sigma1**2, correlation * sigma1 * sigma2],
            [correlation * sigma1 * sigma2, sigma2**2],
        ]
    )
    return kl_of_moments(sp.Matrix([mu1, mu2]), covariance, sp.zeros(2, 1), sp.eye(2))


_reverse = (sp.log(sigma**2) + (1 + mu**2) / sigma**2 - 1) / 2

_what_it_is: tuple[Step | Slip, ...] = (
    Slip(
        line(
            "asymmetry",
            r"\mathrm{KL}(q\|p) \; \mathrm{KL}(p\|q)",
            term(mu, sigma),
            _reverse,
            "the sign between the two is lost, and reads like none",
        ),
        line(
            "asymmetry",
            r"\mathrm{KL}(q\|p) - \mathrm{KL}(p\|q)"
            r" = \tfrac12\left(\sigma^2 + \mu^2 - \frac{1 + \mu^2}{\sigma^2}\right)"
            r" - \log\sigma^2 \ne 0",
            term(mu, sigma) - _reverse,
            (sigma**2 + mu**2 - (1 + mu**2) / sigma**2) / 2 - sp.log(sigma**2),
            "for N(μ, σ²) and N(0, 1) the two differ by this, which is 0 only for special values",
        ),
        "The slash of ≠ went astray. The point is right: KL is not symmetric.",
    ),
    line(
        "definition",
        r"\mathrm{KL}(q\|p) = -\int q(z)\log p(z)\,dz - \left(-\int q(z)\log q(z)\,dz\right)",
        -averaged(sp.log(p)) - (-averaged(sp.log(q))),
        averaged(sp.log(q / p)),
        "cross-entropy less entropy",
    ),
    Slip(
        line(
            "definition",
            r"\mathrm{KL}(q\|p) = -\int q(z)\log p(z)\,dz + \int q(z)\log p(z)\,dz",
            -averaged(sp.log(p)) + averaged(sp.log(q)),
            -averaged(sp.log(p)) + averaged(sp.log(p)),
            "the minus signs resolved",
        ),
        line(
            "definition",
            r"\mathrm{KL}(q\|p) = -\int q(z)\log p(z)\,dz + \int q(z)\log q(z)\,dz",
            -averaged(sp.log(p)) - (-averaged(sp.log(q))),
            -averaged(sp.log(p)) + averaged(sp.log(q)),
            "the minus signs resolved",
        ),
        "The second integrand is log q: as printed the two integrals cancel, and every KL is 0.",
    ),
    line(
        "definition",
        r"\mathrm{KL}(q\|p) = \int q(z)\log\frac{q(z)}{p(z)}\,dz",
        -averaged(sp.log(p)) + averaged(sp.log(q)),
        averaged(sp.log(q / p)),
        "linearity (the text leaves out dz)",
    ),
)

_densities: tuple[Step | Slip, ...] = (
    Slip(
        line(
            "density",
            r"q(z; \mu, \sigma^2)"
            r" = \frac{1}{\sqrt{2\pi\sigma^2}}\, e^{-} \frac{(z - \mu)^2}{2\sigma^2}",
            sp.log(sp.exp(-1) * (z - mu) ** 2 / (2 * sigma**2) / sp.sqrt(TWO_PI * sigma**2)),
            log_q,
            "as typeset only the sign is in the exponent",
        ),
        line(
            "density",
            r"q(z; \mu, \sigma^2)"
            r" = \frac{1}{\sqrt{2\pi\sigma^2}}\exp\left(-\frac{(z - \mu)^2}{2\sigma^2}\right)",
            sp.log(density),
            log_q,
            "definition; its logarithm is the next line",
        ),
        "The whole fraction belongs into the exponent; the text's next line has it so.",
    ),
    line(
        "log-density",
        r"\log q(z; \mu, \sigma^2)"
        r" = \log\frac{1}{\sqrt{2\pi\sigma^2}} - \frac{(z - \mu)^2}{2\sigma^2}",
        sp.log(density),
        sp.log(1 / sp.sqrt(TWO_PI * sigma**2)) - (z - mu) ** 2 / (2 * sigma**2),
        "logarithm of a product",
    ),
    line(
        "log-density",
        r"\log q(z; \mu, \sigma^2)"
        r" = -\tfrac12\log(2\pi\sigma^2) - \frac{(z - \mu)^2}{2\sigma^2}",
        sp.log(1 / sp.sqrt(TWO_PI * sigma**2)) - (z - mu) ** 2 / (2 * sigma**2),
        log_q,
        "logarithm of a root",
    ),
    Slip(
        line(
            "posterior and prior",
            r"\mathrm{KL}(q\|p(z \mid x)) = \mathrm{KL}(q\|p(z))",
            averaged(sp.log(q / posterior)),
            averaged(sp.log(q / p)),
            "p is called the true posterior, then the prior",
        ),
        line(
            "posterior and prior",
            r"\mathrm{KL}(q\|p(z \mid x))"
            r" = \mathrm{KL}(q\|p(z)) - \int q(z)\log p(x \mid z)\,dz + \log p(x)",
            averaged(sp.log(q / (likelihood * p / evidence))),
            averaged(sp.log(q / p)) - averaged(sp.log(likelihood)) + sp.log(evidence),
            "Bayes: p(z | x) = p(x | z) p(z) / p(x)",
        ),
        "What pulls q to the posterior is the whole ELBO; the KL derived here pulls it to the "
        "prior, and the other part of the ELBO, the reconstruction, pulls it away.",
    ),
)

_integrals: tuple[Step | Slip, ...] = (
    line(
        "integral of a density",
        r"\int q(z)\,dz = 1",
        sp.Integral(density, (z, -sp.oo, sp.oo)),
        sp.Integer(1),
        "the Gaussian integral",
    ),
    line(
        "second moment",
        r"\int z^2 q(z)\,dz = \mu^2 + \sigma^2",
        sp.Integral(z**2 * density, (z, -sp.oo, sp.oo)),
        mu**2 + sigma**2,
        "square of the mean plus variance",
    ),
    line(
        "mean",
        r"\int z\,q(z)\,dz = \mu",
        sp.Integral(z * density, (z, -sp.oo, sp.oo)),
        mu,
        "symmetry about μ (which the text uses without saying)",
    ),
)

_cross_entropy: tuple[Step | Slip, ...] = (
    Slip(
        line(
            "cross-entropy",
            r"-\int q(z)\log q(z)\,dz = \ldots = \tfrac12\log(2\pi) + \tfrac12(\mu^2 + \sigma^2)",
            -averaged(log_q),
            cross_entropy,
            "the left side under the heading Cross Entropy",
            given=moments,
        ),
        line(
            "cross-entropy",
            r"-\int q(z)\log p(z)\,dz = \ldots = \tfrac12\log(2\pi) + \tfrac12(\mu^2 + \sigma^2)",
            -averaged(log_p),
            cross_entropy,
            "the left side is the cross-entropy",
            given=moments,
        ),
        "The left side is that of the entropy further down; a cross-entropy averages log p.",
    ),
    Slip(
        line(
            "cross-entropy",
            r"-\int q(z)\log p(z)\,dz = \int q(z)\left[\tfrac12\log(2\pi\sigma^2)"
            r" + \frac{(z - \mu)^2}{2\sigma^2}\right]dz",
            -averaged(log_p),
            averaged(sp.log(TWO_PI * sigma**2) / 2 + (z - mu) ** 2 / (2 * sigma**2)),
            "−log p put in",
            given=moments,
        ),
        line(
            "cross-entropy",
            r"-\int q(z)\log p(z)\,dz = \int q(z)\left[\tfrac12\log(2\pi) + \tfrac12 z^2\right]dz",
            -averaged(log_p),
            averaged(sp.log(TWO_PI) / 2 + z**2 / 2),
            "−log p put in, for p = N(0, 1)",
        ),
        "The bracket is −log q instead of −log p. The next line goes on with the right one.",
    ),
    line(
        "cross-entropy",
        r"-\int q(z)\log p(z)\,dz = \tfrac12\log(2\pi)\int q(z)\,dz + \tfrac12\int z^2 q(z)\,dz",
        averaged(sp.log(TWO_PI) / 2 + z**2 / 2),
        sp.log(TWO_PI) / 2 * averaged(1) + averaged(z**2) / 2,
        "linearity",
    ),
    line(
        "cross-entropy",
        r"-\int q(z)\log p(z)\,dz = \tfrac12\log(2\pi) + \tfrac12(\mu^2 + \sigma^2)",
        sp.log(TWO_PI) / 2 * averaged(1) + averaged(z**2) / 2,
        cross_entropy,
        "the integrals put in",
        given=moments,
    ),
)

_entropy: tuple[Step | Slip, ...] = (
    line(
        "entropy",
        r"-\int q(z)\log q(z)\,dz = \int q(z)\left[\tfrac12\log(2\pi\sigma^2)"
        r" + \frac{(z - \mu)^2}{2\sigma^2}\right]dz",
        -averaged(log_q),
        averaged(sp.log(TWO_PI * sigma**2) / 2 + (z - mu) ** 2 / (2 * sigma**2)),
        "−log q put in",
    ),
    line(
        "entropy",
        r"-\int q(z)\log q(z)\,dz = \tfrac12\log(2\pi\sigma^2)\int q(z)\,dz"
        r" + \frac{1}{2\sigma^2}\int (z - \mu)^2 q(z)\,dz",
        averaged(sp.log(TWO_PI * sigma**2) / 2 + (z - mu) ** 2 / (2 * sigma**2)),
        sp.log(TWO_PI * sigma**2) / 2 * averaged(1) + averaged((z - mu) ** 2) / (2 * sigma**2),
        "linearity",
    ),
    line(
        "entropy",
        r"-\int q(z)\log q(z)\,dz = \tfrac12\log(2\pi\sigma^2) + \tfrac12",
        sp.log(TWO_PI * sigma**2) / 2 * averaged(1) + averaged((z - mu) ** 2) / (2 * sigma**2),
        sp.log(TWO_PI * sigma**2) / 2 + half,
        "the integrals put in: the second is the variance",
        given=moments,
    ),
    line(
        "entropy",
        r"-\int q(z)\log q(z)\,dz = \tfrac12\log(2\pi) + \tfrac12\log(\sigma^2) + \tfrac12",
        sp.log(TWO_PI * sigma**2) / 2 + half,
        entropy,
        "logarithm of a product",
    ),
)

_result: tuple[Step | Slip, ...] = (
    line(
        "difference",
        r"\mathrm{KL}(q\|p) = \tfrac12\log(2\pi) + \tfrac12(\mu^2 + \sigma^2)"
        r" - \tfrac12\log(2\pi) - \tfrac12\log(\sigma^2) - \tfrac12",
        averaged(log_q - log_p),
        cross_entropy - entropy,
        "cross-entropy less entropy",
        given=moments,
    ),
    Slip(
        line(
            "KL",
            r"\mathrm{KL}(q\|p) = -\tfrac12\left(1 + \log(\sigma^2) + \mu^2 - \sigma^2\right)",
            cross_entropy - entropy,
            -half * (1 + sp.log(sigma**2) + mu**2 - sigma**2),
            "printed as “+ − μ²”, of which one sign is too many; read here as plus",
        ),
        line(
            "KL",
            r"\mathrm{KL}(q\|p) = -\tfrac12\left(1 + \log(\sigma^2) - \mu^2 - \sigma^2\right)",
            cross_entropy - entropy,
            term(mu, sigma),
            "collected",
        ),
        "Of “+ −” the minus is meant.",
    ),
    Slip(
        line(
            "sum over dimensions",
            r"\mathrm{KL}(q\|p)"
            r" = -\tfrac12\sum_{d=1}^{D}\left(1 + \log(\sigma^2) - \mu^2 - \sigma^2\right)",
            correlated(0),
            2 * term(mu1, sigma1),
            "without indices, D times the first dimension; here D = 2",
        ),
        line(
            "sum over dimensions",
            r"\mathrm{KL}(q\|p)"
            r" = -\tfrac12\sum_{d=1}^{D}\left(1 + \log(\sigma_d^2) - \mu_d^2 - \sigma_d^2\right)",
            correlated(0),
            term(mu1, sigma1) + term(mu2, sigma2),
            "log q and log p are sums over independent dimensions; here D = 2",
        ),
        "Each dimension has its own mean and variance, so both need the index d.",
    ),
    Slip(
        line(
            "when the sum is right",
            r"\mathrm{KL}(q\|p) = \sum_d \mathrm{KL}(q_d\|p_d)",
            correlated(rho),
            term(mu1, sigma1) + term(mu2, sigma2),
            "for any Gaussian q; here two dimensions with correlation ρ",
        ),
        line(
            "when the sum is right",
            r"\mathrm{KL}(q\|p) = \sum_d \mathrm{KL}(q_d\|p_d) - \tfrac12\log(1 - \rho^2)",
            correlated(rho),
            term(mu1, sigma1) + term(mu2, sigma2) - sp.log(1 - rho**2) / 2,
            "what the dimensions of q know of each other comes on top; 0 only for ρ = 0",
        ),
        "No stretch of the imagination is needed: where the dimensions of q are independent, "
        "as in a VAE with a diagonal covariance, the sum is exact. Where they are not, it is too "
        "small.",
    ),
    line(
        "log-variance",
        r"\mathrm{KL}(q\|p) = \tfrac12\left(e^v - 1 - v + \mu^2\right), \quad v = \log\sigma^2",
        term(mu, sp.exp(v / 2)),
        (sp.exp(v) - 1 - v + mu**2) / 2,
        "what an encoder emits; both e^v − 1 − v and μ² are nonnegative (not in the text)",
    ),
    line(
        "its gradient",
        r"\frac{\partial \mathrm{KL}}{\partial v} = \tfrac12\left(e^v - 1\right)",
        sp.Derivative((sp.exp(v) - 1 - v + mu**2) / 2, v),
        (sp.exp(v) - 1) / 2,
        "differentiate (not in the text)",
    ),
    line(
        "its gradient",
        r"\frac{\partial \mathrm{KL}}{\partial \mu} = \mu",
        sp.Derivative((sp.exp(v) - 1 - v + mu**2) / 2, mu),
        mu,
        "differentiate (not in the text)",
    ),
)

TEXT = Text(
    "univariate-gaussian",
    "KL of a univariate Gaussian from N(0, 1), along the first text",
    "*Deriving KL Divergence* takes the univariate Gaussian apart into cross-entropy and entropy, "
    "which is the clearest way there is, and sums over dimensions at the end.",
    (*_what_it_is, *_densities, *_integrals, *_cross_entropy, *_entropy, *_result),
    draw,
)
DERIVATIONS = (TEXT.derivation,)
