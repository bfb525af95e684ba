"""The log-normal distribution on the positive half line. Imports nothing above special."""

from __future__ import annotations

from typing import Any

from klosed._arrays import Array, namespace
from klosed.distributions._base import Gradients
from klosed.distributions._parameters import Positive, Real
from klosed.distributions.normal import Normal
from klosed.distributions.transformed import Pushforward, with_parameters_of
from klosed.distributions.transforms import ExpTransform

__all__ = ["LogNormal"]


class LogNormal(Pushforward):
    r"""Distribution of exp(x) for x normal with mean μ and standard deviation σ.

    .. math::
        \log p(y) = -\tfrac12 z^2 - \log\sigma - \tfrac12\log 2\pi - \log y, \quad
        z = (\log y - \mu)/\sigma

    Parameters
    ----------
    loc : array
        μ, any real number.
    scale, log_scale : array
        σ > 0 or log σ, of the logarithm; exactly one of them.

    Notes
    -----
    Entropy ½ log(2πe) + log σ + μ, mean exp(μ + ½σ²). `rsample` takes standard normal noise.
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 14.

    Examples
    --------
    >>> from klosed import LogNormal
    >>> q = LogNormal([0.0, 1.0], scale=0.5)
    >>> q.mean.round(4).tolist(), q.log_prob(1.0).round(4).tolist()
    ([1.1331, 3.0802], [-0.2258, -2.2258])
    """

    specification = (Real("loc"), Positive("scale"))
    transform = ExpTransform()
    loc: Array
    scale: Array
    log_scale: Array

    def __init__(self, loc: Any, scale: Any = None, *, log_scale: Any = None) -> None:
        super().__init__(loc=loc, scale=scale, log_scale=log_scale)

    @property
    def base(self) -> Normal:
        return with_parameters_of(Normal, self)

    @property
    def mean(self) -> Array:
        scale = self.core.scale.value
        return self._expand(namespace(scale).exp(self.core.loc + 0.5 * scale * scale))

    @property
    def variance(self) -> Array:
        scale = self.core.scale.value
        return self.mean * self.mean * namespace(scale).expm1(scale * scale)

    def _entropy(self) -> Array:
        return self.base._entropy() + self.core.loc

    def _grad_entropy(self) -> Gradients:
        return {"loc": 1.0, "log_scale": 1.0}
