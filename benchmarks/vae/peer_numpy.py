"""The ancestor's arithmetic: the VAE and its gradient in plain NumPy, an expression at a time.

What its text derives, with its slips put right, so that it does the same work as the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from workloads import Workload

ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "relu": (lambda a: np.maximum(a, 0), lambda h: h > 0),
    "tanh": (np.tanh, lambda h: 1 - h * h),
}


def prepare(load: Workload) -> Callable[[], float]:
    """Return a function that trains one epoch and returns its mean loss."""
    rng = np.random.default_rng(0)
    f, df = ACTIVATIONS[load.activation]
    x_all = load.rows()
    if x_all.dtype == np.uint8:
        x_all = x_all.astype(np.float32) / np.float32(255)
    params = [
        rng.uniform(-(n_in**-0.5), n_in**-0.5, shape).astype(np.float32)
        for n_in, n_out in load.layers
        for shape in ((n_in, n_out), (n_out,))
    ]
    depth = len(load.hidden) + 1
    params.append(np.zeros(load.n_features, np.float32))  # log-variance of a Gaussian
    m, v = ([np.zeros_like(p) for p in params] for _ in range(2))
    steps = [0]

    def stack(h: Any, layers: range) -> list[Any]:
        tape = [h]
        for k in layers:
            h = h @ params[2 * k] + params[2 * k + 1]
            tape.append(h if k == layers[-1] else f(h))
        return tape

    def back(grad: Any, tape: list[Any], layers: range, grads: list[Any], to_input: bool) -> Any:
        for k in reversed(layers):
            h = tape[k - layers[0]]
            grads[2 * k], grads[2 * k + 1] = h.T @ grad, grad.sum(axis=0)
            if k > layers[0] or to_input:
                grad = grad @ params[2 * k].T
            if k > layers[0]:
                grad = grad * df(h)
        return grad

    def step(x: Any) -> float:
        n = np.float32(len(x))
        encoder, decoder = range(depth), range(depth, 2 * depth)
        tape = stack(x, encoder)
        loc, log_variance = tape[-1][:, : load.latent], tape[-1][:, load.latent :]
        noise = rng.standard_normal(loc.shape, np.float32)
        scale = np.exp(0.5 * log_variance)
        outwards = stack(loc + scale * noise, decoder)
        output, s = outwards[-1], params[-1]
        grads = [np.zeros(0)] * len(params)
        if load.likelihood == "bernoulli":
            e = np.exp(-np.abs(output))
            reconstruction = np.maximum(output, 0) + np.log1p(e) - x * output
            grad = (np.where(output >= 0, 1, e) / (1 + e) - x) / n
            grads[-1] = np.zeros_like(s)
        else:
            residual, precision = output - x, np.exp(-s)
            reconstruction = 0.5 * (np.float32(1.837877) + s + residual**2 * precision)
            grad = residual * precision / n
            grads[-1] = 0.5 * (1 - residual**2 * precision).sum(axis=0) / n
        kl = 0.5 * (loc**2 + np.exp(log_variance) - 1 - log_variance)
        grad_z = back(grad, outwards, decoder, grads, True)
        grad_loc = grad_z + loc / n
        grad_log_variance = grad_z * 0.5 * scale * noise + 0.5 * (scale**2 - 1) / n
        back(np.hstack([grad_loc, grad_log_variance]), tape, encoder, grads, False)
        steps[0] += 1
        t = steps[0]
        for p, g, a, b in zip(params, grads, m, v, strict=True):
            a *= 0.9
            a += 0.1 * g
            b *= 0.999
            b += 0.001 * g * g
            p -= 1e-3 / (1 - 0.9**t) * a / (np.sqrt(b / (1 - 0.999**t)) + 1e-8)
        return float(reconstruction.sum() + kl.sum())

    def epoch() -> float:
        order = rng.permutation(len(x_all))
        batches = range(0, len(order), load.batch_size)
        total = sum(step(x_all[order[i : i + load.batch_size]]) for i in batches)
        return total / len(x_all)

    return epoch
