"""Why the ELBO is a bound: log p(x) = ELBO + KL(q‖posterior), in general and worked out once."""

from __future__ import annotations

import random
from typing import Any

import sympy as sp

from klosed.derivations._means import Mean
from klosed.derivations._steps import Derivation, Point
from klosed.derivations._texts import line

__all__ = ["DERIVATIONS"]

Expr = Any

z, x, m, b, w = sp.symbols("z x m b w", real=True)
s, v = sp.symbols("s v", positive=True)

# any encoder q, prior and likelihood; the evidence p(x) is a number
q, prior, likelihood = (sp.Function(name, positive=True)(z) for name in ("q(z)", "p(z)", "p(x|z)"))
evidence = sp.Symbol("p(x)", positive=True)
posterior = likelihood * prior / evidence
ratio = posterior / q

# z ~ N(0, 1), x | z ~ N(wz + b, s²), q = N(m, v²)
total = w**2 + s**2
best_loc, best_variance = w * (x - b) / total, s**2 / total
moments = {Mean(z, z): m, Mean(z**2, z): m**2 + v**2}


def averaged(statistic: Expr) -> Expr:
    """Return E under q."""
    return Mean(statistic, z)


def log_normal(value: Expr, loc: Expr, variance: Expr) -> Expr:
    """Return log N(value; loc, variance)."""
    return -sp.log(2 * sp.pi * variance) / 2 - (value - loc) ** 2 / (2 * variance)


def kl(loc_p: Expr, variance_p: Expr) -> Expr:
    """Return KL(N(m, v²) ‖ N(loc_p, variance_p))."""
    return (sp.log(variance_p / v**2) - 1 + (v**2 + (m - loc_p) ** 2) / variance_p) / 2


def draw(rng: random.Random) -> Point:
    """Draw a model, a data point and an encoder."""
    real = {symbol: rng.uniform(-1.5, 1.5) for symbol in (x, m, b, w)}
    return {**real, s: rng.uniform(0.4, 2), v: rng.uniform(0.4, 2)}


_elbo = averaged(sp.log(likelihood)) - averaged(sp.log(q / prior))
_reconstruction = log_normal(x, w * m + b, s**2) - w**2 * v**2 / (2 * s**2)
_closed = _reconstruction - kl(sp.Integer(0), sp.Integer(1))
_log_evidence = log_normal(x, b, total)

_general = (
    line(
        "Bayes",
        r"\log p(x) = \log p(x \mid z) + \log p(z) - \log p(z \mid x)",
        sp.log(evidence),
        sp.log(likelihood) + sp.log(prior) - sp.log(posterior),
        "p(z | x) = p(x | z) p(z) / p(x), for every z",
    ),
    line(
        "average",
        r"\log p(x) = \operatorname{E}_q\left[\log p(x \mid z) + \log p(z)"
        r" - \log p(z \mid x)\right]",
        averaged(sp.log(evidence)),
        averaged(sp.log(likelihood) + sp.log(prior) - sp.log(posterior)),
        "the left side does not depend on z",
    ),
    line(
        "add and take away",
        r"\log p(x) = \operatorname{E}_q\left[\log p(x \mid z) + \log p(z) - \log q(z)\right]"
        r" + \operatorname{E}_q\left[\log q(z) - \log p(z \mid x)\right]",
        averaged(sp.log(likelihood) + sp.log(prior) - sp.log(posterior)),
        averaged(sp.log(likelihood) + sp.log(prior) - sp.log(q))
        + averaged(sp.log(q) - sp.log(posterior)),
        "log q(z), which the decomposition is free to choose",
    ),
    line(
        "ELBO",
        r"\mathrm{ELBO} = \operatorname{E}_q\left[\log p(x \mid z)\right]"
        r" - \mathrm{KL}(q\|p(z))",
        averaged(sp.log(likelihood) + sp.log(prior) - sp.log(q)),
        _elbo,
        "linearity: reconstruction less KL from the prior",
    ),
    line(
        "decomposition",
        r"\log p(x) = \mathrm{ELBO} + \mathrm{KL}(q\|p(z \mid x))",
        sp.log(evidence),
        _elbo + averaged(sp.log(q / posterior)),
        "the last two lines",
    ),
    line(
        "the gap is no less than zero",
        r"\mathrm{KL}(q\|p(z \mid x)) = \operatorname{E}_q\left[u - 1 - \log u\right] \ge 0,"
        r" \quad u = \frac{p(z \mid x)}{q(z)}",
        averaged(sp.log(q / posterior)),
        averaged(ratio - 1 - sp.log(ratio)),
        "E[u] = ∫ p(z | x) dz = 1, and u − 1 ≥ log u",
        given={Mean(likelihood * prior / q, z): evidence},
    ),
    line(
        "so is each term",
        r"\frac{d}{du}\left(u - 1 - \log u\right) = \frac{u - 1}{u}",
        sp.Derivative(s - 1 - sp.log(s), s),
        (s - 1) / s,
        "it falls until u = 1, where it is 0, and rises from there",
    ),
)

_example = (
    line(
        "example: posterior",
        r"p(z \mid x) = \mathcal{N}\left(\frac{w (x - b)}{w^2 + s^2},"
        r" \frac{s^2}{w^2 + s^2}\right), \quad p(x) = \mathcal{N}(x; b, w^2 + s^2)",
        log_normal(x, w * z + b, s**2) + log_normal(z, sp.Integer(0), sp.Integer(1)),
        log_normal(z, best_loc, best_variance) + _log_evidence,
        "p(z) = N(0, 1), p(x | z) = N(wz + b, s²): both sides are log p(x, z), by completing the "
        "square",
    ),
    line(
        "example: ELBO",
        r"\mathrm{ELBO} = \log\mathcal{N}(x; wm + b, s^2) - \frac{w^2 v^2}{2 s^2}"
        r" - \tfrac12\left(v^2 + m^2 - 1 - \log v^2\right)",
        averaged(
            log_normal(x, w * z + b, s**2)
            + log_normal(z, sp.Integer(0), sp.Integer(1))
            - log_normal(z, m, v**2)
        ),
        _closed,
        "q = N(m, v²), its first two moments put in",
        given=moments,
    ),
    line(
        "example: decomposition",
        r"\log\mathcal{N}(x; b, w^2 + s^2) = \mathrm{ELBO} + \mathrm{KL}(q\|p(z \mid x))",
        _log_evidence,
        _closed + kl(best_loc, best_variance),
        "the two closed forms add up",
    ),
    line(
        "example: the best encoder",
        r"\mathrm{ELBO} = \log p(x) \quad\text{where}\quad q = p(z \mid x)",
        _closed.subs({m: best_loc, v: sp.sqrt(best_variance)}, simultaneous=True),
        _log_evidence,
        "there the gap is 0",
    ),
    line(
        "example: the KL alone",
        r"\frac{\partial}{\partial m}\,\mathrm{KL}(q\|p(z))"
        r" = \frac{w (x - b)}{w^2 + s^2} \ne 0 \quad\text{at}\quad q = p(z \mid x)",
        kl(sp.Integer(0), sp.Integer(1)).diff(m).subs(m, best_loc),
        best_loc,
        "the KL from the prior alone would pull q away from the posterior",
    ),
)

DERIVATIONS = (
    Derivation("elbo", "log p(x) = ELBO + KL(q ‖ posterior)", (*_general, *_example), draw),
)
