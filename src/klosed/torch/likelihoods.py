"""−log p(x | z) of every likelihood in PyTorch operations, whose backward passes PyTorch knows.

The formulas, their sources and their derivatives by hand stand in klosed.models.likelihoods.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812  (the name every PyTorch user knows)
from torch import Tensor

from klosed.models.likelihoods import Blocks, likelihood_of
from klosed.models.likelihoods.gaussian import LOG_2PI
from klosed.models.likelihoods.student_t import _DF_AT_START
from klosed.models.spec import VAESpec

__all__ = ["Block", "blocks_of"]

# (spec, free parameter by its last name, output, x) -> −log p of each entry
Terms = Callable[[VAESpec, Callable[[str], Tensor], Tensor, Tensor], Tensor]


class Block:
    """One likelihood over a slice of the columns."""

    def __init__(
        self, spec: VAESpec, name: str, columns: slice, outputs: slice, prefix: str
    ) -> None:
        self.spec, self.name, self.prefix = spec, name, prefix
        self.columns, self.outputs = columns, outputs

    def terms(self, free: Callable[[str], Tensor], output: Tensor, x: Tensor) -> Tensor:
        """Return −log p(x | z) of each entry of the block, in nats."""
        return _TERMS[self.name](
            self.spec,
            lambda name: free(self.prefix + name),
            output[:, self.outputs],
            x[:, self.columns],
        )

    def mean(self, output: Tensor) -> Tensor:
        """Return E[x | z] of the block's columns."""
        return _MEANS[self.name](output[:, self.outputs])


def blocks_of(spec: VAESpec) -> list[Block]:
    """Return the likelihood of `spec` block by block; one block where it is a single name."""
    if isinstance(spec.likelihood, str):
        return [Block(spec, spec.likelihood, slice(None), slice(None), "")]
    blocks = cast(Blocks, likelihood_of(spec))
    return [
        Block(spec, name, columns, outputs, f"{i}.")
        for i, ((name, _), (_, columns, outputs)) in enumerate(
            zip(spec.likelihood, blocks.parts, strict=True)
        )
    ]


def _bernoulli(spec: VAESpec, free: Callable[[str], Tensor], a: Tensor, x: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(a, x, reduction="none")


def _categorical(spec: VAESpec, free: Callable[[str], Tensor], a: Tensor, x: Tensor) -> Tensor:
    return -x * F.log_softmax(a, dim=1)


def _gaussian(spec: VAESpec, free: Callable[[str], Tensor], m: Tensor, x: Tensor) -> Tensor:
    log_v = _log_variance(spec, free, m)
    return 0.5 * (LOG_2PI + log_v + (x - m).square() * torch.exp(-log_v))


def _heteroscedastic(
    spec: VAESpec, free: Callable[[str], Tensor], output: Tensor, x: Tensor
) -> Tensor:
    m, s = output.chunk(2, dim=1)
    log_v = _floored(spec, s)
    return 0.5 * (LOG_2PI + log_v + (x - m).square() * torch.exp(-log_v))


def _student_t(spec: VAESpec, free: Callable[[str], Tensor], m: Tensor, x: Tensor) -> Tensor:
    log_v = _log_variance(spec, free, m)
    nu = _DF_AT_START * torch.exp(_wide(free("log_df")))
    constant = torch.lgamma(nu / 2) - torch.lgamma((nu + 1) / 2) + 0.5 * torch.log(math.pi * nu)
    w = (x - m).square() * torch.exp(-log_v) / nu.to(m.dtype)
    return 0.5 * log_v + (0.5 * (nu + 1)).to(m.dtype) * torch.log1p(w) + constant.to(m.dtype)


def _poisson(spec: VAESpec, free: Callable[[str], Tensor], a: Tensor, x: Tensor) -> Tensor:
    return torch.exp(a) - x * a + torch.lgamma(x + 1)


def _negative_binomial(
    spec: VAESpec, free: Callable[[str], Tensor], a: Tensor, x: Tensor
) -> Tensor:
    s, counts = _wide(free("log_total_count")), _wide(x)
    r, u = torch.exp(s), _wide(a) - s
    softplus = torch.logaddexp(torch.zeros_like(u), u)
    constant = torch.lgamma(r) + torch.lgamma(counts + 1) - torch.lgamma(counts + r)
    return (counts * (softplus - u) + r * softplus + constant).to(a.dtype)


_TERMS: dict[str, Terms] = {
    "bernoulli": _bernoulli,
    "categorical": _categorical,
    "gaussian": _gaussian,
    "heteroscedastic_gaussian": _heteroscedastic,
    "student_t": _student_t,
    "poisson": _poisson,
    "negative_binomial": _negative_binomial,
}

_MEANS: dict[str, Callable[[Tensor], Tensor]] = {
    "bernoulli": torch.sigmoid,
    "categorical": lambda a: torch.softmax(a, dim=1),
    "gaussian": lambda m: m,
    "heteroscedastic_gaussian": lambda a: a.chunk(2, dim=1)[0],
    "student_t": lambda m: m,
    "poisson": torch.exp,
    "negative_binomial": torch.exp,
}


def _log_variance(spec: VAESpec, free: Callable[[str], Tensor], output: Tensor) -> Tensor:
    """Return log v, with v = min_variance + exp(s) where s is learned."""
    if not isinstance(spec.variance, str):
        return torch.full((1,), math.log(spec.variance), dtype=output.dtype, device=output.device)
    return _floored(spec, free("log_variance"))


def _floored(spec: VAESpec, s: Tensor) -> Tensor:
    """Return log(min_variance + exp(s))."""
    # numbers that a tensor is filled with need no copy to the device, which would wait for it
    if isinstance(spec.min_variance, tuple):
        floor = torch.tensor(spec.min_variance, dtype=s.dtype, device=s.device).log()
    elif spec.min_variance == 0:
        return s
    else:
        floor = torch.full_like(s, math.log(spec.min_variance))
    return torch.logaddexp(s, floor)


def _wide(t: Tensor) -> Tensor:
    """Return float64, for terms that nearly cancel; Apple's devices have none."""
    return t if t.device.type == "mps" else t.double()
