"""PyTorch at its best settings: data in memory, fused Adam, no denormals; eager or compiled."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from workloads import Workload, stacks

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class VAE(nn.Module):
    """The PyTorch example's VAE for any widths: one product for both heads of the encoder."""

    def __init__(self, load: Workload) -> None:
        super().__init__()
        self.latent = load.latent
        self.encoder = mlp([load.n_features, *load.hidden, 2 * load.latent], load.activation)
        self.decoder = mlp([load.latent, *load.hidden[::-1], load.n_features], load.activation)
        gaussian = load.likelihood == "gaussian"
        self.log_variance = nn.Parameter(torch.zeros(load.n_features)) if gaussian else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        loc, log_variance = self.encoder(x).float().split(self.latent, dim=1)
        z = loc + torch.exp(0.5 * log_variance) * torch.randn_like(loc)
        return self.loss(x, loc, log_variance, self.decoder(z).float())

    def loss(
        self, x: torch.Tensor, loc: torch.Tensor, log_variance: torch.Tensor, output: torch.Tensor
    ) -> torch.Tensor:
        kl = -0.5 * torch.sum(1 + log_variance - loc.square() - log_variance.exp())
        return (self.reconstruction(x, output).sum() + kl) / len(x)

    def reconstruction(self, x: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        if self.log_variance is None:
            return binary_cross_entropy_with_logits(output, x.expand_as(output), reduction="none")
        s = self.log_variance
        return 0.5 * (1.8378770664093453 + s + (x - output).square() * torch.exp(-s))


def mlp(widths: list[int], activation: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])


def prepare(load: Workload, threads: int, *, compiled: bool, bf16: bool) -> Callable[[], float]:
    """Return a function that trains one epoch and returns its mean loss."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    model = VAE(load)
    x = torch.from_numpy(load.rows())
    if x.dtype == torch.uint8:
        x = x.float() / 255
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    loss_of = torch.compile(model) if compiled else model

    def epoch() -> float:
        total = torch.zeros(())
        for rows in torch.randperm(len(x)).split(load.batch_size):
            batch = x[rows]
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = loss_of(batch)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        return float(total) / len(x)

    return epoch


def inference(
    load: Workload,
    threads: int,
    pictures: NDArray[np.uint8],
    n_samples: int,
    params: dict[str, NDArray[np.float32]],
    *,
    compiled: bool,
) -> dict[str, Callable[[], Any]]:
    """Return functions that encode, decode and score pictures with `n_samples` each."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    model = VAE(load).eval()
    for side, layers in stacks(params, load).items():
        for linear, (weight, bias) in zip(getattr(model, side)[::2], layers, strict=True):
            linear.weight.data = torch.from_numpy(weight)
            linear.bias.data = torch.from_numpy(bias)
    x = torch.from_numpy(pictures).float() / 255
    z = torch.randn(len(x), load.latent)

    @torch.inference_mode()
    def encode() -> object:
        return model.encoder(x)

    @torch.inference_mode()
    def decode() -> object:
        return torch.sigmoid(model.decoder(z))

    def score(row: torch.Tensor) -> torch.Tensor:
        loc, log_variance = model.encoder(row[None]).split(load.latent, dim=1)
        noise = torch.randn(n_samples, load.latent)
        z = loc + torch.exp(0.5 * log_variance) * noise
        log_ratio = 0.5 * (noise.square() + log_variance - z.square()).sum(dim=1)
        log_weight = log_ratio - model.reconstruction(row, model.decoder(z)).sum(dim=1)
        return torch.logsumexp(log_weight, dim=0) - math.log(n_samples)

    score_of = torch.compile(score) if compiled else score

    @torch.inference_mode()
    def likelihood() -> float:
        return float(torch.stack([score_of(row) for row in x]).mean())

    return {"encode": encode, "decode": decode, "likelihood": likelihood}
