"""The logistic function, softplus, and their protected differences. Imports floor 0 only."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.special._evaluate import choose, evaluate, evaluate_difference, scalar_form, select
from klosed.special.elementary import _phi_near, _psi_near

__all__ = [
    "log_sigmoid",
    "sigmoid",
    "sigmoid_difference",
    "softplus",
    "softplus_bregman",
    "softplus_difference",
]


def softplus(x: Array) -> Array:
    r"""Return log(1 + exp(x)), the log-normaliser of a Bernoulli with logit x.

    .. math:: S(x) = \log(1 + e^x), \qquad S'(x) = \sigma(x)

    Parameters
    ----------
    x : array
        Any shape, any real number.

    Returns
    -------
    array
        ≥ 0, same shape, kind and dtype.

    Notes
    -----
    Measured error: 1 ulp in float64, 3 in float32.

    Examples
    --------
    >>> from klosed.special import softplus
    >>> float(softplus(-50.0)), float(softplus(1000.0))
    (1.92874984796391...e-22, 1000.0)
    """
    return evaluate(_SOFTPLUS, x=x)


def sigmoid(x: Array) -> Array:
    r"""Return 1/(1 + exp(−x)), the probability with logit x.

    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}}, \qquad \sigma'(x) = \sigma(x)\,\sigma(-x)

    Parameters
    ----------
    x : array
        Any shape, any real number. The complementary probability is ``sigmoid(-x)``.

    Returns
    -------
    array
        In [0, 1], same shape, kind and dtype.

    Notes
    -----
    Measured error: 2 ulp in float64, 3 in float32.

    Examples
    --------
    >>> from klosed.special import sigmoid
    >>> float(sigmoid(-50.0))
    1.92874984796391...e-22
    """
    return evaluate(_SIGMOID, x=x)


def log_sigmoid(x: Array) -> Array:
    r"""Return log σ(x), the log-probability with logit x, in nats.

    .. math:: \log \sigma(x) = -S(-x), \qquad \partial_x = \sigma(-x)

    Parameters
    ----------
    x : array
        Any shape, any real number.

    Returns
    -------
    array
        ≤ 0, same shape, kind and dtype.

    Notes
    -----
    Measured error: 1 ulp in float64, 3 in float32.

    Examples
    --------
    >>> from klosed.special import log_sigmoid
    >>> float(log_sigmoid(-1000.0)), float(log_sigmoid(50.0))
    (-1000.0, -1.92874984796391...e-22)
    """
    return evaluate(_LOG_SIGMOID, x=x)


def sigmoid_difference(b: Array, a: Array, diff: Array | None = None) -> Array:
    r"""Return σ(b) − σ(a), to the last digits also where a and b nearly agree.

    .. math:: \sigma(b) - \sigma(a) =
       \sigma(\max)\,\sigma(-\min)\,\left(1 - e^{-|b - a|}\right) \operatorname{sign}(b - a)

    Parameters
    ----------
    b, a : array
        Logits, broadcastable.
    diff : array, optional
        b − a, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        In [−1, 1], of the broadcast shape.

    Notes
    -----
    Measured error: 4 ulp in float64, 5 in float32.

    Examples
    --------
    >>> from klosed.special import sigmoid_difference
    >>> float(sigmoid_difference(0.0, 0.0, 1e-30))
    2.5e-31
    """
    return evaluate_difference(_SIGMOID_DIFFERENCE, diff, b=b, a=a)


def softplus_difference(b: Array, a: Array, diff: Array | None = None) -> Array:
    r"""Return S(b) − S(a) = log((1 − σ(a))/(1 − σ(b))), also where a and b nearly agree.

    .. math:: S(b) - S(a) = \log\left(1 + \sigma(a)\,(e^{b - a} - 1)\right), \qquad
       \partial_b = \sigma(b), \quad \partial_a = -\sigma(a)

    Parameters
    ----------
    b, a : array
        Logits, broadcastable.
    diff : array, optional
        b − a, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        Of the sign of b − a and the broadcast shape.

    Examples
    --------
    >>> from klosed.special import softplus_difference
    >>> float(softplus_difference(-50.0, -50.0, 1e-9)), float(softplus_difference(900.0, 898.5))
    (1.92874984892...e-31, 1.5)
    """
    return evaluate_difference(_SOFTPLUS_DIFFERENCE, diff, b=b, a=a)


def softplus_bregman(b: Array, a: Array, diff: Array | None = None) -> Array:
    r"""Return the Bregman divergence of softplus: KL(Bernoulli(logit a) ‖ Bernoulli(logit b)).

    .. math:: S(b) - S(a) - \sigma(a)(b - a) \ge 0, \qquad
       \partial_b = \sigma(b) - \sigma(a), \quad \partial_a = -\sigma(a)\sigma(-a)(b - a)

    Parameters
    ----------
    b, a : array
        Logits, broadcastable.
    diff : array, optional
        b − a, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        In nats, of the broadcast shape; 0 where a = b.

    Notes
    -----
    With the signs turned so that σ = σ(a) ≤ ½, and d = b − a: log(1 + σ expm1(d)) − σd =
    σψ(d) − φ(σ expm1(d)) while |d| ≤ 1.35, of which at most two thirds cancel near d = 0; beyond,
    as written.
    Measured error: 4 ulp in float64 and float32 where a ≈ b, 8 elsewhere, logits up to ±500.

    Examples
    --------
    >>> from klosed.special import softplus_bregman
    >>> float(softplus_bregman(1e-9, 0.0)), float(softplus_bregman(40.0, 0.0))
    (1.25e-19, 19.30685281944005...)
    """
    return evaluate_difference(_SOFTPLUS_BREGMAN, diff, b=b, a=a)


def _softplus(x: Array) -> Array:
    xp = namespace(x)
    return xp.clip(x, min=0.0) + xp.log1p(xp.exp(-xp.abs(x)))


def _sigmoid(x: Array) -> Array:
    # where exp(−x) overflows, σ(x) is 0 or below the smallest normal number
    return 1.0 / (1.0 + namespace(x).exp(-x))


def _log_sigmoid(x: Array) -> Array:
    return -_softplus(-x)


def _sigmoid_difference(b: Array, a: Array, diff: Array) -> Array:
    xp = namespace(a)
    size = xp.expm1(-xp.abs(diff)) * _sigmoid(xp.maximum(a, b)) * _sigmoid(-xp.minimum(a, b))
    return select(diff > 0.0, -size, size)


def _softplus_difference(b: Array, a: Array, diff: Array) -> Array:
    near = namespace(diff).abs(diff) <= 1.0
    return choose(
        near, _softplus_difference_near, _softplus_difference_far, b, a, diff,
        then_at=(0.0, 0.0, 0.0), otherwise_at=(2.0, 0.0, 2.0),
    )  # fmt: skip


def _softplus_difference_near(_: Array, a: Array, diff: Array) -> Array:
    xp = namespace(a)
    # σ(a) down to the smallest number
    e = xp.exp(-xp.abs(a))
    return xp.log1p(select(a < 0.0, e, 1.0) / (1.0 + e) * xp.expm1(diff))


def _softplus_difference_far(b: Array, a: Array, _: Array) -> Array:
    xp = namespace(a)
    tails = xp.log1p(xp.exp(-xp.abs(b))) - xp.log1p(xp.exp(-xp.abs(a)))
    return (xp.clip(b, min=0.0) - xp.clip(a, min=0.0)) + tails


def _softplus_bregman(b: Array, a: Array, diff: Array) -> Array:
    xp = namespace(a)
    turn = 1.0 - 2.0 * xp.astype(a > 0.0, a.dtype)
    return choose(
        xp.abs(diff) <= 1.35, _softplus_bregman_near, _softplus_bregman_far,
        turn * b, -xp.abs(a), turn * diff,
        then_at=(0.0, 0.0, 0.0), otherwise_at=(2.0, 0.0, 2.0),
    )  # fmt: skip


def _softplus_bregman_near(_: Array, a: Array, diff: Array) -> Array:
    e = namespace(a).exp(a)
    p = e / (1.0 + e)
    excess = _psi_near(diff)
    return p * excess - _phi_near(p * (diff + excess))


def _softplus_bregman_far(b: Array, a: Array, diff: Array) -> Array:
    xp = namespace(a)
    e = xp.exp(a)
    return (_softplus(b) - xp.log1p(e)) - diff * (e / (1.0 + e))


_SOFTPLUS = scalar_form(_softplus, lambda x: (sigmoid(x),))
_SIGMOID = scalar_form(_sigmoid, lambda x: (sigmoid(x) * sigmoid(-x),))
_LOG_SIGMOID = scalar_form(_log_sigmoid, lambda x: (sigmoid(-x),))
_SIGMOID_DIFFERENCE = scalar_form(
    _sigmoid_difference,
    lambda b, a, diff: (sigmoid(b) * sigmoid(-b), -sigmoid(a) * sigmoid(-a), None),
    arity=3,
)
_SOFTPLUS_DIFFERENCE = scalar_form(
    _softplus_difference, lambda b, a, diff: (sigmoid(b), -sigmoid(a), None), arity=3
)
_SOFTPLUS_BREGMAN = scalar_form(
    _softplus_bregman,
    lambda b, a, diff: (sigmoid_difference(b, a, diff), -sigmoid(a) * sigmoid(-a) * diff, None),
    arity=3,
)
