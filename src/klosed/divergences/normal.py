"""KL(N(μ, e^v) ‖ N(0, 1)) on raw NumPy arrays: the term of a VAE. Imports only special."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.special import psi

__all__ = ["kl_standard_normal"]

Floats = NDArray[Any]


def kl_standard_normal(loc: Floats, log_variance: Floats) -> tuple[Floats, Floats, Floats]:
    r"""Return KL(N(loc, exp(log_variance)) ‖ N(0, 1)) of each element, in nats, and its gradient.

    .. math::
        \mathrm{KL} = \tfrac12\left(\psi(v) + \mu^2\right), \quad
        \partial_\mu = \mu, \quad \partial_v = \tfrac12 \operatorname{expm1}(v),
        \qquad \psi(v) = e^v - 1 - v

    Both terms are nonnegative, so nothing cancels as the posterior approaches the prior.

    Parameters
    ----------
    loc, log_variance : ndarray
        μ and v, the same shape and floating dtype. No checks: this is an engine's inner loop.

    Returns
    -------
    value, grad_loc, grad_log_variance : ndarray
        Each of the inputs' shape and dtype, unsummed.

    Notes
    -----
    Kingma and Welling (2014), "Auto-encoding variational Bayes", arXiv:1312.6114, appendix B.
    Their −½(1 + v − μ² − e^v) subtracts near-equal numbers; this is the same, regrouped.

    Examples
    --------
    >>> import numpy as np
    >>> from klosed.divergences.normal import kl_standard_normal
    >>> value, grad_loc, grad_log_variance = kl_standard_normal(np.array([1.0]), np.array([0.0]))
    >>> value.tolist(), grad_loc.tolist(), grad_log_variance.tolist()
    ([0.5], [1.0], [0.0])
    """
    half = loc.dtype.type(0.5)
    return half * (psi(log_variance) + loc * loc), loc, half * np.expm1(log_variance)
