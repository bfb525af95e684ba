"""−log p(x | z) of every likelihood in PyTorch operations, whose backward passes PyTorch knows.

The formulas, their sources and their derivatives by hand stand in klosed.models.likelihoods.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate

import torch
import torch.nn.functional as F  # noqa: N812  (the name every PyTorch user knows)
from torch import Tensor

from klosed.models.likelihoods.gaussian import LOG_2PI
from klosed.models.likelihoods.student_t import _DF_AT_START
from klosed.models.spec import VAESpec

__all__ = ["Block", "blocks_of"]

# (spec, free parameter by its last name, output, x) -> −log p of each entry
Terms = Callable[[VAESpec, Callable[[str], Tensor], Tensor, Tensor], Tensor]


class Block:
    """One likelihood over a slice of the columns."""

    def __init__(self, spec: VAESpec, name: str, columns: slice, prefix: str) -> None:
        self.spec, self.name, self.columns, self.prefix = spec, name, columns, prefix

    def terms(self, free: Callable[[str], Tensor], output: Tensor, x: Tensor) -> Tensor:
        """Return −log p(x | z) of each entry of the block, in nats."""
        return _TERMS[self.name](
            self.spec,
            lambda name: free(self.prefix + name),
            output[:, self.columns],
            x[:, self.columns],
        )


def blocks_of(spec: VAESpec) -> list[Block]:
    """Return the likelihood of `spec` block by block; one block where it is a single name."""
    if isinstance(spec.likelihood, str):
        return [Block(spec, spec.likelihood, slice(None), "")]
    ends = accumulate(width for _, width in spec.likelihood)
    return [
        Block(spec, name, slice(end - width, end), f"{i}.")
        for i, ((name, width), end) in enumerate(zip(spec.likelihood, ends, strict=True))
    ]


def _bernoulli(spec: VAESpec, free: Callable[[str], Tensor], a: Tensor, x: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(a, x, reduction="none")


def _categorical(spec: VAESpec, free: Callable[[str], Tensor], a: Tensor, x: Tensor) -> Tensor:
    return -x * F.log_softmax(a, dim=1)


def _gaussian(spec: VAESpec, free: Callable[[str], Tensor], m: Tensor, x: Tensor) -> Tensor:
    log_v = _log_variance(spec, free, m)
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
    "student_t": _student_t,
    "poisson": _poisson,
    "negative_binomial": _negative_binomial,
}


def _log_variance(spec: VAESpec, free: Callable[[str], Tensor], output: Tensor) -> Tensor:
    """Return log v, with v = min_variance + exp(s) where s is learned."""
    if not isinstance(spec.variance, str):
        return torch.full((1,), math.log(spec.variance), dtype=output.dtype, device=output.device)
    s = free("log_variance")
    if spec.min_variance == 0:
        return s
    return torch.logaddexp(s, torch.full_like(s, math.log(spec.min_variance)))


def _wide(t: Tensor) -> Tensor:
    """Return float64, for terms that nearly cancel; Apple's devices have none."""
    return t if t.device.type == "mps" else t.double()
