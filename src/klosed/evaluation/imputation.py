"""What was not observed, given what was: conditional means and draws by importance sampling.

Imports only engines, models and below.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from klosed.engines import Engine
from klosed.errors import ParameterError
from klosed.models import Parameters, likelihood_of
from klosed.random import Purpose, generator

__all__ = ["impute_draws", "impute_mean"]

Array = NDArray[Any]

_MOST_NUMBERS = 2**21


def impute_mean(engine: Engine, params: Parameters, x: Array, noise: Array) -> Array:
    r"""Return x with each NaN replaced by its conditional mean.

    .. math::
        E[x_m \mid x_o] \approx \sum_k \tilde w_k\, E[x_m \mid z_k], \qquad
        \tilde w_k \propto \frac{p(x_o \mid z_k)\, p(z_k)}{q(z_k \mid x_o)}, \quad
        \sum_k \tilde w_k = 1, \quad z_k \sim q(z \mid x_o)

    Parameters
    ----------
    engine, params
        The model.
    x : array of shape (n, n_features)
        As the model sees it; NaN where nothing was observed.
    noise : array of shape (n_samples, n_components)
        Standard normal samples that all rows share.

    Returns
    -------
    array of shape (n, n_features)

    Notes
    -----
    Mattei and Frellsen (2019), "MIWAE: deep generative modelling and imputation of incomplete
    data sets", arXiv:1812.02633, eq. 12.

    Examples
    --------
    >>> import numpy as np
    >>> import klosed
    >>> from klosed.evaluation import impute_mean
    >>> spec = klosed.VAESpec(3, 2, (5,), likelihood="gaussian")
    >>> engine = klosed.engine("reference", spec)
    >>> noise = np.random.default_rng(0).standard_normal((50, 2))
    >>> x = np.array([[1.0, np.nan, 2.0]])
    >>> filled = impute_mean(engine, engine.init(0), x, noise)
    >>> bool(np.isfinite(filled).all()), filled[0, [0, 2]].tolist()
    (True, [1.0, 2.0])
    """
    filled = np.array(x)
    likelihood = likelihood_of(engine.spec)
    for rows, output, log_weight in _candidates(engine, params, x, noise):
        weight = softmax(log_weight, axis=1)
        mean = np.einsum("nk,nkd->nd", weight, likelihood.mean(output))
        filled[rows] = np.where(np.isnan(x[rows]), mean, x[rows])
    return filled


def impute_draws(
    engine: Engine, params: Parameters, x: Array, noise: Array, *, n_draws: int, seed: int = 0
) -> Array:
    """Return `n_draws` copies of x with each NaN replaced by a draw of p(missing | observed).

    Sampling importance resampling: z is chosen among the z_k of `impute_mean` with probability
    w̃_k, then what is missing is drawn from p(x | z), anew for each copy.

    Parameters
    ----------
    engine, params, x, noise
        As in `impute_mean`.
    n_draws : int
    seed : int, default 0

    Returns
    -------
    array of shape (n_draws, n, n_features)

    Notes
    -----
    Rubin (1987), "The calculation of posterior distributions by data augmentation: comment",
    doi:10.1080/01621459.1987.10478461; for VAEs Mattei and Frellsen (2019), arXiv:1812.02633,
    section 3.2.
    """
    if n_draws < 1:
        raise ParameterError(f"n_draws must be >= 1; got {n_draws}.")
    filled = np.repeat(np.array(x)[None], n_draws, axis=0)
    likelihood = likelihood_of(engine.spec)
    for chunk, (rows, output, log_weight) in enumerate(_candidates(engine, params, x, noise)):
        rng = generator(seed, Purpose.MONTE_CARLO, chunk, "imputation")
        cumulative = np.cumsum(softmax(log_weight, axis=1), axis=1)
        for draw in range(n_draws):
            at = rng.random((len(rows), 1)) * cumulative[:, -1:]
            chosen = (cumulative <= at).sum(axis=1)
            sample = likelihood.sample(params, output[np.arange(len(rows)), chosen], rng)
            filled[draw, rows] = np.where(np.isnan(x[rows]), sample, x[rows])
    return filled


def _candidates(
    engine: Engine, params: Parameters, x: Array, noise: Array
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield (row numbers, decoder's outputs, log weights) of rows with something missing."""
    likelihood, spec = likelihood_of(engine.spec), engine.spec
    incomplete = np.flatnonzero(np.isnan(x).any(axis=1))
    width = max(spec.n_features, *spec.decoder_widths, spec.n_components)
    at_once = max(1, _MOST_NUMBERS // (width * len(noise)))
    for start in range(0, len(incomplete), at_once):
        rows = incomplete[start : start + at_once]
        loc, log_variance = engine.encode(params, x[rows])
        z = loc[:, None] + np.exp(0.5 * log_variance)[:, None] * noise
        output = engine.decode(params, z.reshape(-1, spec.n_components))
        output = output.reshape(len(rows), len(noise), -1)
        nll = likelihood.negative_log_prob(params, output, x[rows][:, None])
        log_ratio = 0.5 * (noise**2 + log_variance[:, None] - z**2).sum(axis=-1)
        yield rows, output, log_ratio - nll
