"""How a training went: losses over epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from klosed.errors import DataError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["training_curves"]


def training_curves(records: Sequence[Mapping[str, Any]], title: str = "Training") -> Figure:
    """Return the losses and the KL term over epochs, in nats per example.

    Parameters
    ----------
    records : sequence of mappings
        The lines of metrics.jsonl.
    title : str

    Raises
    ------
    DataError
        There is no record.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    if not records:
        raise DataError("records must hold at least one epoch; got none.")
    figure = Figure(figsize=(8, 4), dpi=120, layout="constrained")
    loss_axes, kl_axes = figure.subplots(1, 2)
    _curve(loss_axes, records, "train_loss", "training", "tab:blue")
    _curve(loss_axes, records, "validation_loss", "validation", "tab:green")
    _curve(loss_axes, records, "test_loss", "test", "tab:orange")
    _curve(kl_axes, records, "train_kl", "training", "tab:blue")
    _curve(kl_axes, records, "test_kl", "test", "tab:orange")
    for axes, label in ((loss_axes, "loss = −ELBO"), (kl_axes, "KL(q(z | x) ‖ p(z))")):
        beta = records[-1].get("beta", 1.0)
        weighted = label if beta == 1.0 or axes is kl_axes else f"reconstruction + {beta:g} KL"
        axes.set(title=weighted, xlabel="epoch", ylabel="nats per example")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    return figure


def _curve(
    axes: Any, records: Sequence[Mapping[str, Any]], name: str, label: str, colour: str
) -> None:
    points = [(r["epoch"], r[name]) for r in records if r.get(name) is not None]
    if points:
        # One epoch alone has no line to show, only a point.
        marker = "o" if len(points) < 25 else None
        axes.plot(
            *zip(*points, strict=True), label=label, color=colour, marker=marker, markersize=4
        )
