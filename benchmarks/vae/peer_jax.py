"""JAX at its best settings: an epoch is one jitted scan over batches, its state donated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from workloads import Workload, stacks

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}
Params = dict[str, Any]


def initial(load: Workload, key: Any) -> Params:
    stacks = {
        "encoder": [load.n_features, *load.hidden, 2 * load.latent],
        "decoder": [load.latent, *load.hidden[::-1], load.n_features],
    }
    params: Params = {}
    for name, widths in stacks.items():
        params[name] = []
        for n_in, n_out in pairwise(widths):
            key, key_w, key_b = jax.random.split(key, 3)
            bound = n_in**-0.5
            params[name].append(
                (
                    jax.random.uniform(key_w, (n_in, n_out), minval=-bound, maxval=bound),
                    jax.random.uniform(key_b, (n_out,), minval=-bound, maxval=bound),
                )
            )
    if load.likelihood == "gaussian":
        params["log_variance"] = jnp.zeros(load.n_features)
    return params


def mlp(layers: list[Any], activation: Any, x: Any) -> Any:
    for weight, bias in layers[:-1]:
        x = activation(x @ weight + bias)
    weight, bias = layers[-1]
    return x @ weight + bias


def reconstruction(params: Params, x: Any, output: Any) -> Any:
    if "log_variance" not in params:
        return jax.nn.softplus(output) - x * output
    s = params["log_variance"]
    return 0.5 * (1.8378770664093453 + s + (x - output) ** 2 * jnp.exp(-s))


def loss_of(load: Workload, params: Params, x: Any, noise: Any) -> Any:
    activation = ACTIVATIONS[load.activation]
    loc, log_variance = jnp.split(mlp(params["encoder"], activation, x), 2, axis=1)
    z = loc + jnp.exp(0.5 * log_variance) * noise
    output = mlp(params["decoder"], activation, z)
    kl = -0.5 * jnp.sum(1 + log_variance - loc**2 - jnp.exp(log_variance))
    return (jnp.sum(reconstruction(params, x, output)) + kl) / len(x)


def prepare(load: Workload) -> Callable[[], float]:
    """Return a function that trains one epoch and returns its mean loss."""
    x = jnp.asarray(load.rows())
    if x.dtype == jnp.uint8:
        x = x.astype(jnp.float32) / 255
    n_batches = len(x) // load.batch_size
    tree = jax.tree.map

    def step(carry: Any, rows: Any) -> Any:
        params, m, v, t, key = carry
        key, now = jax.random.split(key)
        noise = jax.random.normal(now, (len(rows), load.latent))
        loss, grads = jax.value_and_grad(partial(loss_of, load))(params, x[rows], noise)
        t = t + 1
        m = tree(lambda a, g: 0.9 * a + 0.1 * g, m, grads)
        v = tree(lambda a, g: 0.999 * a + 0.001 * g * g, v, grads)
        rate, root = 1e-3 / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        params = tree(lambda p, a, b: p - rate * a / (jnp.sqrt(b) / root + 1e-8), params, m, v)
        return (params, m, v, t, key), loss

    @partial(jax.jit, donate_argnums=0)
    def epoch(carry: Any) -> Any:
        params, m, v, t, key = carry
        key, now = jax.random.split(key)
        rows = jax.random.permutation(now, len(x))[: n_batches * load.batch_size]
        return jax.lax.scan(step, (params, m, v, t, key), rows.reshape(n_batches, -1))

    params = initial(load, jax.random.key(0))
    carry = [(params, tree(jnp.zeros_like, params), tree(jnp.zeros_like, params), jnp.float32(0),
              jax.random.key(1))]  # fmt: skip

    def run() -> float:
        carry[0], losses = epoch(carry[0])
        return float(losses.mean())

    return run


def inference(
    load: Workload,
    pictures: NDArray[np.uint8],
    n_samples: int,
    trained: dict[str, NDArray[np.float32]],
) -> dict[str, Callable[[], Any]]:
    """Return functions that encode, decode and score pictures with `n_samples` each."""
    params: Params = {
        side: [(jnp.asarray(weight.T), jnp.asarray(bias)) for weight, bias in layers]
        for side, layers in stacks(trained, load).items()
    }
    activation, n = ACTIVATIONS[load.activation], len(pictures)
    x = jnp.asarray(pictures).astype(jnp.float32) / 255
    z = jax.random.normal(jax.random.key(2), (n, load.latent))
    encoder = jax.jit(lambda x: mlp(params["encoder"], activation, x))
    decoder = jax.jit(lambda z: jax.nn.sigmoid(mlp(params["decoder"], activation, z)))

    def score(row_and_key: Any) -> Any:
        row, key = row_and_key
        loc, log_variance = jnp.split(mlp(params["encoder"], activation, row[None]), 2, axis=1)
        noise = jax.random.normal(key, (n_samples, load.latent))
        z = loc + jnp.exp(0.5 * log_variance) * noise
        log_ratio = 0.5 * (noise**2 + log_variance - z**2).sum(axis=1)
        output = mlp(params["decoder"], activation, z)
        log_weight = log_ratio - reconstruction(params, row, output).sum(axis=1)
        return jax.nn.logsumexp(log_weight) - jnp.log(n_samples)

    scores = jax.jit(lambda x, keys: jax.lax.map(score, (x, keys)))
    keys = jax.random.split(jax.random.key(3), n)
    return {
        "encode": lambda: encoder(x).block_until_ready(),
        "decode": lambda: decoder(z).block_until_ready(),
        "likelihood": lambda: float(scores(x, keys).mean()),
    }
