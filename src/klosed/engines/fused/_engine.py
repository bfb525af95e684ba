"""The engine's face: what the reference engine offers, and training steps in bulk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.engines.base import Loss, check_batch
from klosed.engines.fused._inference import infer
from klosed.engines.fused._network import Network, address
from klosed.engines.fused._tables import RULES, Block, Int, Layer, Pass, Real, Rule
from klosed.engines.fused._trainer import Job, Trainer, run_on_threads, threads_for
from klosed.engines.fused.blas import load_blas
from klosed.models.parameters import Parameters, check_parameters, initialize
from klosed.models.scaling import Scaling
from klosed.models.spec import VAESpec

__all__ = ["FusedEngine"]

Array = NDArray[Any]
_ROWS_A_BLOCK = 256


class FusedEngine:
    """A dense VAE in compiled code: the loss and gradient of the reference engine, faster.

    A few threads take the rows of a batch through forward and backward pass; then each takes
    tiles of weights and applies the optimizer while the tile's gradient is in the cache. Results
    are the same bit for bit on the same number of threads, and agree up to rounding on others.

    Parameters
    ----------
    spec : VAESpec
    threads : int, optional
        At most so many; by default one for each processor that this process may use.

    Notes
    -----
    docs/engines.md describes how it works and what was measured.
    """

    name = "fused"

    def __init__(self, spec: VAESpec, threads: int | None = None) -> None:
        from joblib import cpu_count

        self.spec = spec
        self.threads = threads or cpu_count()
        self._network = Network(spec)

    def init(self, seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
        """Return fresh parameters; a function of (spec, seed)."""
        return initialize(self.spec, seed, dtype)

    def encode(self, params: Parameters, x: Array) -> tuple[Array, Array]:
        """Return (loc, log_variance) of q(z | x), each of shape (batch, n_components)."""
        both = self._infer(Pass.ENCODE, params, x, width=2 * self.spec.n_components)
        loc, log_variance = np.split(both, 2, axis=1)
        return np.ascontiguousarray(loc), np.ascontiguousarray(log_variance)

    def decode(self, params: Parameters, z: Array) -> Array:
        """Return the decoder's output (logits or means), shape (batch, n_features)."""
        return self._infer(Pass.DECODE, params, z, width=self.spec.n_features)

    def loss(self, params: Parameters, x: Array, noise: Array, *, beta: float = 1.0) -> Loss:
        """Return −ELBO in nats per example, without gradients."""
        x, noise = self._check(params, x, noise)
        scores = np.empty((len(x), 2))
        self._infer(Pass.LOSS, params, x, noise, scores)
        reconstruction, kl = scores.mean(axis=0)
        return Loss(float(reconstruction), float(kl), beta)

    def loss_and_grad(
        self, params: Parameters, x: Array, noise: Array, *, beta: float = 1.0
    ) -> tuple[Loss, Parameters]:
        """Return −ELBO in nats per example, and its gradient by parameter name.

        Parameters
        ----------
        params : mapping of name to array
            As `init` returns them.
        x : array of shape (batch, n_features)
        noise : array of shape (batch, n_components)
            The standard normal ε of the reparameterisation.
        beta : float, default 1
            Weight of the KL term.
        """
        x, noise = self._check(params, x, noise)
        network = self._network
        grads = {name: np.empty_like(array, order="C") for name, array in params.items()}
        network.adopt(grads)
        threads = threads_for(network, len(x), self.threads)
        job = Job(network, len(x), noise.dtype, threads)
        kept = network.bind(job.layers, params, Layer.WEIGHT, Layer.BIAS)
        network.bind(job.layers, grads, Layer.WEIGHT_GRAD, Layer.BIAS_GRAD)
        job.blocks, more = network.blocks(params, noise.dtype)
        for name in network.free:
            job.blocks[0, Block.GRAD] = address(grads[name])
        job.set_data(x, Scaling.none())
        job.ints[Int.RULE], job.reals[Real.BETA] = Rule.KEEP, beta
        with one_thread_a_product():
            _, losses = job.run(np.arange(len(x)), noise, 1)
        del kept, more
        return Loss(float(losses[0, 0]), float(losses[0, 1]), beta), grads

    def trainer(
        self,
        params: Parameters,
        moments: Parameters,
        optimizer: Any,
        x: Array,
        scaling: Scaling,
        *,
        batch_size: int,
        beta: float,
        noise: Callable[[int, int], Array],
    ) -> Trainer | None:
        """Return what runs many steps in one call; None for an optimizer that is not built in."""
        if optimizer.name not in RULES:
            return None
        return Trainer(
            self._network, params, moments, optimizer, x, scaling,
            batch_size=batch_size, beta=beta, noise=noise, threads=self.threads,
        )  # fmt: skip

    def _check(self, params: Parameters, x: Array, noise: Array) -> tuple[Array, Array]:
        check_parameters(self.spec, params)
        dtype = params["encoder.loc.weight"].dtype
        x = np.ascontiguousarray(x, dtype)
        noise = np.ascontiguousarray(noise, dtype)
        check_batch(self.spec, x, noise)
        return x, noise

    def _infer(
        self,
        kind: Pass,
        params: Parameters,
        x: Array,
        noise: Array | None = None,
        scores: Array | None = None,
        width: int = 0,
    ) -> Array:
        """Take rows through the network on a few threads; rows are independent of each other."""
        network = self._network
        dtype = params["encoder.loc.weight"].dtype
        x = np.ascontiguousarray(x, dtype)
        threads = threads_for(network, len(x) // 4, self.threads)
        jobs = [Job(network, min(len(x), _ROWS_A_BLOCK), dtype, 1) for _ in range(threads)]
        results = np.empty((len(x), width), dtype)
        noise = np.empty((0, 0), dtype) if noise is None else noise
        scores = np.empty((0, 2)) if scores is None else scores
        kept = []
        for job in jobs:
            kept += network.bind(job.layers, params, Layer.WEIGHT, Layer.BIAS)
            job.blocks, more = network.blocks(params, dtype)
            kept += more
            job.set_data(x, Scaling.none())

        def part(i: int) -> None:
            first, last = len(x) * i // threads, len(x) * (i + 1) // threads
            job = jobs[i]
            infer(
                kind, first, last, job.layers, job.blocks, job.ints, noise, results, scores,
                dtype.type(1),
            )  # fmt: skip

        with one_thread_a_product():
            run_on_threads(part, threads, ())
        del kept
        return results


@cache
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread_a_product() -> AbstractContextManager[Any]:
    """Keep the BLAS from starting threads of its own beside ours."""
    if load_blas().is_private:
        return nullcontext()
    limit: AbstractContextManager[Any] = _pools().limit(limits=1, user_api="blas")
    return limit
