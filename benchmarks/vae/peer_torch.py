"""PyTorch at its best settings: data in memory, fused Adam, no denormals; eager or compiled."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from workloads import Workload

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
    load: Workload, threads: int, n: int, n_samples: int
) -> dict[str, Callable[[], object]]:
    """Return functions that encode, decode and score `n` rows with `n_samples` a row."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    model = VAE(load).eval()
    x = torch.from_numpy(load.rows()[:n]).float() / 255
    z = torch.randn(n, load.latent)

    @torch.inference_mode()
    def encode() -> object:
        return model.encoder(x)

    @torch.inference_mode()
    def decode() -> object:
        return torch.sigmoid(model.decoder(z))

    @torch.inference_mode()
    def likelihood() -> object:
        found = []
        for row in x:
            loc, log_variance = model.encoder(row[None]).split(load.latent, dim=1)
            noise = torch.randn(n_samples, load.latent)
            z = loc + torch.exp(0.5 * log_variance) * noise
            log_ratio = 0.5 * (noise.square() + log_variance - z.square()).sum(dim=1)
            log_weight = log_ratio - model.reconstruction(row, model.decoder(z)).sum(dim=1)
            found.append(torch.logsumexp(log_weight, dim=0))
        return torch.stack(found)

    return {"encode": encode, "decode": decode, "likelihood": likelihood}
