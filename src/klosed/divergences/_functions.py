"""The public functions of two distributions: check, meet, look up, differentiate.

Imports only distributions and below.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, broadcast_shapes, is_nowhere, namespace, quietly
from klosed._autodiff import ClosedForm
from klosed.distributions._base import Distribution, bind_form, meet
from klosed.divergences._registry import find_rule, no_closed_form, raw_grad_kl, raw_kl
from klosed.errors import NoClosedFormError, ParameterError, ShapeError

__all__ = [
    "check_shapes",
    "cross_entropy",
    "cross_entropy_value_and_grad",
    "entropy",
    "entropy_value_and_grad",
    "kl_divergence",
    "kl_monte_carlo",
    "kl_value_and_grad",
]

ValueAndGrads = tuple[Array, dict[str, Array], dict[str, Array]]


def kl_divergence(q: Distribution, p: Distribution) -> Array:
    r"""Return the Kullback–Leibler divergence KL(q‖p) in nats.

    .. math:: \mathrm{KL}(q \| p) = \mathbb{E}_{x \sim q}[\log q(x) - \log p(x)] \ge 0

    Parameters
    ----------
    q, p : Distribution
        Batches that broadcast, of one kind of array; plain numbers fit every kind.

    Returns
    -------
    array
        Of the broadcast batch shape and the parameters' kind and dtype: never negative,
        exactly 0 where q and p are equal, inf where q has mass outside the support of p.

    Raises
    ------
    NoClosedFormError
        No closed form is known; the message names the nearest pairs and the alternatives.
    ShapeError
        Event shapes differ, or batch shapes do not broadcast.
    ArrayKindError
        q and p hold arrays of different libraries.
    ParameterError
        q or p is not a distribution of klosed.

    Notes
    -----
    PyTorch and JAX differentiate through it, and what they get is the closed-form gradient.

    Examples
    --------
    >>> import klosed
    >>> q, p = klosed.Normal([0.0, 1.0], 1.0), klosed.Normal(0.0, 1.0)
    >>> klosed.kl_divergence(q, p).tolist()
    [0.0, 0.5]
    """
    form, arrays = _kl_form(q, p)
    return form(*arrays)


def kl_value_and_grad(q: Distribution, p: Distribution) -> ValueAndGrads:
    r"""Return KL(q‖p) in nats and its closed-form gradient in every given parameter.

    Parameters
    ----------
    q, p : Distribution
        As in `kl_divergence`.

    Returns
    -------
    value : array
        KL(q‖p), of the broadcast batch shape.
    grad_q, grad_p : dict of str to array
        ∂value/∂parameter by the names q and p were given, unsummed: broadcast batch shape
        followed by the parameter's own event shape. A symmetric matrix gets the symmetric
        gradient G with dKL = Σ Gᵢⱼ dΣᵢⱼ.

    Raises
    ------
    NoClosedFormError
        As in `kl_divergence`, or the pair was registered without a gradient.

    Examples
    --------
    >>> import klosed
    >>> q, p = klosed.Normal(1.0, log_scale=0.0), klosed.Normal(0.0, 1.0)
    >>> value, grad_q, grad_p = klosed.kl_value_and_grad(q, p)
    >>> float(value), {name: float(g) for name, g in grad_q.items()}
    (0.5, {'loc': 1.0, 'log_scale': 0.0})
    """
    form, arrays = _kl_form(q, p, with_grad=True)
    value, grads = form.value_and_grad(*arrays)
    n = len(q.parameters)
    grad_q = dict(zip(q.parameters, grads[:n], strict=True))
    return value, grad_q, dict(zip(p.parameters, grads[n:], strict=True))


def entropy(q: Distribution) -> Array:
    """Return the entropy −E_q[log q(x)] in nats, of the batch shape.

    Examples
    --------
    >>> import klosed
    >>> round(float(klosed.entropy(klosed.Normal(0.0, 1.0))), 4)
    1.4189
    """
    check_distributions(q=q)
    return q.entropy()


def entropy_value_and_grad(q: Distribution) -> tuple[Array, dict[str, Array]]:
    """Return the entropy in nats and its closed-form gradient {parameter: array}, unsummed."""
    check_distributions(q=q)
    return q.entropy_value_and_grad()


def cross_entropy(q: Distribution, p: Distribution) -> Array:
    r"""Return the cross-entropy −E_q[log p(x)] in nats, of the broadcast batch shape.

    .. math:: H(q, p) = H(q) + \mathrm{KL}(q \| p)

    Raises as `kl_divergence` does.

    Examples
    --------
    >>> import klosed
    >>> q, p = klosed.Normal(1.0, 1.0), klosed.Normal(0.0, 1.0)
    >>> round(float(klosed.cross_entropy(q, p)), 4)
    1.9189
    """
    return kl_divergence(q, p) + meet(q=q, p=p)[0].entropy()


def cross_entropy_value_and_grad(q: Distribution, p: Distribution) -> ValueAndGrads:
    """Return the cross-entropy in nats and its closed-form gradient in every given parameter."""
    kl, grad_q, grad_p = kl_value_and_grad(q, p)
    h, grad_h = meet(q=q, p=p)[0].entropy_value_and_grad()
    return kl + h, {name: g + grad_h[name] for name, g in grad_q.items()}, grad_p


def kl_monte_carlo(
    q: Distribution, p: Distribution, n_samples: int, seed: int
) -> tuple[Array, Array]:
    r"""Estimate KL(q‖p) in nats for any pair that can sample and score.

    .. math:: \frac1n \sum_i \left[\log q(x_i) - \log p(x_i)\right], \qquad x_i \sim q

    Parameters
    ----------
    q, p : Distribution
        Batches that broadcast; q can sample, both have a density.
    n_samples : int
        Number n of draws, at least 2. Memory holds n draws of the whole batch.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    estimate, standard_error : array
        Each of the broadcast batch shape. Unbiased; the standard error is the draws' standard
        deviation over √n. Where a draw leaves the support of p: inf, with standard error 0.

    Notes
    -----
    Draws are floating-point numbers. Of gamma, beta and Dirichlet distributions with concentrations
    below about 0.005 many underflow, which the standard error does not show.

    Examples
    --------
    >>> import klosed
    >>> q, p = klosed.Normal(1.0, 1.0), klosed.Normal(0.0, 1.0)
    >>> estimate, error = klosed.kl_monte_carlo(q, p, n_samples=10_000, seed=0)
    >>> bool(abs(estimate - 0.5) < 4 * error)
    True
    """
    if not isinstance(n_samples, (int, np.integer)) or n_samples < 2:
        raise ParameterError(f"n_samples must be an integer >= 2; got {n_samples!r}.")
    check_shapes(q, p)
    q, p = meet(q=q, p=p)
    ones = (1,) * (len(p.batch_shape) - len(q.batch_shape))
    x = q.sample(seed, (n_samples, *ones))
    xp = namespace(x)
    log_q, log_p = q.log_prob(x), p.log_prob(x)
    with quietly():
        log_ratio = log_q - log_p
        estimate = xp.mean(log_ratio, axis=0)
    finite = xp.isfinite(log_ratio)
    error = xp.std(xp.where(finite, log_ratio, 0.0), axis=0, correction=1) / n_samples**0.5
    return estimate, xp.where(xp.all(finite, axis=0), error, 0.0)


def _kl_form(
    q: Distribution, p: Distribution, *, with_grad: bool = False
) -> tuple[ClosedForm, list[Array]]:
    check_shapes(q, p)
    q, p = meet(q=q, p=p)
    rule = find_rule(q, p)
    if rule is None and not is_nowhere(p.support.covers(q.support)):
        raise no_closed_form(type(q), type(p))
    if rule is None or rule.grad is not None:
        return bind_form(raw_kl, raw_grad_kl, [q, p])
    if with_grad:
        raise NoClosedFormError(
            f"KL({type(q).__name__}‖{type(p).__name__}) was registered without a gradient. Add one "
            "with its .gradient decorator, or differentiate kl_divergence in PyTorch or JAX."
        )
    return bind_form(raw_kl, None, [q, p])


def check_distributions(**operands: Any) -> None:
    """Raise ParameterError unless every operand is a distribution of ours."""
    for name, operand in operands.items():
        if not isinstance(operand, Distribution):
            family = type(operand).__name__
            raise ParameterError(
                f"{name} must be a klosed.Distribution; got {type(operand).__module__}.{family}. "
                "Make it from its parameters, as in klosed.Normal(loc, scale)."
            )


def check_shapes(q: Distribution, p: Distribution) -> None:
    """Raise ShapeError unless event shapes agree and batch shapes broadcast."""
    check_distributions(q=q, p=p)
    if q.event_shape != p.event_shape:
        raise ShapeError(
            f"q and p must share an event shape; {type(q).__name__} has {q.event_shape}, "
            f"{type(p).__name__} has {p.event_shape}. Independent turns batch axes into event axes."
        )
    broadcast_shapes({"q": q.batch_shape, "p": p.batch_shape})
