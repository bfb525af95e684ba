"""The encoder's backward pass along the second text, by Hadamard and Frobenius products.

*Notes on Implementing a Variational Autoencoder*, its second half, with the path through the mean.
The network is as small as can be, two of everything; the result is also checked in a larger one.
"""

from __future__ import annotations

import random
from typing import Any

import mpmath as mp
import sympy as sp

from klosed.derivations._steps import Point, Step
from klosed.derivations._texts import SEED, Slip, Text, line
from klosed.derivations.matrix_products import PRODUCTS, frobenius, hadamard

__all__ = ["DERIVATIONS", "TEXT"]

Expr = Any


def matrix(letter: str, rows: int, columns: int = 1) -> Expr:
    """Return a matrix of real symbols."""
    return sp.Matrix(rows, columns, lambda i, j: sp.Symbol(f"{letter}_{i + 1}{j + 1}", real=True))


def weighed(entries: Expr) -> Expr:
    """Return a matrix as one expression: its entries times symbols that tell them apart."""
    return sum(sp.Symbol(f"t{i}") * entry for i, entry in enumerate(entries))


W0, W1, Wm, D0 = (matrix(letter, 2, 2) for letter in ("W0", "W1", "Wm", "dW0"))
b0, b1, bm, x, h = (matrix(letter, 2) for letter in ("b0", "b1", "bm", "x", "h"))
alpha, t, s = sp.symbols("alpha t s", real=True)
ones = sp.ones(2, 1)
H = sp.diag(*h)

# h is 0 or 1 by the sign of z, and stays so for small changes
z = W0 * x + b0
r = hadamard(h, z)
l = W1 * r + b1  # noqa: E741  (the text's letter)
m = Wm * r + bm
p = l.applyfunc(sp.exp)
loss = alpha * frobenius(p - l + hadamard(m, m) - ones, ones)


def rate(expression: Expr) -> Expr:
    """Return the differential of an expression as W₀ moves by D₀ = dW₀."""
    moved = dict(zip(W0, W0 + t * D0, strict=True))
    return expression.subs(moved, simultaneous=True).diff(t).subs(t, 0)


dz, dr, dl, dm, dp = (rate(value) for value in (z, r, l, m, p))
of_variance = alpha * H * W1.T * (p - ones) * x.T
of_mean = 2 * alpha * H * Wm.T * m * x.T


def draw(rng: random.Random) -> Point:
    """Draw a network, and what the larger one is drawn from."""
    symbols = [*W0, *W1, *Wm, *D0, *b0, *b1, *bm, *x, alpha]
    numbers = {symbol: rng.uniform(-1, 1) for symbol in symbols}
    return {**numbers, h[0]: 1, h[1]: rng.choice([0, 1]), SEED: rng.randrange(10**6)}


def _larger_network(point: Point) -> tuple[Any, Any]:
    """Return dλ along a direction: by differences, and by the gradient."""
    rng = random.Random(int(point[SEED]))

    def numbers(rows: int, columns: int = 1) -> Any:
        flat = [mp.mpf(rng.randrange(-512, 512)) / 512 for _ in range(rows * columns)]
        return mp.matrix([flat[i * columns : (i + 1) * columns] for i in range(rows)])

    weights, toward, first, mean = (
        numbers(6, 5), numbers(6, 5), numbers(4, 6), numbers(4, 6)
    )  # fmt: skip
    bias, bias_first, bias_mean, given = numbers(6), numbers(4), numbers(4), numbers(5)

    def value(step: Any) -> Any:
        hidden = (weights + step * toward) * given + bias
        hidden = hidden.apply(lambda u: u if u > 0 else mp.mpf(0))
        log_variance, loc = first * hidden + bias_first, mean * hidden + bias_mean
        terms = (mp.exp(v) - v + u**2 - 1 for v, u in zip(log_variance, loc, strict=True))
        return mp.fsum(terms) / 2

    active = (weights * given + bias).apply(lambda u: mp.mpf(1) if u > 0 else mp.mpf(0))
    hidden = (weights * given + bias).apply(lambda u: u if u > 0 else mp.mpf(0))
    log_variance, loc = first * hidden + bias_first, mean * hidden + bias_mean
    back = first.T * log_variance.apply(mp.expm1) / 2 + mean.T * loc
    gradient = mp.diag(list(active)) * back * given.T
    along = mp.fsum(g * d for g, d in zip(gradient, toward, strict=True))
    # central differences err by step²
    step = mp.mpf(10) ** -25
    with mp.workdps(110):
        slope = (value(step) - value(-step)) / (2 * step)
    return slope, along


_network: tuple[Step | Slip, ...] = (
    Slip(
        line(
            "encoder",
            r"\ell = W_1 (W_0 x + b_0) + b_1",
            weighed(W1 * (W0 * x + b0) + b1),
            weighed(l),
            "“a two layer encoder”; further down it has a ReLU",
        ),
        line(
            "encoder",
            r"\ell = W_1\operatorname{relu}(W_0 x + b_0) + b_1, \quad"
            r" m = W_\mu\operatorname{relu}(W_0 x + b_0) + b_\mu",
            weighed(W1 * hadamard(h, W0 * x + b0) + b1)
            + s * weighed(Wm * hadamard(h, W0 * x + b0) + bm),
            weighed(l) + s * weighed(m),
            "relu(z) = h ∘ z with h = step(z); the mean has weights of its own",
        ),
        "Without the ReLU two layers are one, and the H of the result would be missing.",
    ),
    Slip(
        line(
            "biases",
            r"z = W_0 x + b, \quad \ell = W_1 r + b",
            weighed(l),
            weighed(W1 * r + b0),
            "both layers are given the bias b",
        ),
        line(
            "biases",
            r"z = W_0 x + b_0, \quad \ell = W_1 r + b_1",
            weighed(l),
            weighed(W1 * r + b1),
            "each layer has its own, as in the text's first line",
        ),
        "The two biases differ, even in length where the layers do.",
    ),
    line(
        "loss",
        r"\lambda = \alpha\,(p - \ell + m \circ m - 1) : 1, \quad \alpha = \tfrac12",
        loss.subs(alpha, sp.Rational(1, 2)),
        sum(-sp.Rational(1, 2) * (1 + v - u**2 - sp.exp(v)) for v, u in zip(l, m, strict=True)),
        "the KL from N(m, diag p) to N(0, I), with p = exp ℓ",
    ),
    line(
        "differentials",
        r"dz = dW_0\, x",
        weighed(dz),
        weighed(D0 * x),
        "z is linear in W₀ (here z is what enters the ReLU, not the latent vector)",
    ),
    line(
        "differentials",
        r"\frac{d \operatorname{relu}(s)}{d s} = \operatorname{step}(s)",
        sp.Derivative(sp.Max(0, s), s),
        sp.Heaviside(s),
        "the ramp's derivative; at 0 itself there is none",
    ),
    line(
        "differentials",
        r"dr = h \circ dz = H\,dz",
        weighed(dr) + weighed(dr) * s,
        weighed(hadamard(h, dz)) + weighed(H * dz) * s,
        "h stays as it is while no element of z changes sign",
    ),
    line(
        "differentials",
        r"d\ell = W_1\,dr",
        weighed(dl),
        weighed(W1 * dr),
        "ℓ is linear in r",
    ),
    line(
        "differentials",
        r"dp = p \circ d\ell",
        weighed(dp),
        weighed(hadamard(p, dl)),
        "derivative of exp",
    ),
    line(
        "differentials",
        r"dm = W_\mu\,dr",
        weighed(dm),
        weighed(Wm * dr),
        "m is linear in r (not in the text)",
    ),
)

_backward: tuple[Step | Slip, ...] = (
    Slip(
        line(
            "differential of the loss",
            r"d\lambda = \alpha\,(dp - d\ell) : 1",
            rate(loss),
            alpha * frobenius(dp - dl, ones),
            "m is treated as a constant",
        ),
        line(
            "differential of the loss",
            r"d\lambda = \alpha\,(dp - d\ell + 2\,m \circ dm) : 1",
            rate(loss),
            alpha * frobenius(dp - dl + 2 * hadamard(m, dm), ones),
            "d(m ∘ m) = 2 m ∘ dm",
        ),
        "The mean comes from the same hidden layer, so W₀ reaches the loss through it too.",
    ),
    line(
        "through the log-variance",
        r"\alpha\,(dp - d\ell) : 1 = \alpha\,(p \circ d\ell - 1 \circ d\ell) : 1",
        alpha * frobenius(dp - dl, ones),
        alpha * frobenius(hadamard(p, dl) - hadamard(ones, dl), ones),
        "dp = p ∘ dℓ",
    ),
    line(
        "through the log-variance",
        r"\ldots = \alpha\,(p - 1) : d\ell",
        alpha * frobenius(hadamard(p, dl) - hadamard(ones, dl), ones),
        alpha * frobenius(p - ones, dl),
        "A : (B ∘ C) = (A ∘ B) : C",
    ),
    line(
        "through the log-variance",
        r"\ldots = \alpha\,(p - 1) : W_1\,dr",
        alpha * frobenius(p - ones, dl),
        alpha * frobenius(p - ones, W1 * dr),
        "dℓ = W₁ dr",
    ),
    line(
        "through the log-variance",
        r"\ldots = \alpha\,W_1^\top (p - 1) : H\,dz",
        alpha * frobenius(p - ones, W1 * dr),
        alpha * frobenius(W1.T * (p - ones), H * dz),
        "A : BC = BᵀA : C",
    ),
    line(
        "through the log-variance",
        r"\ldots = \alpha\,H W_1^\top (p - 1) : dW_0\,x",
        alpha * frobenius(W1.T * (p - ones), H * dz),
        alpha * frobenius(H * W1.T * (p - ones), D0 * x),
        "A : BC = BᵀA : C, and Hᵀ = H",
    ),
    line(
        "through the log-variance",
        r"\ldots = \alpha\,H W_1^\top (p - 1)\,x^\top : dW_0",
        alpha * frobenius(H * W1.T * (p - ones), D0 * x),
        frobenius(of_variance, D0),
        "A : BC = ACᵀ : B",
    ),
    line(
        "through the mean",
        r"2\alpha\,(m \circ dm) : 1 = 2\alpha\,m : dm",
        2 * alpha * frobenius(hadamard(m, dm), ones),
        2 * alpha * frobenius(m, dm),
        "A : (B ∘ C) = (A ∘ B) : C (not in the text)",
    ),
    line(
        "through the mean",
        r"\ldots = 2\alpha\,m : W_\mu H\,dW_0\,x",
        2 * alpha * frobenius(m, dm),
        2 * alpha * frobenius(m, Wm * H * D0 * x),
        "dm = W_μ dr (not in the text)",
    ),
    line(
        "through the mean",
        r"\ldots = 2\alpha\,H W_\mu^\top m\,x^\top : dW_0",
        2 * alpha * frobenius(m, Wm * H * D0 * x),
        frobenius(of_mean, D0),
        "both ways of moving a factor (not in the text)",
    ),
    Slip(
        line(
            "gradient",
            r"\frac{\partial\lambda}{\partial W_0} = \alpha\,H W_1^\top (p - 1)\,x^\top",
            weighed(sp.Matrix(2, 2, [loss.diff(w) for w in W0])),
            weighed(of_variance),
            "one path of two",
        ),
        line(
            "gradient",
            r"\frac{\partial\lambda}{\partial W_0} = \alpha\,H W_1^\top (p - 1)\,x^\top"
            r" + 2\alpha\,H W_\mu^\top m\,x^\top",
            weighed(sp.Matrix(2, 2, [loss.diff(w) for w in W0])),
            weighed(of_variance + of_mean),
            "dλ = G : dW₀ means that G is the gradient",
        ),
        "With the mean's path the gradient is that of the loss, and agrees with finite "
        "differences; see also *Backpropagation by hand*.",
    ),
    line(
        "gradient of a larger network",
        r"\frac{\partial\lambda}{\partial W_0} = \alpha\,H W_1^\top (p - 1)\,x^\top"
        r" + 2\alpha\,H W_\mu^\top m\,x^\top",
        loss,
        loss,
        "central differences in 110 digits: five inputs, six hidden, four latent",
        check=_larger_network,
    ),
    line(
        "the other weights",
        r"\frac{\partial\lambda}{\partial W_1} = \alpha\,(p - 1)\,r^\top, \quad"
        r" \frac{\partial\lambda}{\partial W_\mu} = 2\alpha\,m\,r^\top",
        weighed([loss.diff(w) for w in W1]) + s * weighed([loss.diff(w) for w in Wm]),
        weighed(alpha * (p - ones) * r.T) + s * weighed(2 * alpha * m * r.T),
        "A : BC = ACᵀ : B with dℓ = dW₁ r and dm = dW_μ r (not in the text)",
    ),
    line(
        "the biases",
        r"\frac{\partial\lambda}{\partial b_0} = \alpha\,H W_1^\top (p - 1)"
        r" + 2\alpha\,H W_\mu^\top m",
        weighed([loss.diff(w) for w in b0]),
        weighed(alpha * H * W1.T * (p - ones) + 2 * alpha * H * Wm.T * m),
        "dz = db₀ (not in the text)",
    ),
)

_ell, _m, _noise, _pull, _dl, _dm = (matrix(c, 2) for c in ("l", "m", "e", "G", "dl", "dm"))
_spread = _ell.applyfunc(lambda v: sp.exp(v / 2))
_sample = _m + hadamard(_spread, _noise)
_d_sample = _dm + hadamard(hadamard(_spread, _noise), _dl) / 2

_whole: tuple[Step | Slip, ...] = (
    line(
        "sample",
        r"d(m + e^{\ell/2} \circ \varepsilon)"
        r" = dm + \tfrac12 e^{\ell/2} \circ \varepsilon \circ d\ell",
        weighed(
            _sample.subs(
                dict(zip([*_ell, *_m], [*(_ell + t * _dl), *(_m + t * _dm)], strict=True)),
                simultaneous=True,
            )
            .diff(t)
            .subs(t, 0)
        ),
        weighed(_d_sample),
        "reparameterisation: the noise ε stays as it is (not in the text)",
    ),
    line(
        "what the heads receive",
        r"G_m = G_z + m, \quad"
        r" G_\ell = G_z \circ \tfrac12 e^{\ell/2} \circ \varepsilon + \tfrac12(e^\ell - 1)",
        frobenius(_pull, _d_sample)
        + frobenius(hadamard(_ell.applyfunc(sp.exp) - ones, _dl) / 2 + hadamard(_m, _dm), ones),
        frobenius(_pull + _m, _dm)
        + frobenius(
            hadamard(_pull, hadamard(_spread, _noise)) / 2 + (_ell.applyfunc(sp.exp) - ones) / 2,
            _dl,
        ),
        "the decoder hands down G_z, the KL adds its own (not in the text)",
    ),
)

TEXT = Text(
    "encoder-gradient",
    "The gradient of the KL in an encoder's weights, along the second text",
    "The second half of *Notes on Implementing a Variational Autoencoder*: two products and a "
    "handful of rules carry the gradient back through the encoder without an index in sight.",
    (*PRODUCTS, *_network, *_backward, *_whole),
    draw,
)
DERIVATIONS = (TEXT.derivation,)
