"""The engine's face: what the reference engine offers, and training steps in bulk."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.engines.base import Loss, Stepper, Task, check_batch
from klosed.engines.fused._amx import has_amx
from klosed.engines.fused._compile import collect_wanted
from klosed.engines.fused._folding import samples_to_fold
from klosed.engines.fused._job import Job, terms_for, threads_for
from klosed.engines.fused._network import KINDS, Network, blocks_of
from klosed.engines.fused._scoring import Scorer
from klosed.engines.fused._small_job import SmallJob, is_small
from klosed.engines.fused._sparse import may_pay
from klosed.engines.fused._stepper import FusedStepper
from klosed.engines.fused._steps import run
from klosed.engines.fused._tables import RULES, Block, Int, Layer, Pass, Real, Rule
from klosed.engines.fused._together import compile_together
from klosed.engines.fused.blas import load_blas
from klosed.errors import SpecError
from klosed.models.parameters import Parameters, check_parameters, initialize
from klosed.models.scaling import Scaling
from klosed.models.spec import VAESpec

__all__ = ["PRECISIONS", "FusedEngine", "supports"]

Array = NDArray[Any]
_BLOCKS_A_THREAD, _LEAST_ROWS, _MOST_ROWS = 2, 32, 256  # when a model is used
# precision -> bfloat16 numbers that stand for a float32 number in products; 0 for itself
PRECISIONS = {"float32": 0, "bf16x6": 3, "bf16x3": 2, "bf16": 1}


def supports(spec: VAESpec) -> bool:
    """Return True if the fused engine has all of the spec's likelihoods."""
    return all(name in KINDS for name, _, _ in blocks_of(spec))


class FusedEngine:
    """A dense VAE in compiled code: the loss and gradient of the reference engine, faster.

    A few threads take the rows of a batch through forward and backward pass; then each takes
    tiles of weights and applies the optimizer while the tile's gradient is in the cache. Results
    are the same bit for bit on the same number of threads, and agree up to rounding on others.

    Parameters
    ----------
    spec : VAESpec
        Any MLP, with any likelihood or blocks of several.
    threads : int, optional
        At most so many; by default one for each processor that this process may use.
    precision : {"float32", "bf16x6", "bf16x3", "bf16"}
        How training multiplies float32 matrices, on processors with AMX. bf16 rounds them to
        bfloat16, 8 binary digits; bf16x3 and bf16x6 take two and three such numbers for each, and
        three and six products, which have 16 and 24 digits: as many as float32. Sums, parameters
        and all else are float32. Elsewhere, for batches of fewer than 48 rows a thread, and for
        networks that fit into a core's cache, it is float32.

    Raises
    ------
    SpecError
        The spec has a likelihood that this engine has not, or the precision is unknown.

    Notes
    -----
    docs/engines.md describes how it works and what was measured.
    """

    name = "fused"

    def __init__(
        self, spec: VAESpec, *, threads: int | None = None, precision: str = "float32"
    ) -> None:
        from joblib import cpu_count

        if not supports(spec):
            raise SpecError(
                f"the fused engine has the likelihoods {', '.join(KINDS)}; got "
                f"{spec.likelihood!r}. Use the reference engine."
            )
        if precision not in PRECISIONS:
            raise SpecError(f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}.")
        self.spec, self.precision = spec, precision
        self.threads = threads or cpu_count()
        self._network = Network(spec)

    def init(self, seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
        """Return fresh parameters; a function of (spec, seed)."""
        return initialize(self.spec, seed, dtype)

    @property
    def advice(self) -> str | None:
        """What would make this engine faster here; None if nothing is known."""
        if PRECISIONS[self.precision] and not has_amx():
            return (
                f"precision {self.precision} needs a processor with AMX, and Linux; products are "
                "computed in float32."
            )
        return load_blas().advice

    def prepare(
        self,
        dtype: DTypeLike = np.float32,
        *,
        steps: bool = True,
        scoring: bool = False,
        optimizer: str = "adam",
        batch_size: int = 1,
    ) -> None:
        """Compile for a number type, or load what was compiled before: seconds the first time.

        Otherwise it happens at the first use. Only what this spec needs is compiled: with `steps`
        for training with an optimizer, in batches of about that size, with `scoring` for importance
        sampling, and for using a model always. A few other processes help where that takes long,
        at most as many as there are threads.
        """
        prepare = partial(
            self._prepare, dtype,
            steps=steps, scoring=scoring, optimizer=optimizer, batch_size=batch_size,
        )  # fmt: skip
        with collect_wanted() as wanted:
            prepare()
        if wanted:
            compile_together(wanted, self.threads)
            prepare()

    def _prepare(
        self, dtype: DTypeLike, *, steps: bool, scoring: bool, optimizer: str, batch_size: int
    ) -> None:
        network = self._network
        params, x = self.init(0, dtype), np.empty((0, self.spec.n_features), dtype)
        if steps and optimizer in RULES:
            stepping: Job
            if is_small(network, np.dtype(dtype).itemsize):
                stepping = SmallJob(network, params, {}, x, Scaling.none(), batch=1, threads=1)
            else:
                threads = threads_for(network, batch_size, self.threads)
                terms = self._terms(dtype, batch_size, threads)
                stepping = Job(
                    network, params, x, Scaling.none(), batch=1, threads=threads, trains=True,
                    terms=terms,
                    is_sparse=not terms and may_pay(network.layers[0].n_in, network.head),
                )  # fmt: skip
            stepping.ints[Int.RULE] = RULES[optimizer][0]
            stepping.prepare_steps()
        Job(network, params, x, Scaling.none(), batch=1, threads=1).prepare_inference()
        if scoring:
            n, k = self.spec.n_features, self.spec.n_components
            one, noise = np.ones((1, k)), np.zeros((1, samples_to_fold(k), k))
            self.scorer(params)(np.ones((1, n)), one, one, noise)

    @staticmethod
    def compiled_code() -> str | None:
        """Return the folder that keeps compiled code; None where there is none."""
        return run.folder(np.float32)

    def encode(self, params: Parameters, x: Array) -> tuple[Array, Array]:
        """Return (loc, log_variance) of q(z | x), each of shape (batch, n_components)."""
        k = self.spec.n_components
        both = np.empty((len(x), 2 * k), _dtype(params))
        self._infer(Pass.ENCODE, params, x=x, results=both)
        return both[:, :k].copy(), both[:, k:].copy()

    def decode(self, params: Parameters, z: Array) -> Array:
        """Return the decoder's output (logits, means, …), shape (batch, n_outputs)."""
        output = np.empty((len(z), self._network.layers[-1].n_out), _dtype(params))
        self._infer(Pass.DECODE, params, latent=z, results=output)
        return output

    def scorer(self, params: Parameters) -> Scorer:
        """Return a function for importance sampling; see `Scorer`."""
        return Scorer(self._network, params)

    def loss(self, params: Parameters, x: Array, noise: Array, *, beta: float = 1.0) -> Loss:
        """Return −ELBO in nats per example, without gradients."""
        x, noise = self._check(params, x, noise)
        scores = np.empty((len(x), 2))
        self._infer(Pass.LOSS, params, x=x, latent=noise, scores=scores)
        reconstruction, kl = scores.mean(axis=0).tolist()
        return Loss(reconstruction, kl, beta)

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
        threads = threads_for(network, len(x), self.threads)
        job = Job(
            network, params, x, Scaling.none(),
            batch=len(x), threads=threads, trains=True,
            terms=self._terms(_dtype(params), len(x), threads),
        )  # fmt: skip
        grads = network.arrays({name: np.empty_like(a) for name, a in job.params.items()})
        network.bind(job.layers, grads, Layer.WEIGHT_GRAD, Layer.BIAS_GRAD)
        network.bind_blocks(job.blocks, grads, Block.GRAD, Block.SHAPE_GRAD)
        panels = job.in_panels(grads, Layer.WEIGHT_GRAD)
        job.ints[Int.RULE], job.reals[Real.BETA] = Rule.KEEP, beta
        losses = np.zeros((1, 2))
        job.prepare_steps()
        job.run_steps(np.arange(len(x)), noise, losses)
        for each in panels:
            each.write_back()
        reconstruction, kl = losses[0].tolist()
        return Loss(reconstruction, kl, beta), {name: grads[name] for name in params}

    def stepper(self, task: Task) -> Stepper | None:
        """Return what takes many steps in one call; None for an optimizer that is not built in."""
        if task.optimizer.name not in RULES:
            return None
        return FusedStepper(self._network, task, self.threads, PRECISIONS[self.precision])

    def _terms(self, dtype: DTypeLike, batch: int, threads: int) -> int:
        return terms_for(np.dtype(dtype), batch, threads, PRECISIONS[self.precision])

    def _check(self, params: Parameters, x: Array, noise: Array) -> tuple[Array, Array]:
        check_parameters(self.spec, params)
        x = np.ascontiguousarray(x, _dtype(params))
        noise = np.ascontiguousarray(noise, _dtype(params))
        check_batch(self.spec, x, noise)
        return x, noise

    def _infer(
        self,
        kind: Pass,
        params: Parameters,
        *,
        x: Array | None = None,
        latent: Array | None = None,
        results: Array | None = None,
        scores: Array | None = None,
    ) -> None:
        """Take rows through the network on a few threads; rows are independent of each other."""
        network, dtype = self._network, _dtype(params)
        n = len(x) if latent is None else len(latent)  # type: ignore[arg-type]
        if n == 0:
            return
        x = np.empty((0, self.spec.n_features), dtype) if x is None else np.asarray(x, dtype)
        latent = np.ascontiguousarray(np.empty((0, 0)) if latent is None else latent, dtype)
        results = np.empty((0, 0), dtype) if results is None else results
        scores = np.empty((0, 2)) if scores is None else scores
        # a pass forward has a third of the products of a step
        threads = threads_for(network, n // 3, self.threads)
        # one block, or some for each thread: processors may be of different speed
        rows = min(max(-(-n // (_BLOCKS_A_THREAD * threads)), _LEAST_ROWS), _MOST_ROWS)
        job = Job(network, params, x, Scaling.none(), batch=rows * threads, threads=threads)
        job.prepare_inference()
        job.infer(kind, n, latent, results, scores)


def _dtype(params: Parameters) -> np.dtype[Any]:
    return params["encoder.loc.weight"].dtype
