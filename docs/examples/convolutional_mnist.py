"""A convolutional VAE on MNIST: networks of one's own in klosed's VAEModule, a loop of one's own.

    python docs/examples/convolutional_mnist.py --epochs 5 --out convolutional.safetensors

MNIST is downloaded unless --data names a folder that holds it.
"""

import argparse
import time

import torch
from safetensors.torch import save_file
from torch import nn

from klosed import VAESpec
from klosed.datasets import load_dataset
from klosed.torch import VAEModule


def convolutional_vae(latent: int = 20, channels: int = 16) -> VAEModule:
    """Return a VAE of 28×28 pictures: 28 → 14 → 7 → latent, and back."""
    wide = 2 * channels
    encoder = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, wide, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(wide * 49, 128),
        nn.ReLU(),
        nn.Linear(128, 2 * latent),  # loc and log_variance beside each other
    )
    decoder = nn.Sequential(
        nn.Linear(latent, 128),
        nn.ReLU(),
        nn.Linear(128, wide * 49),
        nn.ReLU(),
        nn.Unflatten(1, (wide, 7, 7)),
        nn.ConvTranspose2d(wide, channels, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(channels, 1, 4, stride=2, padding=1),  # logits of the pixels
    )
    spec = VAESpec(n_features=784, n_components=latent)
    return VAEModule(spec, encoder=encoder, decoder=decoder)


def pixels(x: torch.Tensor) -> torch.Tensor:
    return x.float() / 255


def train_epoch(
    vae: VAEModule, x: torch.Tensor, optimizer: torch.optim.Optimizer, batch_size: int = 128
) -> float:
    """Train on bytes of shape (n, 784); return the mean loss in nats per example."""
    total = 0.0
    for rows in torch.randperm(len(x)).split(batch_size):
        optimizer.zero_grad()
        loss = vae.loss(pixels(x[rows]))
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(x)


@torch.no_grad()
def loss_on(vae: VAEModule, x: torch.Tensor) -> float:
    """Return the mean loss on bytes of shape (n, 784)."""
    return sum(vae(pixels(part)).loss().item() * len(part) for part in x.split(1000)) / len(x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--out", default="convolutional.safetensors")
    options = parser.parse_args()
    torch.manual_seed(0)
    data = load_dataset(options.data)
    train, test = torch.from_numpy(data.train.x), torch.from_numpy(data.test.x)
    vae = convolutional_vae()
    optimizer = torch.optim.Adam(vae.parameters(), 1e-3)
    for epoch in range(1, options.epochs + 1):
        started = time.perf_counter()
        loss = train_epoch(vae, train, optimizer)
        seconds = time.perf_counter() - started
        print(f"epoch {epoch}  train {loss:.2f}  test {loss_on(vae, test):.2f}  {seconds:.0f} s")
    save_file(vae.state_dict(), options.out)


if __name__ == "__main__":
    main()
