"""The logit-normal distribution on the unit interval. Imports nothing above special."""

from __future__ import annotations

from typing import Any

from klosed._arrays import Array
from klosed.distributions._parameters import Positive, Real
from klosed.distributions.normal import Normal
from klosed.distributions.transformed import Pushforward, with_parameters_of
from klosed.distributions.transforms import SigmoidTransform

__all__ = ["LogitNormal"]


class LogitNormal(Pushforward):
    r"""Distribution of 1/(1 + exp(−x)) for x normal with mean μ and standard deviation σ.

    .. math::
        \log p(y) = -\tfrac12 z^2 - \log\sigma - \tfrac12\log 2\pi - \log y - \log(1 - y),
        \quad z = \Bigl(\log\frac{y}{1 - y} - \mu\Bigr)/\sigma

    Parameters
    ----------
    loc : array
        μ, any real number.
    scale, log_scale : array
        σ > 0 or log σ, of the logit; exactly one of them.

    Notes
    -----
    Entropy, mean and variance have no closed form. `rsample` takes standard normal noise; draws
    that would round to 0 or 1 become the nearest number inside.
    Aitchison and Shen (1980), "Logistic-normal distributions", doi:10.1093/biomet/67.2.261.

    Examples
    --------
    >>> from klosed import LogitNormal
    >>> LogitNormal([0.0, 1.0], scale=0.5).log_prob(0.5).round(4).tolist()
    [1.1605, -0.8395]
    """

    specification = (Real("loc"), Positive("scale"))
    transform = SigmoidTransform()
    loc: Array
    scale: Array
    log_scale: Array

    def __init__(self, loc: Any, scale: Any = None, *, log_scale: Any = None) -> None:
        super().__init__(loc=loc, scale=scale, log_scale=log_scale)

    @property
    def base(self) -> Normal:
        return with_parameters_of(Normal, self)
