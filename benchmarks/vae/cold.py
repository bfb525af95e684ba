"""Whole processes, from nothing to a fitted and sampled model, as one-line programs."""

__all__ = ["CASES"]

KLOSED = """
import klosed
vae = klosed.VAE(20, hidden_layer_sizes=(400,), likelihood="bernoulli", batch_size=128,
                 max_iter=20, early_stopping=False, random_state=0)
from sklearn.datasets import load_digits
vae.fit(load_digits().data / 16)
vae.sample(64)
"""

TORCH = """
import torch
from torch import nn
from sklearn.datasets import load_digits
x = torch.from_numpy(load_digits().data).float() / 16
encoder = nn.Sequential(nn.Linear(64, 400), nn.ReLU(), nn.Linear(400, 40))
decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 64))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], fused=True)
for epoch in range(20):
    for batch in x[torch.randperm(len(x))].split(128):
        loc, log_variance = encoder(batch).chunk(2, dim=1)
        z = loc + torch.exp(0.5 * log_variance) * torch.randn_like(loc)
        loss = nn.functional.binary_cross_entropy_with_logits(decoder(z), batch, reduction="sum")
        loss = loss - 0.5 * torch.sum(1 + log_variance - loc**2 - log_variance.exp())
        optimizer.zero_grad()
        (loss / len(batch)).backward()
        optimizer.step()
torch.sigmoid(decoder(torch.randn(64, 20)))
"""

CASES = {
    "import klosed": "import klosed",
    "import torch": "import torch",
    "import jax": "import jax",
    "digits, klosed": KLOSED,
    "digits, torch": TORCH,
}
