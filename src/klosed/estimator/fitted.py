"""What a fitted VAE of a table says: latent points, rows, scores, imputations."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted

from klosed.errors import ParameterError
from klosed.estimator.base import TableModel
from klosed.estimator.reading import completed, with_rows_of
from klosed.evaluation import impute_draws, impute_mean, score_examples
from klosed.models import likelihood_of
from klosed.random import Purpose, generator

__all__ = ["FittedTable"]

Array = NDArray[Any]

# Rows encoded or decoded at once: hidden layers of a million rows would fill the memory.
_ROWS_AT_ONCE = 16384


class FittedTable(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TableModel):  # type: ignore[misc]
    """The methods of `klosed.VAE` that need a fitted model."""

    def transform(self, X: Any, *, return_std: bool = False) -> Any:
        """Return the mean of q(z | x) of each row.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
        return_std : bool, default False
            Return the standard deviations too.

        Returns
        -------
        loc : array of shape (n_samples, n_components)
        scale : array of shape (n_samples, n_components)
            With `return_std`.
        """
        loc, log_variance = self._posterior(X)
        dtype = np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64
        loc = loc.astype(dtype, copy=False)
        if return_std:
            return loc, np.exp(0.5 * log_variance).astype(dtype, copy=False)
        return loc

    def inverse_transform(self, X: Any) -> Any:
        """Return what the decoder makes of latent points: E[x | z] of each.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)

        Returns
        -------
        frame or array of shape (n_samples, n_features)
            As the training data came. Means of real, count and 0/1 columns (rounded where a
            frame's column holds whole numbers), medians of positive ones, and the most probable
            category.
        """
        check_is_fitted(self)
        z = check_array(X, dtype=np.float64)
        if z.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {z.shape[1]} columns; the latent space has {self.n_components_}."
            )
        return with_rows_of(X, self._decoded(z))

    def reconstruct(self, X: Any) -> Any:
        """Return each row as the model sees it, what was missing included: E[x | z = μ(x)].

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)

        Returns
        -------
        frame or array of shape (n_samples, n_features)
        """
        return with_rows_of(X, self._decoded(self._posterior(X)[0]))

    def sample(self, n_samples: int = 1, *, random_state: Any = None, draw: bool = True) -> Any:
        """Return new rows: z ~ N(0, I), then x ~ p(x | z).

        Parameters
        ----------
        n_samples : int, default 1
        random_state : int, RandomState instance or None
            None takes the estimator's own; if that is a number, the same rows come each time.
        draw : bool, default True
            False returns E[x | z] instead of a draw: smoother pictures, too little spread.

        Returns
        -------
        frame or array of shape (n_samples, n_features)
            With the training data's dtypes and categories.
        """
        check_is_fitted(self)
        _check_counts(n_samples=n_samples)
        state = self.random_state if random_state is None else random_state
        rng = generator(int(check_random_state(state).randint(2**31 - 1)), Purpose.PRIOR_SAMPLE)
        z = rng.standard_normal((n_samples, self.n_components_))
        return self._decoded(z, rng if draw else None)

    def score_samples(self, X: Any, *, n_samples: int = 64, elbo: bool = False) -> Array:
        """Return an estimate of log p(x) of each row, in nats and in the data's own units.

        log (1/K) Σₖ p(x | zₖ) p(zₖ) / q(zₖ | x) with zₖ ~ q(z | x), over what was observed. On
        average it lies below log p(x) and rises with K.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
        n_samples : int, default 64
            K. The same quasi-random points serve every row and every call, so a row's score
            depends on nothing but the row.
        elbo : bool, default False
            True returns the ELBO, (1/K) Σₖ log p(x | zₖ) − KL(q(z | x) ‖ N(0, I)) with the KL in
            closed form: what training maximised (with beta = 1), and a looser bound.

        Returns
        -------
        array of shape (n_samples,)
            Densities of real and positive columns, probabilities of all others; constant columns
            do not count.
        """
        x = self._entries(X, scaled=False)
        _check_counts(n_samples=n_samples)
        model, params = self._evaluation()
        scores = score_examples(
            model,
            params,
            x,
            n_samples=n_samples,
            scaling=self.scaling_,
            noise=self._noise(n_samples),
        )
        value = scores.elbo if elbo else scores.log_likelihood
        return value + self._table.log_jacobian(x, self.scaling_)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of `score_samples` over the rows, in nats.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
        y : ignored
        """
        return float(self.score_samples(X).mean())

    def impute(
        self,
        X: Any,
        n_samples: int | None = None,
        *,
        n_importance: int = 256,
        random_state: Any = None,
    ) -> Any:
        """Return X with what is missing filled in, given what was observed.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
        n_samples : int, optional
            None fills in one value each: the conditional mean (median of a positive column, most
            probable category). A number m draws m completed tables from p(missing | observed),
            whose spread says how sure the model is.
        n_importance : int, default 256
            Samples of z a row.
        random_state : int, RandomState instance or None
            Of the draws; None takes the estimator's own.

        Returns
        -------
        frame or array of shape (n_samples, n_features), or a list of m of them
            What was observed is untouched.

        Notes
        -----
        Self-normalised importance sampling and sampling importance resampling, Mattei and
        Frellsen (2019), arXiv:1812.02633, sections 3.1 and 3.2.
        """
        _check_counts(n_samples=1 if n_samples is None else n_samples, n_importance=n_importance)
        x = self._entries(X)
        model, params = self._evaluation()
        noise = self._noise(n_importance)
        if n_samples is None:
            return completed(X, self._as_table(impute_mean(model, params, x, noise)))
        state = self.random_state if random_state is None else random_state
        seed = int(check_random_state(state).randint(2**31 - 1))
        draws = impute_draws(model, params, x, noise, n_draws=n_samples, seed=seed)
        return [completed(X, self._as_table(draw)) for draw in draws]

    def _posterior(self, X: Any) -> tuple[Array, Array]:
        x = self._entries(X)
        model, params = self._evaluation()
        loc, log_variance = np.split(
            _by_parts(lambda part: np.concatenate(model.encode(params, part), axis=1), x), 2, axis=1
        )
        return loc, log_variance

    def _decoded(self, z: Array, rng: np.random.Generator | None = None) -> Any:
        """Return the table of E[x | z]; with `rng`, of draws from p(x | z)."""
        model, params = self._evaluation()
        likelihood = likelihood_of(self.spec_)

        def rows(part: Array) -> Array:
            output = model.decode(params, part)
            return (
                likelihood.mean(output) if rng is None else likelihood.sample(params, output, rng)
            )

        return self._as_table(_by_parts(rows, z))

    def _as_table(self, x: Array) -> Any:
        """Return scaled entries as a table of the training data's own kind and units."""
        return self._table.decode(self.scaling_.invert(x))

    def _noise(self, n_samples: int) -> Array:
        """Return the same standard normal points at each call, spread evenly (Sobol')."""
        sequence = qmc.Sobol(self.n_components_, seed=self._seed)
        points = sequence.random_base2(int(np.ceil(np.log2(n_samples))))[:n_samples]
        noise: Array = ndtri(np.clip(points, 1e-12, 1 - 1e-12))
        return noise

    @property
    def _n_features_out(self) -> int:
        return self.n_components_


def _check_counts(**counts: Any) -> None:
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
            raise ParameterError(f"{name} must be an integer >= 1; got {count!r}.")


def _by_parts(function: Callable[[Array], Array], x: Array) -> Array:
    """Return function(x), some rows at a time."""
    parts = (x[i : i + _ROWS_AT_ONCE] for i in range(0, len(x), _ROWS_AT_ONCE))
    return np.concatenate([function(part) for part in parts])
