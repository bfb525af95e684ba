"""Two mixtures by their components, and the variational bound. Imports distributions and below."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from klosed._arrays import Array, broadcast, constant, namespace, repeat
from klosed.distributions import Categorical, Distribution, MixtureSameFamily
from klosed.distributions._categories import log_total
from klosed.distributions._sizes import product
from klosed.divergences._functions import kl_divergence
from klosed.special import bd0

__all__ = ["Components", "MixturePair", "units"]

Shape = tuple[int, ...]

_ITERATIONS = 100
_UNITS = 64.0


class Components:
    """A mixture's weights and components; any other distribution is one component."""

    def __init__(self, d: Distribution) -> None:
        if isinstance(d, MixtureSameFamily):
            self.weights, self.members = d.mixture_distribution, d.component_distribution
        else:
            self.weights, self.members = Categorical(logits=d.array([0.0])), _lifted(d, 0)
        self.size = self.weights.core.probs.size

    @property
    def probs(self) -> Array:
        """Return the weights, on the last axis."""
        return self.weights.core.probs.value

    @property
    def log_probs(self) -> Array:
        """Return the logarithms of the weights."""
        return self.weights.core.probs.log

    @property
    def possible(self) -> Array:
        """Return True for each component that may occur."""
        return self.weights.core.probs.possible


class MixturePair:
    """Mixtures q = Σ πₐ qₐ and p = Σ ω_b p_b of a common batch shape."""

    def __init__(self, q: Distribution, p: Distribution, shape: Shape) -> None:
        self.q, self.p, self.shape = Components(q), Components(p), shape
        self.event_shape = q.event_shape
        self.kl: Array = self.compare(self.q, self.p, kl_divergence)

    def compare(
        self,
        left: Components,
        right: Components,
        function: Callable[[Distribution, Distribution], Array | None],
    ) -> Any:
        """Return function(left component, right component) on two last axes."""
        value = function(_lifted(left.members, 0), _lifted(right.members, 1))
        if value is None:
            return None
        return broadcast(value, (*self.shape, left.size, right.size))

    def variational(self) -> Array:
        """Return the least bound Σ φₐ_b Dₐ_b + KL(m‖ω) that was found."""
        xp = namespace(self.kl)
        omega = self.p.possible[..., None, :]
        cost = xp.where(omega, self.kl, math.inf)
        least = xp.min(cost, axis=-1, keepdims=True)
        log_omega = broadcast(self.p.log_probs[..., None, :], cost.shape)
        nearest = _normalised(xp.where(cost == least, log_omega, -math.inf))
        with_no_gradient = (constant(a) for a in (cost, self.q.probs, self.p.probs))
        bounds = [
            self._at(constant(nearest)),
            self._at(_improved(*with_no_gradient)),
        ]
        if self.q.size == self.p.size:
            matched = product(self.q.probs, xp.linalg.diagonal(self.kl))
            of_weights = kl_divergence(self.q.weights, self.p.weights)
            bounds.append(xp.sum(matched, axis=-1) + of_weights)
        upper = bounds[0]
        for bound in bounds[1:]:
            upper = xp.minimum(upper, bound)
        stranded = xp.any(xp.isinf(least[..., 0]) & self.q.possible, axis=-1)
        return xp.where(stranded, math.inf, upper)

    def _at(self, log_phi: Array) -> Array:
        return _bound(log_phi, self.kl, self.q.probs, self.p.probs)


def _bound(log_phi: Array, cost: Array, pi: Array, omega: Array) -> Array:
    """Return Σ φ D + KL(m‖ω) for φₐ_b = πₐ exp(log_phi), as a sum of nonnegative terms."""
    xp = namespace(cost)
    phi = pi[..., None] * xp.exp(log_phi)
    m = xp.sum(phi, axis=-2)
    held = m > 0.0
    x, of = xp.where(held, m, 1.0), xp.where(held, omega, 1.0)
    missing = xp.where(held, 0.0, omega)
    linear = xp.sum(product(phi, cost), axis=(-2, -1))
    rounding = units(cost) * (m * xp.abs(xp.log(x / of)))
    return linear + xp.sum(bd0(x, of) + missing + rounding, axis=-1)


def _improved(cost: Array, pi: Array, omega: Array) -> Array:
    """Return log φ of steps φ ← φ exp(−s(D + log(m/ω))), rows normalised, that lower the bound.

    At s = 1 these are the steps of Hershey and Olsen, which never raise it. s grows while they
    lower it and shrinks where they do not.
    """
    xp = namespace(cost)
    allowed = xp.isfinite(cost)
    safe = xp.where(allowed, cost, 0.0)
    log_pi, log_omega = (xp.log(xp.where(w > 0.0, w, 1.0)) for w in (pi, omega))
    log_pi = xp.where(pi > 0.0, log_pi, -math.inf)

    def normalised(x: Array) -> Array:
        return _normalised(xp.where(allowed, x, -math.inf))

    def value(log_phi: Array) -> Array:
        return _bound(log_phi, safe, pi, omega)

    def improve(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        log_phi, best, step = state
        joint = log_phi + log_pi[..., None]
        log_m = log_total(xp.matrix_transpose(joint))[..., 0]
        pull = xp.where(xp.isfinite(log_m), log_m - log_omega, 0.0)
        trial = normalised(log_phi - step[..., None, None] * (safe + pull[..., None, :]))
        found = value(trial)
        better = found < best
        return (
            xp.where(better[..., None, None], trial, log_phi),
            xp.minimum(found, best),
            xp.where(better, 2.0 * step, xp.clip(0.25 * step, min=1.0)),
        )

    start = normalised(log_omega[..., None, :] - safe)
    best = value(start)
    return repeat(improve, (start, best, xp.ones_like(best)), _ITERATIONS)[0]


def _normalised(x: Array) -> Array:
    """Return x less its log Σ exp; rows of −inf stay."""
    total = log_total(x)
    return x - namespace(x).where(namespace(x).isfinite(total), total, 0.0)


def units(x: Array) -> float:
    """Return the share of its terms by which a bound gives way to rounding."""
    return _UNITS * float(namespace(x).finfo(x.dtype).eps)


def _lifted(d: Distribution, position: int) -> Any:
    """Return d with a batch axis of length one, `position` axes before the end of the batch."""
    arrays = []
    for array, shape in zip(d.parameters.values(), d.parameter_shapes.values(), strict=True):
        axes = array.ndim - len(shape)
        # a parameter shared by the whole batch broadcasts as it is
        arrays.append(
            namespace(array).expand_dims(array, axis=axes - position) if axes > 0 else array
        )
    return d.replace(arrays)
