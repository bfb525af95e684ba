"""ELBO and importance-sampled log-likelihood of each example, streamed in bounded memory.

Imports only engines, models and below.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from klosed.divergences.normal import kl_standard_normal
from klosed.engines import Engine
from klosed.errors import DataError, ParameterError, ShapeError
from klosed.models import Parameters, Scaling, likelihood_of
from klosed.random import Purpose, generator

__all__ = ["ExampleScores", "score_examples"]

Array = NDArray[Any]
Float64 = NDArray[np.float64]

# Enough rows a product to keep BLAS busy, few enough numbers to stay near the cache.
_MOST_ROWS = 2048
_MOST_NUMBERS = 2**21


@dataclass(frozen=True, eq=False)
class ExampleScores:
    """Scores of each example, in nats; every array has shape (n,).

    Attributes
    ----------
    reconstruction
        Monte Carlo mean of −log p(x | z) over q(z | x).
    reconstruction_variance
        Variance of that mean; NaN when there is one sample.
    kl
        KL(q(z | x) ‖ p(z)), in closed form.
    log_likelihood
        log (1/K) Σₖ wₖ, the importance-sampled log p(x).
    effective_sample_size
        (Σ wₖ)² / Σ wₖ², between 1 and K.
    n_samples
        K.
    """

    reconstruction: Float64
    reconstruction_variance: Float64
    kl: Float64
    log_likelihood: Float64
    effective_sample_size: Float64
    n_samples: int

    @property
    def elbo(self) -> Float64:
        """ELBO = −(reconstruction + KL), a lower bound on log p(x)."""
        return -(self.reconstruction + self.kl)

    @property
    def log_likelihood_variance(self) -> Float64:
        """Variance of the log-likelihood by the delta method: (1/ESS − 1/K) K/(K − 1)."""
        k = self.n_samples
        if k == 1:
            return np.full_like(self.log_likelihood, np.nan)
        # ESS ≤ K up to rounding
        return np.maximum(1 / self.effective_sample_size - 1 / k, 0.0) * (k / (k - 1))


def score_examples(
    engine: Engine,
    params: Parameters,
    x: Array,
    *,
    n_samples: int,
    seed: int = 0,
    scaling: Scaling | None = None,
    noise: Array | None = None,
    n_threads: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> ExampleScores:
    r"""Return ELBO and importance-sampled log p(x) of each example, in nats.

    .. math::
        \log p(x) \approx \log \frac1K \sum_{k=1}^K w_k, \qquad
        w_k = \frac{p(x \mid z_k)\, p(z_k)}{q(z_k \mid x)}, \quad z_k \sim q(z \mid x)

    With z = μ + σ ∘ ε, log p(z) − log q(z | x) = ½ Σ (ε² + log σ² − z²). In expectation the
    estimate lies below log p(x) and rises with K; with K = 1 it is an ELBO.

    Parameters
    ----------
    engine, params
        The model.
    x : array of shape (n, n_features)
        Rows as they are stored; `scaling` makes of them what the model sees.
    n_samples : int
        K, samples an example.
    seed : int, default 0
        The noise of example i is a function of (seed, i): neither the number of threads nor the
        other rows matter.
    scaling : Scaling, optional
        The identity by default.
    noise : array of shape (n_samples, n_components), optional
        Standard normal samples that all examples share; the score of a row is then a function
        of the row alone. By default each example draws its own.
    n_threads : int, optional
        By default one for each processor this process may use.
    on_progress : callable, optional
        Called with the number of examples finished, in the calling thread.

    Returns
    -------
    ExampleScores

    Raises
    ------
    ParameterError
        n_samples or n_threads below 1.
    ShapeError, DataError
        Wrong number of features; no rows; rows for which the weights are not finite.

    Notes
    -----
    Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders",
    arXiv:1509.00519, eq. 8 and section 5; sums of weights are kept as logarithms.
    Against the exact density of a linear-Gaussian model the estimate lies within its stated
    Monte Carlo error, and is exact to rounding where q is the true posterior.

    Examples
    --------
    >>> import numpy as np
    >>> import klosed
    >>> from klosed.evaluation import score_examples
    >>> spec = klosed.VAESpec(n_features=6, n_components=2, hidden_layer_sizes=(5,))
    >>> engine = klosed.engine("reference", spec)
    >>> scores = score_examples(engine, engine.init(0), np.ones((3, 6)), n_samples=100)
    >>> bool((scores.log_likelihood > scores.elbo).all())
    True
    """
    for name, value in (
        ("n_samples", n_samples),
        ("n_threads", 1 if n_threads is None else n_threads),
    ):
        if value < 1:
            raise ParameterError(f"{name} must be >= 1; got {value}.")
    spec = engine.spec
    if x.ndim != 2 or x.shape[1] != spec.n_features:
        raise ShapeError(f"x must have shape (n, {spec.n_features}); got {x.shape}.")
    if len(x) == 0:
        raise DataError("x must hold at least one row.")
    if noise is not None and noise.shape != (n_samples, spec.n_components):
        raise ShapeError(
            f"noise must have shape ({n_samples}, {spec.n_components}); got {noise.shape}."
        )
    width, most_rows = max(spec.n_features, *spec.decoder_widths, spec.n_components), _MOST_ROWS
    make_scorer = getattr(engine, "scorer", None)
    if make_scorer is not None:  # it keeps no layer of all rows
        width, most_rows = spec.n_components, _MOST_ROWS * 8
    at_once = min(n_samples, max(1, _MOST_NUMBERS // width), most_rows)
    examples = max(1, min(most_rows, _MOST_NUMBERS // width) // n_samples)
    parts = [slice(i, min(i + examples, len(x))) for i in range(0, len(x), examples)]
    scaling = scaling or Scaling.none()
    columns = np.empty((5, len(x)))
    weigh = make_scorer(params) if make_scorer else partial(_weigh, engine, params)

    def score(part: slice) -> slice:
        # An overflow ends as a weight that is not finite, which is reported below.
        with np.errstate(over="ignore", invalid="ignore"):
            columns[:, part] = _score(
                engine, params, weigh, scaling, x, part, n_samples, at_once, seed, noise
            )
        return part

    from joblib import cpu_count
    from threadpoolctl import threadpool_limits

    # Whole examples go to threads and each product stays in one: two pools would fight.
    with threadpool_limits(1, user_api="blas"):
        pool = ThreadPoolExecutor(n_threads or cpu_count())
        try:
            for part in pool.map(score, parts):
                if on_progress is not None:
                    on_progress(part.stop)
        finally:
            pool.shutdown(cancel_futures=True)
    if not np.isfinite(columns[[0, 2, 3, 4]]).all():
        row = int(np.argmax(~np.isfinite(columns[[0, 2, 3, 4]]).all(axis=0)))
        raise DataError(
            f"the model gives row {row} no finite likelihood. Check that the data are in the units "
            "that the model was trained on."
        )
    reconstruction, variance, kl, log_likelihood, sizes = columns
    return ExampleScores(reconstruction, variance, kl, log_likelihood, sizes, n_samples)


def _score(
    engine: Engine,
    params: Parameters,
    weigh: Callable[[Array, Array, Array, Array], tuple[Float64, Float64]],
    scaling: Scaling,
    x: Array,
    part: slice,
    n_samples: int,
    at_once: int,
    seed: int,
    shared_noise: Array | None,
) -> tuple[Float64, Float64, Float64, Float64, Float64]:
    """Return the five columns of ExampleScores for the rows of `part`."""
    dtype = params["encoder.loc.weight"].dtype
    rows = scaling.apply(x[part], dtype)
    loc, log_variance = (a.astype(np.float64) for a in engine.encode(params, rows))
    own = range(part.start, part.stop) if shared_noise is None else ()
    streams = [generator(seed, Purpose.EVALUATION_NOISE, i, "importance") for i in own]
    total, squares = np.zeros(len(rows)), np.zeros(len(rows))
    log_sum, log_sum_squares = np.full(len(rows), -np.inf), np.full(len(rows), -np.inf)
    for start in range(0, n_samples, at_once):
        shape = (min(at_once, n_samples - start), engine.spec.n_components)
        if shared_noise is None:
            noise = np.empty((len(rows), *shape))
            for stream, of_row in zip(streams, noise, strict=True):
                stream.standard_normal(out=of_row)
        else:
            noise = shared_noise[None, start : start + shape[0]]
        nll, log_ratio = weigh(rows, loc, log_variance, noise)
        log_weight = log_ratio - nll
        total += nll.sum(axis=1)
        squares += (nll**2).sum(axis=1)
        log_sum = np.logaddexp(log_sum, logsumexp(log_weight, axis=1))
        log_sum_squares = np.logaddexp(log_sum_squares, logsumexp(2 * log_weight, axis=1))
    mean = total / n_samples
    # The mean of one sample has an unknown variance.
    spread = np.nan if n_samples == 1 else (squares / n_samples - mean**2) / (n_samples - 1)
    return (
        mean,
        np.maximum(spread, 0.0) + np.zeros(len(rows)),
        kl_standard_normal(loc, log_variance)[0].sum(axis=-1),
        log_sum - np.log(n_samples),
        np.exp(2 * log_sum - log_sum_squares),
    )


def _weigh(
    engine: Engine, params: Parameters, x: Array, loc: Array, log_variance: Array, noise: Array
) -> tuple[Float64, Float64]:
    """Return −log p(x | z) and log p(z) − log q(z | x) of samples of each row."""
    z = loc[:, None] + np.exp(0.5 * log_variance)[:, None] * noise
    flat = z.reshape(-1, z.shape[-1]).astype(params["encoder.loc.weight"].dtype)
    output = engine.decode(params, flat).reshape(*z.shape[:2], -1)
    nll = likelihood_of(engine.spec).negative_log_prob(params, output, x[:, None])
    log_ratio = 0.5 * (noise**2 + log_variance[:, None] - z**2).sum(axis=-1)
    return nll.astype(np.float64), log_ratio
