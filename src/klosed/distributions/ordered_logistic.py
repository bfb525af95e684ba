"""The ordered logistic distribution on 0 … K − 1. Imports nothing from klosed above special."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from klosed._arrays import Array, broadcast, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._categories import CategoriesValue, draw_class_numbers, total
from klosed.distributions._parameters import Parameter, Real
from klosed.distributions._sizes import product
from klosed.distributions.supports import Integers, Support
from klosed.errors import ShapeError
from klosed.special import log1mexp, log_sigmoid, sigmoid

__all__ = ["OrderedLogistic"]


@dataclass(frozen=True)
class Increasing(Support):
    """Finite numbers that increase along the last axis."""

    event_ndim = 1

    @property
    def rule(self) -> str:
        return "finite and strictly increasing over the last axis"

    def contains(self, x: Array) -> Array:
        xp = namespace(x)
        finite = xp.all(xp.isfinite(x), axis=-1)
        return finite & xp.all(x[..., 1:] > x[..., :-1], axis=-1)

    def covers(self, other: Support) -> bool | Array:
        return isinstance(other, Increasing)


class Cutpoints(Parameter):
    """Increasing numbers along the last axis; formulas see the array itself."""

    names = ("cutpoints",)
    key = "cutpoints"
    event_ndim = 1

    def domain(self, name: str) -> tuple[Support, str]:
        return Increasing(), ""

    def bind(self, name: str, array: Array) -> Array:
        return array

    def read(self, name: str, bound: Array) -> Array:
        return bound

    def chain(self, name: str, array: Array, gradient: Array) -> Array:
        return gradient

    def check(self, name: str, array: Array) -> None:
        if array.ndim == 0 or array.shape[-1] == 0:
            raise ShapeError(
                f"{name} must have a last axis of at least one cutpoint; "
                f"got shape {tuple(array.shape)}."
            )
        super().check(name, array)


class OrderedLogistic(Distribution):
    r"""Ordered logistic distribution: which of K ordered classes a noisy score falls into.

    .. math:: p(k) = \sigma(c_k - \eta) - \sigma(c_{k-1} - \eta), \qquad
       c_{-1} = -\infty, \quad c_{K-1} = \infty

    Parameters
    ----------
    predictor : array
        η, any real number.
    cutpoints : array
        Shape (…, K − 1): c₀ < c₁ < … over the last axis.

    Notes
    -----
    The log-probabilities are log σ(cₖ − η) + log σ(η − cₖ₋₁) + log(1 − exp(cₖ₋₁ − cₖ)), so that
    none is the log of a difference. Entropy −Σ p log p; mean and variance are those of the class
    number. There is no `rsample`.
    McCullagh (1980), "Regression models for ordinal data", J. R. Stat. Soc. B 42, p. 109.

    Examples
    --------
    >>> from klosed import OrderedLogistic
    >>> q = OrderedLogistic(predictor=0.5, cutpoints=[-1.0, 1.0])
    >>> q.log_prob([0.0, 1.0, 2.0]).round(4).tolist()
    [-1.7014, -0.8209, -0.9741]
    """

    specification = (Real("predictor"), Cutpoints())
    predictor: Array
    cutpoints: Array

    def __init__(self, predictor: Any, cutpoints: Any) -> None:
        super().__init__(predictor=predictor, cutpoints=cutpoints)

    @property
    def support(self) -> Support:
        return Integers(0.0, float(self.core.cutpoints.shape[-1]))

    @property
    def mean(self) -> Array:
        return total(self.classes.value * self._numbers())[..., 0]

    @property
    def variance(self) -> Array:
        away = self._numbers() - self.mean[..., None]
        return total(self.classes.value * away**2)[..., 0]

    @property
    def boundaries(self) -> Array:
        """Where the classes end, counted from the predictor: shape (…, K − 1)."""
        return self.core.cutpoints - self.core.predictor[..., None]

    @property
    def log_probs(self) -> Array:
        """Log-probabilities of the classes: shape (…, K)."""
        xp = namespace(self.core.cutpoints)
        end = self.boundaries
        zero = xp.zeros_like(end[..., :1])
        below = xp.concat([log_sigmoid(end), zero], axis=-1)
        above = xp.concat([zero, log_sigmoid(-end)], axis=-1)
        between = broadcast(log1mexp(self._gaps), (*end.shape[:-1], end.shape[-1] - 1))
        return below + above + xp.concat([zero, between, zero], axis=-1)

    @property
    def classes(self) -> CategoriesValue:
        """The probabilities of the classes, without their origin."""
        return CategoriesValue(self.log_probs, given_as_logits=True)

    def pull(self, slope: Array) -> Gradients:
        """Turn a gradient in the log-probabilities into one in the parameters."""
        end = self.boundaries
        xp = namespace(end)
        zero = xp.zeros_like(end[..., :1])
        below, above = sigmoid(end), sigmoid(-end)
        squeeze = broadcast(1.0 / xp.expm1(self._gaps), (*end.shape[:-1], end.shape[-1] - 1))
        left = slope[..., :-1] * (above + xp.concat([zero, squeeze], axis=-1))
        right = slope[..., 1:] * (below + xp.concat([squeeze, zero], axis=-1))
        shift = xp.concat([zero, below], axis=-1) - xp.concat([above, zero], axis=-1)
        return {"predictor": xp.sum(slope * shift, axis=-1), "cutpoints": left - right}

    @property
    def _gaps(self) -> Array:
        return self.core.cutpoints[..., 1:] - self.core.cutpoints[..., :-1]

    def _numbers(self) -> Array:
        xp = namespace(self.core.cutpoints)
        return self.array(xp.arange(self.core.cutpoints.shape[-1] + 1))

    def _log_prob(self, x: Array) -> Array:
        xp = namespace(x)
        hit = x[..., None] == self._numbers()
        return xp.sum(xp.where(hit, self.log_probs, 0.0), axis=-1)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        xp = namespace(x)
        hit = xp.astype(x[..., None] == self._numbers(), x.dtype)
        return self.pull(hit), None

    def _entropy(self) -> Array:
        return self.classes.entropy

    def _grad_entropy(self) -> Gradients:
        pi = self.classes
        return self.pull(-product(pi.value, pi.log + pi.entropy[..., None]))

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self.array(draw_class_numbers(rng, self.classes, shape))
