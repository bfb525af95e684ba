"""Upper and lower bounds on the KL of mixtures. Imports only distributions and below."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from klosed._arrays import Array, like, namespace, quietly
from klosed.distributions import Distribution
from klosed.distributions._base import meet
from klosed.distributions._categories import log_total
from klosed.distributions._sizes import product
from klosed.divergences._functions import check_shapes, kl_divergence
from klosed.divergences._mixture_pair import MixturePair, units
from klosed.divergences._overlap import chernoff, cross_moment
from klosed.divergences._registry import has_closed_form

__all__ = ["KLBounds", "kl_bounds"]

_ORDERS = (1 / 16, 1 / 4, 1 / 2)  # τ of the Rényi bounds
_POWERS = (1 / 2, 1.0, 4.0, 32.0)  # t of the bounds for normal components


class KLBounds(NamedTuple):
    """What KL(q‖p) lies between, in nats: `lower` ≤ KL ≤ `upper`."""

    lower: Array
    upper: Array


def kl_bounds(q: Distribution, p: Distribution) -> KLBounds:
    r"""Return a lower and an upper bound on KL(q‖p) in nats, where either is a mixture.

    For mixtures q = Σ πₐ qₐ and p = Σ ω_b p_b (another distribution counts as one component),
    from the closed forms :math:`D_{ab} = \mathrm{KL}(q_a \| p_b)`.

    Parameters
    ----------
    q, p : Distribution
        Batches that broadcast. KL from each component of q to each of p has a closed form.

    Returns
    -------
    lower, upper : array
        Each of the broadcast batch shape, 0 ≤ lower ≤ upper. Both are the closed form where
        q and p have one component each, 0 where they are the same mixture, and inf where q has
        mass outside the support of p. upper is inf, too, where a component of q is covered only
        by several components of p together. lower is 0 where no bound known here is positive.

    Raises
    ------
    NoClosedFormError
        No closed form is known between the components.
    ShapeError, ArrayKindError
        As in `kl_divergence`.

    Notes
    -----
    **Upper**, the lesser of two:

    1. Variational (Hershey and Olsen, 2007, doi:10.1109/ICASSP.2007.366913). For any
       :math:`\varphi_{ab} \ge 0` with :math:`\sum_b \varphi_{ab} = \pi_a`, and
       :math:`m_b = \sum_a \varphi_{ab}`, the log-sum inequality at each x gives

       .. math:: \mathrm{KL}(q \| p) \le \sum_{ab} \varphi_{ab} D_{ab} + \mathrm{KL}(m \| \omega)

       (theirs, with their ψ at its best). φₐ_b = πₐω_b is the convexity bound Σ πₐω_b Dₐ_b.
       From one step after it, a hundred multiplicative steps follow, each a bound no worse than
       the one before; what would follow is 0.3 % on average, up to 10 % where the components
       of each mixture overlap almost entirely. The result is compared with two other φ: each
       component to the nearest, and diag(π) where the numbers of components agree.
    2. Entropic. With :math:`I = \sum_a \pi_a \mathrm{KL}(q_a \| q)`,

       .. math:: \mathrm{KL}(q \| p) = \sum_a \pi_a \mathrm{KL}(q_a \| p) - I, \qquad
           \mathrm{KL}(q_a \| p) \le -\log\sum_b \omega_b e^{-D_{ab}}, \qquad
           I \ge -\sum_a \pi_a \log\sum_c \pi_c e^{-C_{1/2}(q_a, q_c)}

       by Jensen's inequality and by Kolchinsky and Tracey (2017, arXiv:1706.02419,
       doi:10.3390/e19070361, Chernoff bound), C the Chernoff divergence.

    **Lower**, the greatest of 0 and two:

    1. The same identity with :math:`I \le -\sum_a \pi_a \log\sum_c \pi_c e^{-D(q_a, q_c)}`, D
       the KL (Kolchinsky and Tracey, KL bound), and for each a the greatest of

       .. math:: \mathrm{KL}(q_a \| p) \ge -\tfrac1\tau \log\sum_b \omega_b^\tau
           e^{-C_\tau(q_a, p_b)}, \qquad
           \mathrm{KL}(q_a \| p) \ge -\log\sum_b \omega_b e^{-E_t(q_a, p_b)}.

       The first: KL is at least the Rényi divergence of order 1 − τ (van Erven and Harremoës,
       2014, arXiv:1206.2459, theorem 3), and (Σ ω p)^τ ≤ Σ (ω p)^τ. The second, for normal
       components: E log p ≤ log E[p/h] + E log h for h = qₐ^(1 − t), by Jensen's inequality;
       t = 1 is the lower bound of Durrieu, Thiran and Kelly (2012,
       doi:10.1109/ICASSP.2012.6289001).
    2. The Rényi divergence of the whole, by the same argument,

       .. math:: \mathrm{KL}(q \| p) \ge -\tfrac1\tau \log\sum_{ab} \pi_a^{1-\tau}
           \omega_b^\tau e^{-C_\tau(q_a, p_b)}.

    Chernoff divergences are known here for normal distributions of numbers and vectors, log- and
    logit-normal, half-normal, gamma, inverse gamma, exponential, chi-squared, beta, Dirichlet,
    uniform, von Mises–Fisher, Poisson, geometric, Bernoulli, continuous Bernoulli and categorical
    components, images of these under one map, and products; for others lower is 0.

    Each bound gives way by a few units of rounding of its terms, so that rounding does not break
    it. PyTorch and JAX differentiate through it: the gradient is that of the bound with the best
    φ held fixed, which at the best φ is the whole gradient.

    Examples
    --------
    >>> from klosed import Categorical, MixtureSameFamily, Normal, kl_bounds, kl_monte_carlo
    >>> q = MixtureSameFamily(Categorical(probs=[0.3, 0.7]), Normal([-3.0, 3.0], [0.5, 1.0]))
    >>> lower, upper = kl_bounds(q, Normal(0.0, 1.0))
    >>> round(float(lower), 3), round(float(upper), 3)
    (3.763, 3.985)
    >>> estimate, error = kl_monte_carlo(q, Normal(0.0, 1.0), n_samples=10_000, seed=0)
    >>> bool(lower < estimate < upper)
    True
    """
    check_shapes(q, p)
    q, p = meet(q=q, p=p)
    pair = MixturePair(q, p, tuple(np.broadcast_shapes(q.batch_shape, p.batch_shape)))
    if (pair.q.size, pair.p.size) == (1, 1):
        return KLBounds(pair.kl[..., 0, 0], pair.kl[..., 0, 0])
    with quietly():
        upper = _upper(pair)
        upper = upper * (1.0 + units(upper))
        xp = namespace(upper)
        lower = xp.minimum(xp.clip(_lower(pair), min=0.0), upper)
        covered = p.support.covers(q.support)
        if covered is False:
            covered = xp.zeros_like(upper) > 0.0
        if covered is not True:
            lower, upper = (xp.where(covered, bound, math.inf) for bound in (lower, upper))
    return KLBounds(lower, upper)


def _upper(pair: MixturePair) -> Array:
    bound = pair.variational()
    xp, q, p = namespace(bound), pair.q, pair.p
    from_each = _minus_log(p.log_probs[..., None, :] - pair.kl)
    own = pair.compare(q, q, partial(chernoff, tau=0.5))
    if own is None or q.size == 1:
        return bound
    shared = _minus_log(q.log_probs[..., None, :] - own)
    terms = from_each - shared + units(bound) * (1.0 + from_each + shared)
    return xp.minimum(bound, xp.sum(product(q.probs, terms), axis=-1))


def _lower(pair: MixturePair) -> Array:
    q, p, kl = pair.q, pair.p, pair.kl
    xp = namespace(kl)
    whole, from_each = xp.zeros_like(kl[..., 0, 0]), xp.zeros_like(kl[..., 0])
    log_pi, log_omega = q.log_probs[..., None], p.log_probs[..., None, :]
    for tau in _ORDERS:
        order = pair.compare(q, p, partial(chernoff, tau=tau))
        if order is None:
            break
        slack = units(kl) / tau
        found = _minus_log(tau * log_omega - order) / tau
        from_each = xp.maximum(from_each, _less(found, slack))
        both = xp.reshape(((1.0 - tau) * log_pi + tau * log_omega) - order, (*pair.shape, -1))
        whole = xp.maximum(whole, _less(_minus_log(both) / tau, slack))
    for t in _POWERS:
        moment = pair.compare(q, p, partial(cross_moment, t=t))
        if moment is None:
            break
        slack = units(kl) * (1.0 + t * math.prod(pair.event_shape))
        from_each = xp.maximum(from_each, _less(_minus_log(log_omega - moment), slack))
    own = _own(pair)
    shared = _minus_log(q.log_probs[..., None, :] - own) if q.size > 1 else xp.zeros_like(from_each)
    terms = from_each - (1.0 + units(kl)) * shared
    return xp.maximum(whole, xp.sum(product(q.probs, terms), axis=-1))


def _own(pair: MixturePair) -> Array:
    """Return KL between the components of q; where it is not known, inf between any two."""
    q = pair.q

    def known(a: Distribution, b: Distribution) -> Array | None:
        return kl_divergence(a, b) if has_closed_form(a, b) else None

    own = pair.compare(q, q, known)
    if own is not None:
        return own
    xp = namespace(pair.kl)
    number = like(np.arange(q.size), pair.kl)
    return xp.where(number[:, None] == number, 0.0 * number, math.inf)


def _minus_log(x: Array) -> Array:
    """Return −log Σ exp(x) over the last axis."""
    return -log_total(x)[..., 0]


def _less(x: Array, slack: float) -> Array:
    xp = namespace(x)
    return xp.where(xp.isinf(x), x, x - slack * (1.0 + xp.abs(x)))
