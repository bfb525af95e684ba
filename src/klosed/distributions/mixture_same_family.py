"""Mixtures of components of one family. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from klosed._arrays import Array, broadcast, broadcast_shapes, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import (
    Distribution,
    Gradients,
    Shape,
    meet,
    raw_grad_log_prob,
    raw_log_prob,
)
from klosed.distributions._categories import CategoriesValue, draw_class_numbers, log_total, total
from klosed.distributions._sizes import product
from klosed.distributions._unions import union
from klosed.distributions.categorical import Categorical
from klosed.distributions.supports import Support
from klosed.errors import NoClosedFormError, ParameterError, ShapeError

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    r"""Mixture of K components of one family, along the last batch axis of the components.

    .. math:: p(x) = \sum_{k=1}^K \pi_k\, p_k(x)

    Parameters
    ----------
    mixture_distribution : Categorical
        The weights π, of K categories and the mixture's batch shape (or one that broadcasts).
        A component of weight 0 never occurs.
    component_distribution : Distribution
        The components pₖ, of batch shape (…, K).

    Notes
    -----
    Parameters are those of both parts, by the names they were given there, the weights' first.
    Where the components, too, are given as probs or logits, the weights are called
    `mixture_probs` or `mixture_logits`.

    The density is summed by log-sum-exp. Its gradients weigh those of the components by the
    responsibilities rₖ = πₖ pₖ(x)/p(x); in the weights' logits it is rₖ − πₖ. Mean and variance
    follow from those of the components (McLachlan and Peel, 2000, "Finite mixture models",
    section 1.5).

    Entropy and KL have no closed form: `kl_bounds` and `kl_monte_carlo` serve instead. There is
    no `rsample`: which component is drawn does not depend on the weights differentiably.

    Examples
    --------
    >>> from klosed import Categorical, MixtureSameFamily, Normal
    >>> q = MixtureSameFamily(Categorical(probs=[0.3, 0.7]), Normal([-1.0, 2.0], [0.5, 1.0]))
    >>> round(float(q.mean), 4), round(float(q.variance), 4)
    (1.1, 2.665)
    >>> value, of_parameters, of_x = q.log_prob_value_and_grad(0.0)
    >>> round(float(value), 4), of_parameters["probs"].round(4).tolist()
    (-2.6566, [0.5385, -0.2308])
    """

    def __init__(self, mixture_distribution: Categorical, component_distribution: Distribution):
        if not isinstance(mixture_distribution, Categorical):
            raise ParameterError(
                "mixture_distribution must be a Categorical; "
                f"got {type(mixture_distribution).__name__}."
            )
        if not isinstance(component_distribution, Distribution):
            raise ParameterError(
                "component_distribution must be a Distribution; "
                f"got {type(component_distribution).__name__}."
            )
        count, batch = mixture_distribution.core.probs.size, component_distribution.batch_shape
        if batch[-1:] != (count,):
            raise ShapeError(
                "component_distribution must have its components along the last batch axis, one "
                f"for each of the {count} categories of mixture_distribution; got batch shape "
                f"{batch}."
            )
        self.weak = min(mixture_distribution.weak, component_distribution.weak)
        self.mixture_distribution, self.component_distribution = meet(
            mixture_distribution=mixture_distribution,
            component_distribution=component_distribution,
        )
        self.batch_shape  # noqa: B018  (raises where shapes do not broadcast)

    def __repr__(self) -> str:
        return f"MixtureSameFamily({self.mixture_distribution!r}, {self.component_distribution!r})"

    @property
    def support(self) -> Support:
        return union(self.component_distribution.support, self._pi.possible)

    @property
    def mean(self) -> Array:
        return self._expectation(self._of_components("mean"))

    @property
    def variance(self) -> Array:
        means, variances = self._of_components("mean"), self._of_components("variance")
        xp = namespace(means)
        # where a variance is infinite, so may be the mean: no ∞ − ∞
        deviation = xp.where(xp.isinf(variances), 0.0, means) - self._lifted(self.mean)
        return self._expectation(variances + deviation * deviation)

    @property
    def parameters(self) -> dict[str, Array]:
        weights, others = self._parts(lambda part: part.parameters)
        return weights | others

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        weights, others = self._parts(lambda part: part.parameter_shapes)
        count = self._pi.size
        return weights | {name: (count, *shape) for name, shape in others.items()}

    @property
    def batch_shape(self) -> Shape:
        return broadcast_shapes(
            {
                "mixture_distribution": self.mixture_distribution.batch_shape,
                "component_distribution": self.component_distribution.batch_shape[:-1],
            }
        )

    @property
    def event_shape(self) -> Shape:
        return self.component_distribution.event_shape

    def replace(self, arrays: Sequence[Array]) -> Self:
        n = len(self.mixture_distribution.parameters)
        new = object.__new__(type(self))
        new.weak = self.weak
        new.mixture_distribution = self.mixture_distribution.replace(arrays[:n])
        new.component_distribution = self.component_distribution.replace(arrays[n:])
        return new

    def chain(self, stated: Gradients) -> list[Gradient]:
        parts: dict[str, dict[str, Gradient]] = {"mixture": {}, "component": {}}
        for name, gradient in stated.items():
            part, _, coordinate = name.partition(".")
            parts[part][coordinate] = gradient
        return [
            *self.mixture_distribution.chain(parts["mixture"]),
            *self.component_distribution.chain(parts["component"]),
        ]

    @property
    def _pi(self) -> CategoriesValue:
        return self.mixture_distribution.core.probs

    def _parts(self, of: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        weights, others = of(self.mixture_distribution), of(self.component_distribution)
        prefix = ""
        while {f"{prefix}probs", f"{prefix}logits"} & others.keys():
            prefix += "mixture_"
        return {prefix + name: value for name, value in weights.items()}, others

    def _lifted(self, x: Array) -> Array:
        """Return x with an axis of components before its event axes."""
        return namespace(x).expand_dims(x, axis=-1 - len(self.event_shape))

    def _trailing(self, x: Array, ndim: int) -> Array:
        """Return x, whose last axis is that of components, with further axes after it."""
        return namespace(x).reshape(x, tuple(x.shape) + (1,) * ndim)

    def _of_components(self, what: str) -> Array:
        components = self.component_distribution
        return broadcast(
            getattr(components, what), (*components.batch_shape, *components.event_shape)
        )

    def _expectation(self, x: Array) -> Array:
        ndim = len(self.event_shape)
        weighted = product(self._trailing(self._pi.value, ndim), x)
        return self._expand(namespace(x).sum(weighted, axis=-1 - ndim))

    def _log_probs(self, x: Array) -> tuple[Array, Array, Array]:
        """Return log pₖ(x) on a last axis, log πₖpₖ(x) beside it, and log p(x)."""
        each = raw_log_prob(self.component_distribution, self._lifted(x))
        xp = namespace(each)
        joint = xp.where(self._pi.possible, each + self._pi.log, -math.inf)
        return each, joint, log_total(joint)[..., 0]

    def _log_prob(self, x: Array) -> Array:
        return self._log_probs(x)[-1]

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        each, joint, log_p = self._log_probs(x)
        xp = namespace(log_p)
        somewhere = xp.isfinite(log_p)[..., None]
        # outside every component, and at a pole, no gradient is defined: it is 0
        ratio = xp.where(somewhere, each - xp.where(somewhere, log_p[..., None], 0.0), 0.0)
        near = xp.clip(ratio, max=1.0)
        r = xp.where(somewhere, xp.exp(joint - xp.where(somewhere, log_p[..., None], 0.0)), 0.0)
        of_parts, of_x = raw_grad_log_prob(self.component_distribution, self._lifted(x))

        def logits() -> Array:
            # r − π, where they are close by their ratio
            pi = self._pi.value
            return xp.where(ratio < 1.0, pi * xp.expm1(near), xp.where(somewhere, r - pi, 0.0))

        def weighted(gradient: Gradient) -> Gradient:
            if gradient is None:
                return None

            def of_component() -> Array:
                g = gradient() if callable(gradient) else gradient
                if isinstance(g, float):
                    return g * r
                return product(self._trailing(r, max(g.ndim - r.ndim, 0)), g)

            return of_component

        def grad_x() -> Array:
            each_x: Any = weighted(of_x)
            return xp.sum(each_x(), axis=-1 - len(self.event_shape))

        stated: dict[str, Gradient] = {
            "mixture.logits": logits,
            "mixture.probs": lambda: xp.expm1(ratio) / total(self._pi.given),
        }
        stated |= {f"component.{name}": weighted(g) for name, g in of_parts.items()}
        return stated, None if of_x is None else grad_x

    def _entropy(self) -> Array:
        raise self._cannot(
            "closed form for its entropy. Estimate it as -mean(log_prob(sample(seed, (n,))))"
        )

    def _rsample(self, noise: Array) -> Array:
        raise self._cannot(
            "reparameterised sampling: which component is drawn does not depend on the weights "
            "differentiably. Use sample, or rsample of component_distribution"
        )

    def _cannot(self, what: str) -> NoClosedFormError:
        return NoClosedFormError(f"{type(self).__name__} has no {what}.")

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        ndim = len(self.event_shape)
        batch, event = shape[: len(shape) - ndim], shape[len(shape) - ndim :]
        numbers = draw_class_numbers(rng, self._pi, batch)[..., None] == np.arange(self._pi.size)
        hit = self._trailing(self.array(numbers.astype(float)) > 0.5, ndim)
        draws = self.component_distribution._sample(rng, (*batch, self._pi.size, *event))
        return namespace(draws).sum(namespace(draws).where(hit, draws, 0.0), axis=-1 - ndim)
