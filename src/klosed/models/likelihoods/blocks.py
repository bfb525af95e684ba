"""Several likelihoods side by side, each over a block of columns: tables of mixed types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike

from klosed.models.likelihoods.base import Array, Likelihood
from klosed.models.spec import VAESpec

__all__ = ["Blocks"]


class Blocks(Likelihood):
    """−log p(x | z) = Σ over blocks, each with its own family and its slice of the output."""

    head = "output"

    def __init__(self, spec: VAESpec, parts: Sequence[Likelihood]) -> None:
        super().__init__(spec)
        columns = _slices([part.width for part in parts])
        outputs = _slices([part.n_outputs for part in parts])
        self.parts = list(zip(parts, columns, outputs, strict=True))

    @property
    def n_outputs(self) -> int:
        """Numbers that the decoder's last layer emits: those of all blocks."""
        return sum(part.n_outputs for part, _, _ in self.parts)

    def free_parameters(self) -> dict[str, tuple[int, ...]]:
        """Return those of every block."""
        free: dict[str, tuple[int, ...]] = {}
        for part, _, _ in self.parts:
            free |= part.free_parameters()
        return free

    def _joined(self, function: Callable[[Likelihood, slice, slice], Array]) -> Array:
        return np.concatenate([function(*part) for part in self.parts], axis=-1)

    def negative_log_prob(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return the sum of the blocks' −log p."""
        parts = [
            part.negative_log_prob(params, output[..., out], x[..., at])
            for part, at, out in self.parts
        ]
        return np.sum(parts, axis=0)

    def grad(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return each block's gradients: by its slice of the output, and by its parameters."""
        free: dict[str, Array] = {}
        grads = []
        for part, at, out in self.parts:
            grad, own = part.grad(params, output[..., out], x[..., at])
            grads.append(grad)
            free |= own
        return np.concatenate(grads, axis=-1), free

    def encoder_input(self, x: Array) -> Array:
        """Return what each block lets the encoder read."""
        return self._joined(lambda part, at, _: part.encoder_input(x[..., at]))

    def mean(self, output: Array) -> Array:
        """Return each block's mean."""
        return self._joined(lambda part, _, out: part.mean(output[..., out]))

    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return each block's draw."""
        return self._joined(lambda part, _, out: part.sample(params, output[..., out], rng))

    def check_support(self, low: ArrayLike, high: ArrayLike, name: str) -> None:
        """Raise DataError unless every block can have produced its columns."""
        low, high = (np.broadcast_to(end, (self.width,)) for end in (low, high))
        for part, at, _ in self.parts:
            part.check_support(low[at], high[at], name)


def _slices(widths: Sequence[int]) -> list[slice]:
    """Return where each of several neighbours of these widths lies."""
    ends = accumulate(widths)
    return [slice(end - width, end) for width, end in zip(widths, ends, strict=True)]
