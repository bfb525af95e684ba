"""Uniform distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, a = sp.symbols("x a", real=True)
w = sp.Symbol("w", positive=True)
b = a + w

FAMILY = Family(
    name="Uniform",
    draws={a: (-2, 2), w: (0.5, 3)},
    parameters={"low": a, "high": b},
    variables=(x,),
    log_density=-sp.log(w),
    low=a,
    high=b,
    moments=(
        Moment(x, (a + b) / 2, "the middle"),
        Moment(x**2, (a**2 + a * b + b**2) / 3, "integral of a power"),
        Moment(sp.log(x), (b * sp.log(b) - a * sp.log(a)) / w - 1, "integral of log x"),
        Moment(
            sp.log(1 - x),
            ((1 - a) * sp.log(1 - a) - (1 - b) * sp.log(1 - b)) / w - 1,
            "integral of log (1 − x)",
        ),
    ),
    entropy=sp.log(w),
)

_POSITIVE = {"a_q": (0.3, 2)}
_WITHIN_ONE = {"a_q": (0.05, 0.4), "w_q": (0.1, 0.5)}

PAIRS = (
    Pair(
        "Uniform",
        "Uniform",
        kl=lambda q, p: sp.log(p.w / q.w),
        draws={"a_q": (-0.5, 0.5), "w_q": (0.5, 1), "a_p": (-2, -1), "w_p": (3, 5)},
    ),
    Pair("Uniform", "Normal"),
    Pair("Uniform", "Exponential", draws=_POSITIVE, relative_to_largest=True),
    Pair("Uniform", "Gamma", draws=_POSITIVE),
    Pair("Uniform", "Pareto", draws={"a_q": (2, 4)}),
    Pair(
        "Uniform",
        "Gumbel",
        moments=lambda q, p: (
            Moment(
                sp.exp(-x / p.beta),
                p.beta / q.w * (sp.exp(-q.a / p.beta) - sp.exp(-(q.a + q.w) / p.beta)),
                "integral of an exponential",
            ),
        ),
    ),
    Pair("Uniform", "Beta", draws=_WITHIN_ONE),
    Pair("Uniform", "ContinuousBernoulli", draws=_WITHIN_ONE),
)
