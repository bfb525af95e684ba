"""Distributions of y = T(x) for x of a base distribution. Imports nothing above special."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar, cast

import numpy as np

from klosed._arrays import Array, check_domain, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions.supports import Interval, Support
from klosed.distributions.transforms import ComposeTransform, Transform
from klosed.errors import ParameterError, ShapeError

__all__ = ["Image", "Pushforward", "TransformedDistribution", "with_parameters_of"]

Family = TypeVar("Family", bound=Distribution)


@dataclass(frozen=True, kw_only=True)
class Image(Interval):
    """The image of an interval under a transform; equal transforms compare the intervals."""

    base: Interval
    transform: Transform

    def covers(self, other: Support) -> bool | Array:
        if isinstance(other, Image) and other.transform == self.transform:
            return self.base.covers(other.base)  # mapped ends have been rounded
        return super().covers(other)


class Pushforward(Distribution):
    """The distribution of y = T(x) for x of `base`, T being `transform`."""

    transform: Transform

    @property
    @abstractmethod
    def base(self) -> Distribution:
        """The distribution of x, with this one's parameters."""

    @property
    def support(self) -> Image:
        base = cast(Interval, self.base.support)
        ends = vars(self.transform.image(base))
        return Image(**ends, base=base, transform=self.transform)

    @property
    def mean(self) -> Array:
        loc, scale = self._affine("mean")
        return loc + scale * self.base.mean

    @property
    def variance(self) -> Array:
        _, scale = self._affine("variance")
        return scale * scale * self.base.variance

    def _log_prob(self, x: Array) -> Array:
        inner = self.transform.inverse(x)
        return self.base._log_prob(inner) - self.transform.log_slope(inner)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        inner = self.transform.inverse(x)
        stated, of_inner = self.base._grad_log_prob(inner)

        def of_x() -> Array:
            of_base = of_inner() if callable(of_inner) else of_inner
            change = (0.0 if of_base is None else of_base) - self.transform.grad_log_slope(inner)
            return change / self.transform.slope(inner)

        return stated, of_x

    def _entropy(self) -> Array:
        log_slope = self.transform.constant_log_slope()
        if log_slope is None:
            raise self._lacks("entropy")
        return self.base._entropy() + log_slope

    def _grad_entropy(self) -> Gradients:
        return self.base._grad_entropy()

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self._map(self.base._sample(rng, shape))

    @property
    def noise_shape(self) -> Shape:
        return self.base.noise_shape

    def _rsample(self, noise: Array) -> Array:
        return self._map(self.base._rsample(noise))

    def _map(self, inner: Array) -> Array:
        y = self.transform.forward(inner)
        xp = namespace(y)
        limits = xp.finfo(y.dtype)
        # rounding must not carry a draw onto an open end
        least, eps = float(limits.smallest_normal), float(limits.eps)
        for end, side in ((self.transform.range.low, 1.0), (self.transform.range.high, -1.0)):
            if np.isfinite(end):
                inside = end + side * (0.5 * eps * abs(end) or least)
                y = xp.clip(y, min=inside) if side > 0 else xp.clip(y, max=inside)
        return y

    def _affine(self, what: str) -> tuple[float, float]:
        if self.transform.constant_log_slope() is None:
            raise self._lacks(what)
        zero, one = self.transform._end(0.0), self.transform._end(1.0)
        return zero, one - zero


class TransformedDistribution(Pushforward):
    r"""The distribution of y = T(x) for x of a base distribution.

    .. math:: \log p(y) = \log p_X(x) - \log |T'(x)|, \quad x = T^{-1}(y)

    Parameters
    ----------
    base : Distribution
        The distribution of x, a scalar on an interval.
    transforms : Transform or sequence of Transform
        T, or its parts, the first applied first; see `klosed.distributions.transforms`.

    Notes
    -----
    Parameters, their names and the noise of `rsample` are those of `base`. Entropy,
    mean and variance are known in closed form for affine transforms. KL is invariant: between
    equal transforms it is that of the bases.

    Examples
    --------
    >>> from klosed import Normal, TransformedDistribution, kl_divergence
    >>> from klosed.distributions.transforms import TanhTransform
    >>> q = TransformedDistribution(Normal(1.0, 1.0), TanhTransform())
    >>> p = TransformedDistribution(Normal(0.0, 1.0), TanhTransform())
    >>> float(kl_divergence(q, p)), q.support.rule
    (0.5, 'in (-1, 1)')
    """

    def __init__(self, base: Distribution, transforms: Transform | Sequence[Transform]) -> None:
        if not isinstance(base, Distribution):
            raise ParameterError(f"base must be a Distribution; got {type(base).__name__}.")
        support = base.support
        if base.event_shape != () or not isinstance(support, Interval):
            raise ShapeError(
                "base must have scalar events on an interval; got event shape "
                f"{base.event_shape}, numbers {support.rule}. Transform the factors "
                "of a product, then put Independent around them."
            )
        if not isinstance(transforms, Transform):
            transforms = ComposeTransform(cast("tuple[Transform, ...]", transforms))
        covered = transforms.domain.covers(support)
        if covered is False:
            raise ParameterError(
                f"base must live on the domain of {transforms!r}, numbers "
                f"{transforms.domain.rule}; got {base!r}, numbers {support.rule}."
            )
        if covered is not True:
            rule = f"on numbers {transforms.domain.rule}"
            check_domain("base", covered, lambda mask: mask, rule)
        self._base, self.transform, self.weak = (
            base,
            transforms,
            base.weak,
        )

    def __repr__(self) -> str:
        return f"TransformedDistribution({self._base!r}, {self.transform!r})"

    @property
    def base(self) -> Distribution:
        return self._base

    @property
    def parameters(self) -> dict[str, Array]:
        return self._base.parameters

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        return self._base.parameter_shapes

    @property
    def batch_shape(self) -> Shape:
        return self._base.batch_shape

    def replace(self, arrays: Sequence[Array]) -> Self:
        new = object.__new__(type(self))
        new._base, new.transform, new.weak = self._base.replace(arrays), self.transform, self.weak
        return new

    def chain(self, stated: Gradients) -> list[Gradient]:
        return self._base.chain(stated)


def with_parameters_of(family: type[Family], dist: Distribution) -> Family:
    """Return a member of a family that has the parameters of another, unchecked."""
    new = object.__new__(family)
    new.weak = dist.weak
    new._hold(dist.parameters)
    return new
