"""KL of two sets of probabilities along the last axis, and its gradient, in few passes.

Imports nothing from klosed above special.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from klosed._arrays import Array, clip, in_blocks, is_nowhere, namespace
from klosed.distributions._base import Core
from klosed.distributions._categories import _NEVER, CategoriesValue, total
from klosed.special import log1p, two_log, two_sum
from klosed.special._evaluate import is_single

__all__ = ["contrast_of", "divergence_of", "grads_of"]

# Taylor's ψ(c)/c² for |c| <= _REACH, to 1e-16; its first four terms to 2e-9
_REACH = 0.03
_EXCESS = tuple(1.0 / math.factorial(k + 2) for k in range(7))
_FEW = 32


class Contrast:
    """q and p beside each other.

    With δ = log pₖ/qₖ up to a constant, and ε = δ − Σ q δ, the constant and the normalisers cancel:
    KL(q‖p) = log Σ q exp(δ) − Σ q δ = log(1 + Σ q ψ(ε)), ψ(ε) = exp(ε) − 1 − ε.
    """

    def __init__(self, q: CategoriesValue, p: CategoriesValue) -> None:
        self._q, self._p = q, p
        x, y = (v.scores if v.given_as_logits else v.given for v in (q, p))
        self._centred = _CENTRES[q.given_as_logits, p.given_as_logits](x, y)
        self._known_grads: tuple[Array, ...] | None = None

    @property
    def divergence(self) -> Array:
        """Return KL(q‖p) without the axis of categories."""
        return _divergence(self._centred)[0][..., 0]

    @property
    def grad_q(self) -> Array:
        """Return its gradient in what q was given by: −q ε in logits."""
        g = self._grads[0]
        if self._q.given_as_logits:
            return g
        x, where = self._q.given, namespace(g).where
        return where(x > 0.0, g / -total(x), where(self._p.possible, -math.inf, 0.0 * g))

    @property
    def grad_p(self) -> Array:
        """Return its gradient in what p was given by: p − q in logits."""
        g = self._grads[1]
        if self._p.given_as_logits:
            return g
        y, xp = self._p.given, namespace(g)
        least = float(xp.finfo(y.dtype).smallest_normal)
        return xp.where(y > 0.0, g / xp.clip(y, min=least), 1.0 / total(y))

    @property
    def _grads(self) -> tuple[Array, ...]:
        """Return the gradient in the logits of q, or only ε for probs, and that in those of p."""
        if self._known_grads is None:
            body = _grads if self._q.given_as_logits else _eps_and_grad
            self._known_grads = body(self._centred)
        return self._known_grads


def contrast_of(q: Core, p: Core) -> Contrast:
    """Return the contrast of two families that have probs."""
    return Contrast(q.probs, p.probs)


def divergence_of(log_q: Array, log_growth: Array, log_p: Array) -> Array:
    """Return KL(q‖p) of normalised log-probabilities; log_growth is log p − log q, protected."""
    return _divergence(_centre_growth(log_q, log_growth, log_p))[0][..., 0]


def grads_of(log_q: Array, log_growth: Array, log_p: Array) -> tuple[Array, Array]:
    """Return the gradients of `divergence_of` in logits of q and of p."""
    return _grads(_centre_growth(log_q, log_growth, log_p))


class _Centred(NamedTuple):
    """Weights ∝ q, their sum, ε, and where exp(ε) may leave the range of numbers, two more.

    `lifted` is weights · exp(ε − stretch), of which none overflows, and none of a weight that
    counts underflows.
    """

    weights: Array
    whole: Array
    eps: Array
    stretch: Array
    lifted: Array | None


def _centre_growth(
    log_q: Array, log_growth: Array, log_p: Array, rounding: Callable[[], Array] | None = None
) -> _Centred:
    top = namespace(log_q).max(log_q, axis=-1, keepdims=True)
    weights = namespace(log_q).exp(log_q - top)
    return _centred(weights, log_growth, lambda: log_p - top, rounding)


def _centre_logits(a: Array, b: Array) -> _Centred:
    return _centre_growth(a, b - a, b, lambda: two_sum(b, -a)[1])


def _centre_numbers(x: Array, y: Array) -> _Centred:
    xp = namespace(x)
    limits = xp.finfo(x.dtype)
    least, most = float(limits.smallest_normal), float(limits.max)
    base = xp.clip(x, min=least)
    # log(y/x) by log1p of the change, and of what is below one half by another logarithm
    change = xp.clip((y - x) / base, min=-0.5, max=most)
    delta = log1p(change) + xp.log(xp.clip(y / (0.5 * base), min=least, max=1.0))
    return _centred(x, delta, lambda: xp.where(y > 0.0, xp.log(xp.clip(y, min=least)), -math.inf))


def _centre_numbers_to_logits(x: Array, b: Array) -> _Centred:
    _, shifted, growth = _logits_over_numbers(b, x, x)
    return _centred(x / namespace(x).max(x, axis=-1, keepdims=True), growth, lambda: shifted)


def _centre_logits_to_numbers(a: Array, y: Array) -> _Centred:
    log_y, shifted, growth = _logits_over_numbers(a, y, a)
    return _centred(namespace(a).exp(shifted), -growth, lambda: log_y)


def _logits_over_numbers(a: Array, x: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Return log x, a, and a − log x, all less what they are where the weight is largest.

    Logarithms and logits in the hundreds are rounded to 1e-14; their difference is not.
    """
    at, (log, rest) = _at_heaviest(weights), two_log(x)
    log = clip(log, _NEVER)
    log_x, low_x = two_sum(log, -at(log))
    shifted, low_a = two_sum(a, -at(a))
    growth, low = two_sum(shifted, -log_x)
    return log_x, shifted, growth + (low + (low_a - low_x) - (rest - at(rest)))


_CENTRES: dict[tuple[bool, bool], Callable[[Array, Array], _Centred]] = {
    (True, True): _centre_logits,
    (True, False): _centre_logits_to_numbers,
    (False, True): _centre_numbers_to_logits,
    (False, False): _centre_numbers,
}


def _at_heaviest(weights: Array) -> Callable[[Array], Array]:
    """Return a function that picks what stands where the weight is largest."""
    xp = namespace(weights)
    heaviest = xp.argmax(weights, axis=-1, keepdims=True)

    def at(x: Array) -> Array:
        where = xp.broadcast_to(heaviest, (*x.shape[:-1], 1))
        return xp.take_along_axis(x, where, axis=-1)

    return at


def _centred(
    weights: Array,
    delta: Array,
    log_p: Callable[[], Array],
    rounding: Callable[[], Array] | None = None,
) -> _Centred:
    """Centre δ; log_p returns δ + log weights, rounding what δ lacks."""
    xp = namespace(weights)
    whole = total(weights)
    # from the heaviest category on, so that its ε keeps its digits where it is nearly certain
    at = _at_heaviest(weights)
    start = at(delta)
    eps = delta - start
    if rounding is not None and _may_be_alike(eps, start):
        low = rounding()
        eps = eps + (low - at(low))
    mean = total(weights * eps) / whole
    eps = eps - mean
    if 0 in eps.shape or (in_blocks(eps) and is_nowhere(xp.max(eps) > 30.0)):
        return _Centred(weights, whole, eps, xp.zeros_like(mean), None)
    target = log_p() - start
    highest = xp.max(target, axis=-1, keepdims=True)
    stretch = xp.clip(highest - mean - 60.0, min=0.0)
    return _Centred(weights, whole, eps, stretch, xp.exp(target - (mean + stretch)))


def _may_be_alike(eps: Array, start: Array) -> bool:
    """Return False where δ = start + ε is known to vary as much as it measures, in every row.

    Then its rounding does not show in ε. Few categories may vary so and those that weigh not.
    """
    if eps.shape[-1] <= _FEW or not in_blocks(eps):
        return True
    xp = namespace(eps)
    spread = xp.max(eps, axis=-1, keepdims=True) - xp.min(eps, axis=-1, keepdims=True)
    return not is_nowhere(spread < xp.abs(start))


def _divergence(c: _Centred) -> tuple[Array]:
    near = clip(c.eps, -_REACH, _REACH)
    rest = c.eps - near
    # ψ(ε) = ψ(near) + exp(near) (exp(rest) − 1) − rest, of which nothing is left where rest = 0
    excess = _series(near)
    excess *= near * near
    each = excess - rest
    each *= c.weights
    excess += near
    excess += 1.0
    each += _growth(c, excess, rest)
    value = log1p(total(each) / c.whole)
    if c.lifted is None:
        return (value,)
    xp = namespace(value)
    far = c.stretch + xp.log(total(c.lifted) / c.whole)
    return (xp.where(c.stretch > 0.0, far, value),)


def _grads(c: _Centred) -> tuple[Array, Array]:
    return c.weights * c.eps * (-1.0 / c.whole), _eps_and_grad(c)[1]


def _eps_and_grad(c: _Centred) -> tuple[Array, Array]:
    xp = namespace(c.eps)
    growth = _growth(c, None, c.eps)
    near = c.stretch == 0.0
    gain = log1p(xp.where(near, total(growth) / c.whole, 0.0))  # log Σ q exp(ε)
    # p − q = exp(−gain) (q exp(ε) − q) + q (exp(−gain) − 1)
    of_p = growth * (xp.exp(-gain) / c.whole) + c.weights * (xp.expm1(-gain) / c.whole)
    if c.lifted is None:
        return c.eps, of_p
    far = c.lifted / total(c.lifted) - c.weights / c.whole
    return c.eps, xp.where(near, of_p, far)


def _growth(c: _Centred, factor: Array | None, rest: Array) -> Array:
    """Return weights · factor · (exp(rest) − 1), to the last digits also near rest = 0."""
    xp = namespace(rest)
    base = c.weights if factor is None else c.weights * factor
    if c.lifted is None:
        return base * xp.expm1(rest)
    # a weight may be too small for a number where what it grows to is not
    return base * xp.expm1(xp.clip(rest, max=1.0)) + xp.clip(c.lifted - math.e * base, min=0.0)


def _series(x: Array) -> Array:
    coefficients = _EXCESS[:4] if is_single(x) else _EXCESS
    value = coefficients[-1] * x
    # in place where the library can: a value is never differentiated, and memory is the bottleneck
    value += coefficients[-2]
    for c in coefficients[-3::-1]:
        value *= x
        value += c
    return value
