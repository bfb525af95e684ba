"""KL between Dirichlet distributions on raw arrays: the betas, the Dirichlet, and relatives.

Concentrations run along the last axis: x those of q, y those of p. With X and Y their totals,
KL = Σ B(yₖ, xₖ) − B(Y, X), B the Bregman divergence of log Γ. At large concentrations these terms
are far larger than what they leave, in two ways that call for two forms:

- B is Loader's d0(y, x) = y log(y/x) − y + x and a small rest R. By the chain rule
  Σ d0(yₖ, xₖ) − d0(Y, X) = Y KL(y/Y ‖ x/X), of two categorical distributions.
- Where one xₖ dwarfs the sum s of the others, B(yₖ, xₖ) − B(Y, X) is the nonnegative drop
  B(yₖ, xₖ) − B(yₖ + s, X), less what remains from yₖ + s to Y.

Imports only distributions and below.
"""

from __future__ import annotations

import numpy as np

from klosed._arrays import Array, like, namespace
from klosed.distributions._parameters import PositiveValue
from klosed.special import (
    bd0,
    difference_of_products,
    digamma_difference,
    digamma_minus_log_difference,
    gamma_shape_bregman,
    lgamma_bregman,
    log_ratio,
    trigamma_minus_reciprocal,
    two_sum,
)
from klosed.special._evaluate import choose
from klosed.special.gamma_drops import (
    digamma_minus_log_drop,
    lgamma_bregman_drop,
    shape_information_drop,
)

__all__ = ["difference", "grad_p", "grad_q", "kl"]


def difference(q: PositiveValue, p: PositiveValue) -> tuple[Array, Array]:
    """Return y − x for x = q, y = p, and what y lacks to x + that difference.

    Only logarithms know more of the difference than their exponentials do.
    """
    x, y = q.value, p.value
    if not (q.given_as_log and p.given_as_log):
        return y - x, 0.0 * (y - x)
    diff = x * (p / q).minus_one
    xp = namespace(diff)
    return diff, xp.where(xp.abs(diff) < 0.5 * x, (x - y) + diff, 0.0)


def kl(x: Array, y: Array, diff: Array, slack: Array) -> Array:
    """Return KL of Dirichlet(x) from Dirichlet(y), summed over the last axis, in nats.

    `diff` is y − x, and y + `slack` is y to more digits.
    """
    arrays = namespace(x).broadcast_arrays(x, y, diff, slack)
    s = _Sides(*arrays)
    dwarfed = namespace(x).any(s.dwarfs, axis=-1, keepdims=True)
    return choose(
        dwarfed, _kl_dwarfed, _kl_balanced, *arrays,
        then_at=(1.0, 1.0, 0.0, 0.0), otherwise_at=(1.0, 1.0, 0.0, 0.0),
    )[..., 0]  # fmt: skip


def grad_q(x: Array, y: Array, diff: Array, slack: Array) -> Array:
    """Return the gradient of `kl` in x: ψ'(X)(Y − X) − ψ'(xₖ)(yₖ − xₖ).

    With G(x) = x ψ'(x) it is −(yₖ/xₖ − Y/X) G(X) − (yₖ/xₖ − 1)(G(xₖ) − G(X)).
    """
    s = _Sides(*namespace(x).broadcast_arrays(x, y, diff, slack))
    whole = 1.0 + s.total_x * trigamma_minus_reciprocal(s.total_x)
    tilt = s.shift * (s.total_y / s.x)
    return -(tilt * whole + s.diff / s.x * shape_information_drop(s.x, s.rest_x))


def grad_p(x: Array, y: Array, diff: Array, slack: Array) -> Array:
    """Return the gradient of `kl` in y: ψ(yₖ) − ψ(xₖ) − ψ(Y) + ψ(X).

    With η = ψ − log it is log of (yₖ/Y)/(xₖ/X) and four values of η. These pair up as they stand,
    or as what η(yₖ) − η(xₖ) loses where X − xₖ is added to both, less the rest of the way to Y.
    """
    x, y, diff, slack = namespace(x).broadcast_arrays(x, y, diff, slack)
    s = _Sides(x, y, diff, slack)
    eta = digamma_minus_log_difference
    near = digamma_minus_log_drop(y, x, s.rest_x, diff), -eta(s.total_y, y + s.rest_x, s.rest_diff)
    far = eta(s.total_x, x, s.rest_x), -eta(s.total_y, y, s.rest_y)
    xp = namespace(x)
    is_near = xp.abs(near[0]) + xp.abs(near[1]) <= xp.abs(far[0]) + xp.abs(far[1])
    remainder = xp.where(is_near, near[0] + near[1], far[0] + far[1])
    return log_ratio(s.share_y, s.share_x, s.shift) + remainder


def _kl_balanced(x: Array, y: Array, diff: Array, slack: Array) -> Array:
    s = _Sides(x, y, diff, slack)
    leading = s.total_y * _total(bd0(s.share_y, s.share_x, s.shift))
    each = _total(gamma_shape_bregman(s.y, s.x, s.diff))
    return leading + (each - gamma_shape_bregman(s.total_y, s.total_x, s.total_diff))


def _kl_dwarfed(x: Array, y: Array, diff: Array, slack: Array) -> Array:
    xp = namespace(x)
    s = _Sides(x, y, diff, slack)
    # zeros where nothing is dwarfed: then all of `large` is 0
    rest, change = (xp.where(s.dwarfs, a, 0.0) for a in (s.rest_x, s.rest_diff))
    whole = xp.where(s.dwarfs, s.total_y, s.y)
    large = lgamma_bregman_drop(s.y, s.x, rest, s.diff)
    large = large - lgamma_bregman(whole, s.y + rest, change)
    large = large - change * digamma_difference(s.y + rest, s.x + rest, s.diff)
    return _total(xp.where(s.dwarfs, large, lgamma_bregman(s.y, s.x, s.diff)))


class _Sides:
    """Concentrations x and y with their totals, proportions and differences, all protected."""

    def __init__(self, x: Array, y: Array, diff: Array, slack: Array) -> None:
        self.x, self.y, self.diff = x, y, diff
        self.total_x, self.total_y = _total(x), _total(y)
        self.total_diff = _total(diff)
        self.share_x, self.share_y = x / self.total_x, y / self.total_y
        self.rest_x, low_x = _rest(x)
        # dₖ(X − xₖ) − xₖ Σ dⱼ of the others, d = y − x, which is yₖ(X − xₖ) − xₖ(Y − yₖ): rounding
        # a product, or a difference, would leave nothing of small changes of shares
        step, low = two_sum(y, -x)
        low = low + slack
        rest_step, low_step = _rest(step)
        low_step = low_step + (_total(low) - low)
        cross = difference_of_products(step, self.rest_x, x, rest_step)
        cross = cross + (step * low_x + low * self.rest_x - x * low_step)
        self.rest_y = _rest(y)[0]
        self.shift = cross / self.total_x / self.total_y

    @property
    def rest_diff(self) -> Array:
        """The sum of the other differences, for each."""
        high, low = _rest(self.diff)
        return high + low

    @property
    def dwarfs(self) -> Array:
        """True for the concentration beside which all others together are small."""
        return self.rest_x <= 0.125 * namespace(self.x).clip(self.x, max=1.0)


def _total(x: Array) -> Array:
    return namespace(x).sum(x, axis=-1, keepdims=True)


def _rest(x: Array) -> tuple[Array, Array]:
    """Return the sum of the others for each, in two parts as `_exact_total` does."""
    xp = namespace(x)
    largest = xp.argmax(xp.abs(x), axis=-1, keepdims=True)
    is_largest = like(np.arange(x.shape[-1]), x) == xp.astype(largest, x.dtype)
    # of the largest, total − x would cancel
    high, low = _exact_total(xp.where(is_largest, 0.0, x))
    value = _total(xp.where(is_largest, x, 0.0))
    left, error = two_sum(high, -x)
    all_but, more = two_sum(left, value)
    return xp.where(is_largest, high, all_but), xp.where(is_largest, low, more + (error + low))


def _exact_total(x: Array) -> tuple[Array, Array]:
    """Return the sum over the last axis in two parts: rounded, and what rounding left off."""
    xp = namespace(x)
    low = 0.0 * x
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        high, error = two_sum(x[..., :half], x[..., half : 2 * half])
        error = error + (low[..., :half] + low[..., half : 2 * half])
        x = xp.concat([high, x[..., 2 * half :]], axis=-1)
        low = xp.concat([error, low[..., 2 * half :]], axis=-1)
    return x, low
