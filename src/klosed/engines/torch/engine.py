"""The torch engine: VAEModule on any device, behind the interface of every engine.

The arithmetic is done in the parameters' dtype, or under autocast in bfloat16.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch.func import functional_call

from klosed.engines.base import Loss, Task, check_batch
from klosed.engines.torch.processes import Processes
from klosed.engines.torch.stepper import TorchStepper
from klosed.errors import ParameterError
from klosed.models.likelihoods import likelihood_of
from klosed.models.parameters import Parameters, check_parameters, initialize
from klosed.models.spec import VAESpec
from klosed.torch import LossTerms, VAEModule

__all__ = ["DEVICES", "PRECISIONS", "TorchEngine", "choose_device"]

Array = NDArray[Any]

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("float32", "bf16")


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name; "auto" is an accelerator where there is one, else cpu.

    Raises
    ------
    ParameterError
        No such device is present.
    """
    kinds = {"cuda": torch.cuda, "mps": torch.backends.mps}
    present = [kind for kind, backend in kinds.items() if backend.is_available()]
    if name == "auto":
        return torch.device(present[0] if present else "cpu")
    kind = name.split(":")[0]
    if kind not in DEVICES[1:]:
        raise ParameterError(f"device must be one of {', '.join(DEVICES)}; got {name!r}.")
    if kind != "cpu" and kind not in present:
        raise ParameterError(
            f"device {name} is not present here; PyTorch {torch.__version__} sees "
            f"{', '.join(['cpu', *present])}. Leave it out, or install a PyTorch built for it."
        )
    return torch.device(name)


class TorchEngine:
    """A dense VAE computed by PyTorch.

    Parameters
    ----------
    spec : VAESpec
    device : {"auto", "cpu", "cuda", "mps"} or a name such as "cuda:1"
    precision : {"float32", "bf16"}
        bf16 multiplies matrices in bfloat16 under autocast; parameters, their gradients and
        the loss stay float32.
    compile : bool, default False
        Let torch.compile fuse the forward and backward passes of training.
    graph : bool, default True
        On a CUDA device and in one process, capture each training step as one CUDA graph.
    processes : Processes, optional
        Those that train together, from `Processes.join`; only this one by default.
    """

    name = "torch"

    def __init__(
        self,
        spec: VAESpec,
        *,
        device: str = "auto",
        precision: str = "float32",
        compile: bool = False,
        graph: bool = True,
        processes: Processes | None = None,
    ) -> None:
        if precision not in PRECISIONS:
            raise ParameterError(
                f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}."
            )
        self.spec, self.precision = spec, precision
        self.compile, self.graph = compile, graph
        self.processes = processes or Processes()
        self.device = choose_device(device)
        self._module = VAEModule(spec)  # its parameters are replaced on every call

    def init(self, seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
        """Return fresh parameters; a function of (spec, seed)."""
        return initialize(self.spec, seed, dtype)

    def encode(self, params: Parameters, x: Array) -> tuple[Array, Array]:
        """Return (loc, log_variance) of q(z | x), each of shape (batch, n_components)."""
        x = likelihood_of(self.spec).encoder_input(np.asarray(x))
        loc, log_variance = self._without_grad(self._module.encoder, "encoder.", params, x)
        return _array(loc), _array(log_variance)

    def decode(self, params: Parameters, z: Array) -> Array:
        """Return the decoder's output (logits or means), shape (batch, n_features)."""
        return _array(self._without_grad(self._module.decoder, "decoder.", params, z))

    def loss(self, params: Parameters, x: Array, noise: Array, *, beta: float = 1.0) -> Loss:
        """Return −ELBO in nats per example, without gradients."""
        self._check(params, x, noise)
        return _loss(self._without_grad(self._module, "", params, x, noise), beta)

    def loss_and_grad(
        self, params: Parameters, x: Array, noise: Array, *, beta: float = 1.0
    ) -> tuple[Loss, Parameters]:
        """Return −ELBO in nats per example, and its gradient by parameter name."""
        self._check(params, x, noise)
        tensors = {k: self._tensor(params, a).requires_grad_() for k, a in params.items()}
        with self.autocast():
            args = self._tensor(params, x), self._tensor(params, noise)
            terms = functional_call(self._module, tensors, args)
        grads = torch.autograd.grad(terms.loss(beta), list(tensors.values()))
        return _loss(terms, beta), {k: _array(g) for k, g in zip(tensors, grads, strict=True)}

    def stepper(self, task: Task) -> TorchStepper:
        """Return what trains on this engine's device, by all its processes together."""
        return TorchStepper(self, task, self.processes)

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which the model runs at this engine's precision."""
        return torch.autocast(
            self.device.type,
            dtype=torch.bfloat16,
            enabled=self.precision == "bf16",
            cache_enabled=False,  # a cached copy of a weight would outlive a captured graph
        )

    def _without_grad(
        self, part: torch.nn.Module, prefix: str, params: Parameters, *arrays: Array
    ) -> Any:
        """Return part(*arrays), with the parameters whose names start with its prefix."""
        tensors = {
            name.removeprefix(prefix): self._tensor(params, array)
            for name, array in params.items()
            if name.startswith(prefix)
        }
        with torch.no_grad(), self.autocast():
            return functional_call(part, tensors, tuple(self._tensor(params, a) for a in arrays))

    def _check(self, params: Parameters, x: Array, noise: Array) -> None:
        check_parameters(self.spec, params)
        check_batch(self.spec, np.asarray(x), np.asarray(noise))

    def _tensor(self, params: Parameters, array: Array) -> torch.Tensor:
        """Return the array on the device, in the parameters' dtype."""
        dtype = params["encoder.loc.weight"].dtype
        return torch.tensor(np.asarray(array, dtype), device=self.device)


def _loss(terms: LossTerms, beta: float) -> Loss:
    reconstruction, kl = (float(term.detach().mean()) for term in terms)
    return Loss(reconstruction, kl, beta)


def _array(t: torch.Tensor) -> Array:
    array: Array = (t.float() if t.dtype == torch.bfloat16 else t).detach().cpu().numpy()
    return array
