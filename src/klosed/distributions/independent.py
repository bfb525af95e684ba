"""Batch axes turned into event axes. Imports nothing from klosed above special."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from klosed._arrays import Array, broadcast, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import (
    Distribution,
    Gradients,
    Shape,
    raw_grad_log_prob,
    raw_log_prob,
)
from klosed.distributions.supports import Product, Support
from klosed.errors import ParameterError, ShapeError

__all__ = ["Independent"]


class Independent(Distribution):
    r"""The product of independent distributions: the last batch axes become event axes.

    .. math:: \log p(x) = \sum_i \log p_i(x_i)

    Parameters
    ----------
    base : Distribution
        The factors, as a batch.
    reinterpreted_batch_ndims : int
        How many batch axes, counted from the right, become event axes.

    Notes
    -----
    Parameters, their names and the noise of `rsample` are those of `base`.

    Examples
    --------
    >>> from klosed import Independent, Normal
    >>> q = Independent(Normal([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], 1.0), 1)
    >>> q.batch_shape, q.event_shape
    ((2,), (3,))
    """

    def __init__(self, base: Distribution, reinterpreted_batch_ndims: int) -> None:
        if not isinstance(base, Distribution):
            raise ParameterError(f"base must be a Distribution; got {type(base).__name__}.")
        available = len(base.batch_shape)
        whole = isinstance(reinterpreted_batch_ndims, (int, np.integer))
        if not whole or not 0 <= reinterpreted_batch_ndims <= available:
            raise ShapeError(
                f"reinterpreted_batch_ndims must be an integer in [0, {available}], the batch axes "
                f"of base; got {reinterpreted_batch_ndims!r}."
            )
        self.base = base
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.weak = base.weak

    def __repr__(self) -> str:
        return f"Independent({self.base!r}, {self.reinterpreted_batch_ndims})"

    @property
    def support(self) -> Support:
        base, n = self.base.support, self.reinterpreted_batch_ndims
        if n == 0:
            return base
        # products of products are written in one way, so that they compare
        return Product(base.base, base.ndim + n) if isinstance(base, Product) else Product(base, n)

    @property
    def mean(self) -> Array:
        return self.base.mean

    @property
    def variance(self) -> Array:
        return self.base.variance

    @property
    def parameters(self) -> dict[str, Array]:
        return self.base.parameters

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        return {n: (*self._axes(), *s) for n, s in self.base.parameter_shapes.items()}

    @property
    def batch_shape(self) -> Shape:
        return self.base.batch_shape[: len(self.base.batch_shape) - self.reinterpreted_batch_ndims]

    @property
    def event_shape(self) -> Shape:
        return (*self._axes(), *self.base.event_shape)

    @property
    def noise_shape(self) -> Shape:
        return (*self._axes(), *self.base.noise_shape)

    def replace(self, arrays: Sequence[Array]) -> Self:
        return type(self)(self.base.replace(arrays), self.reinterpreted_batch_ndims)

    def chain(self, stated: Gradients) -> list[Gradient]:
        return self.base.chain(stated)

    def sum_events(self, x: Array) -> Array:
        """Return x, of the base's batch shape, summed over the axes that are events here."""
        n = self.reinterpreted_batch_ndims
        return namespace(x).sum(x, axis=tuple(range(-n, 0))) if n else x

    def _axes(self) -> Shape:
        return self.base.batch_shape[len(self.batch_shape) :]

    def _log_prob(self, x: Array) -> Array:
        return self.sum_events(raw_log_prob(self.base, x))

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        return raw_grad_log_prob(self.base, x)

    def _entropy(self) -> Array:
        return self.sum_events(broadcast(self.base._entropy(), self.base.batch_shape))

    def _grad_entropy(self) -> Gradients:
        return self.base._grad_entropy()

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self.base._sample(rng, shape)

    def _rsample(self, noise: Any) -> Array:
        return self.base._rsample(noise)
