"""What every likelihood offers, and how missing entries are left out. Imports only models.spec."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from klosed.models.spec import VAESpec

__all__ = ["Array", "Entrywise", "Likelihood", "observed"]

Array = NDArray[Any]


def observed(values: Array, x: Array) -> Array:
    """Return `values` with 0 where x is NaN: log p of what was observed sums over the rest."""
    missing = np.isnan(x)
    return np.where(missing, 0, values) if missing.any() else values


class Likelihood(ABC):
    """p(x | z) with independent features (or blocks of them), given the decoder's output.

    Parameters
    ----------
    spec : VAESpec
    width : int, optional
        Number of columns, by default the spec's `n_features`.
    prefix : str, default "decoder"
        What the names of free parameters begin with.

    Notes
    -----
    With NaN for what is missing at random, leaving its terms out is exact: the features are
    independent given z, so the missing ones integrate to 1. Nazábal, Olmos, Ghahramani and
    Valera (2020), "Handling incomplete heterogeneous data using VAEs", arXiv:1807.03653, eq. 2;
    Mattei and Frellsen (2019), "MIWAE", arXiv:1812.02633, eq. 4.
    """

    head: ClassVar[str]

    def __init__(self, spec: VAESpec, width: int | None = None, prefix: str = "decoder") -> None:
        self.spec = spec
        self.width = spec.n_features if width is None else width
        self.prefix = prefix

    @property
    def n_outputs(self) -> int:
        """Numbers that the decoder's last layer emits."""
        return self.width

    def free_parameters(self) -> dict[str, tuple[int, ...]]:
        """Return {name: shape} of the parameters that are not a layer's; all start at 0."""
        return {}

    @abstractmethod
    def negative_log_prob(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return −log p(x | z) of each example in nats, summed over what was observed.

        Parameters
        ----------
        params : mapping of name to array
        output : array of shape (..., n_outputs)
            What the decoder's last layer says.
        x : array that broadcasts with `output`
            NaN where nothing was observed.
        """

    @abstractmethod
    def grad(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return the gradients of Σᵢ −log p(xᵢ | zᵢ): per output, and per free parameter."""

    def encoder_input(self, x: Array) -> Array:
        """Return what the encoder reads of x: finite, and 0 where nothing was observed."""
        return observed(x, x)

    @abstractmethod
    def mean(self, output: Array) -> Array:
        """Return E[x | z], shape (batch, width)."""

    @abstractmethod
    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return a draw of x given z, shape (batch, width)."""

    @abstractmethod
    def check_support(self, low: ArrayLike, high: ArrayLike, name: str) -> None:
        """Raise DataError unless data between `low` and `high`, ends of each column, can be."""


class Entrywise(Likelihood):
    """A likelihood whose −log p is a sum over entries; NaN entries are left out here."""

    def negative_log_prob(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return the sum of the terms over what was observed."""
        total: Array = observed(self._terms(params, output, x), x).sum(axis=-1)
        return total

    def grad(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return the derivatives of the terms: per output, and summed per free parameter."""
        grad_output, free = self._grad_terms(params, output, x)
        shapes = self.free_parameters()
        return observed(grad_output, x), {
            name: _sum_to(shapes[name], observed(grad, x)) for name, grad in free.items()
        }

    @abstractmethod
    def _terms(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return −log p(x | z) of each entry; NaN where x is NaN."""

    @abstractmethod
    def _grad_terms(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return the derivative of each entry's term by its output and by each free parameter."""


def _sum_to(shape: tuple[int, ...], grads: Array) -> Array:
    """Return the sum over examples, and over features too where they share one parameter."""
    total = grads.sum(axis=0)
    return total if shape == total.shape else np.atleast_1d(total.sum())
