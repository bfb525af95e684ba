"""A model at work in the units of its data: encode, decode, draw.

Imports no subcommand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from klosed.cli._rows import Display
from klosed.engines import Engine
from klosed.errors import DataError
from klosed.models import likelihood_of
from klosed.models.files import Model
from klosed.plots import image_grid
from klosed.random import Purpose, generator, standard_normal

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Codec"]

Array = NDArray[Any]
_ROWS_AT_ONCE = 1024
_COLUMNS = 16


class Codec:
    """Encoder and decoder of one model; rows are in the units of the data."""

    def __init__(self, engine: Engine, model: Model, display: Display) -> None:
        self.engine, self.model, self.display = engine, model, display
        self.dtype: np.dtype[Any] = model.params["encoder.loc.weight"].dtype

    def encode(self, rows: Array) -> tuple[Array, Array]:
        """Return (mean, standard deviation) of q(z | x), each of shape (n, n_components)."""
        scaling, params = self.model.scaling, self.model.params
        # What overflows is no longer finite, and the commands refuse that (`require_finite`).
        with np.errstate(over="ignore", invalid="ignore"):
            blocks = [
                self.engine.encode(params, scaling.apply(b, self.dtype)) for b in _blocks(rows)
            ]
            loc, log_variance = (np.concatenate(part) for part in zip(*blocks, strict=True))
            return loc, np.exp(0.5 * log_variance)

    def require_finite(self, rows: Array, mean: Array, deviation: Array) -> None:
        """Raise DataError where the squares that a likelihood is made of overflow."""
        with np.errstate(over="ignore", invalid="ignore"):
            squares = (mean * mean + deviation * deviation).sum(axis=1)
            for start, block in zip(_starts(rows), _blocks(rows), strict=True):
                scaled = self.model.scaling.apply(block, self.dtype)
                squares[start : start + len(block)] += (scaled * scaled).sum(axis=1)
        if not np.isfinite(squares).all():
            raise DataError(
                f"the model gives row {np.argmin(np.isfinite(squares))} no finite likelihood. "
                "Check that the data are in the units that the model was trained on."
            )

    def decode(self, z: Array, rng: np.random.Generator | None = None) -> Array:
        """Return E[x | z]; with `rng` a draw from p(x | z) instead."""
        likelihood, params = likelihood_of(self.model.spec), self.model.params

        def rows(block: Array) -> Array:
            output = self.engine.decode(params, block.astype(self.dtype, copy=False))
            if rng is None:
                return likelihood.mean(output)
            return likelihood.sample(params, output, rng)

        with np.errstate(over="ignore", invalid="ignore"):
            return self.model.scaling.invert(np.concatenate([rows(block) for block in _blocks(z)]))

    def sample(self, n: int, seed: int, *, draw: bool) -> Array:
        """Return n rows whose latent points come from the prior, as `decode` shows them."""
        shape = (n, self.model.spec.n_components)
        z = standard_normal(seed, Purpose.PRIOR_SAMPLE, 0, shape, self.dtype)
        return self.decode(z, generator(seed, Purpose.PRIOR_SAMPLE, 1) if draw else None)

    def grid(self, rows: Array) -> Image:
        """Return rows as a nearly square grid of pictures."""
        return image_grid(self.display.images(rows))

    def comparison(self, rows: Array, n: int = _COLUMNS) -> Image:
        """Return n of the rows, evenly spread, above what the model makes of them."""
        rows = rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).astype(int)]
        originals = self.display.images(self.model.scaling.invert(self.model.scaling.apply(rows)))
        decoded = self.display.images(self.decode(self.encode(rows)[0]))
        columns = min(_COLUMNS, len(rows))
        lines = []
        for start in range(0, len(rows), columns):
            for images in (originals, decoded):
                line = images[start : start + columns]
                blank = np.full((columns - len(line), *line.shape[1:]), 255, np.uint8)
                lines.append(np.concatenate([line, blank]))
        return image_grid(np.concatenate(lines), columns=columns, width=60 * columns)


def _blocks(rows: Array) -> Iterator[Array]:
    return (rows[i : i + _ROWS_AT_ONCE] for i in _starts(rows))


def _starts(rows: Array) -> range:
    return range(0, len(rows), _ROWS_AT_ONCE)
