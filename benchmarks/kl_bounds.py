"""Draw the bounds on the KL of mixtures beside the truth: docs/images/kl-bounds.png.

python benchmarks/kl_bounds.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

import klosed
from klosed import Categorical, MixtureSameFamily, Normal

mpl.use("Agg")
import matplotlib.pyplot as plt

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "kl-bounds.png"
SHIFT = 0.5


def pair(gap: np.ndarray) -> tuple[MixtureSameFamily, MixtureSameFamily]:
    """Return mixtures of two components `gap` apart; p's are shifted and have other weights."""
    centres = np.stack([-0.5 * gap, 0.5 * gap], axis=-1)
    q = MixtureSameFamily(Categorical(probs=[0.3, 0.7]), Normal(centres, [0.6, 1.0]))
    p = MixtureSameFamily(Categorical(probs=[0.5, 0.5]), Normal(centres + SHIFT, [0.8, 1.0]))
    return q, p


def main() -> None:
    gap = np.linspace(0.0, 10.0, 101)
    q, p = pair(gap)
    x = np.linspace(-25.0, 25.0, 20_001)
    log_q, log_p = q.log_prob(x[:, None]), p.log_prob(x[:, None])
    true = np.sum(np.exp(log_q) * (log_q - log_p), axis=0) * (x[1] - x[0])
    lower, upper = klosed.kl_bounds(q, p)
    sampled = gap[5::10]
    estimate, error = klosed.kl_monte_carlo(*pair(sampled), n_samples=1000, seed=0)

    blue, orange, grey = "#1f5fa8", "#d9741a", "#777777"
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.4), layout="constrained")
    shown = np.abs(x) < 6.5
    for d, colour, name in zip(pair(np.asarray(5.0)), (blue, orange), "qp", strict=True):
        left.plot(x[shown], np.exp(d.log_prob(x[shown])), color=colour, label=name)
    left.set(xlabel="x", ylabel="density", title="components 5 apart", ylim=(0, None))
    right.fill_between(gap, lower, upper, color=blue, alpha=0.18, lw=0, label="kl_bounds")
    right.plot(gap, true, color=blue, label="KL by quadrature")
    right.errorbar(
        sampled, estimate, 2 * error, fmt=".", color=grey, lw=1, label="kl_monte_carlo, 1000 draws"
    )
    right.set(xlabel="distance between components", ylabel="nats", title="KL(q‖p)", ylim=(0, None))
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
