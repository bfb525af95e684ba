"""VAEOutlierDetector, the estimator. What it computes lives in its sibling modules."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from klosed.engines import ENGINES, engine
from klosed.errors import DataError
from klosed.models import VAESpec
from klosed.networks import ACTIVATIONS
from klosed.outliers.ensemble import folds_of, train_members
from klosed.outliers.preparation import Preparation
from klosed.outliers.scoring import Scorer
from klosed.random import Purpose, permutation
from klosed.training import TrainingConfig

__all__ = ["VAEOutlierDetector"]

Array = NDArray[Any]
_MOST_COMPONENTS = 16
# Training rows that are scored: a share of 10 % is known from 20,000 to a fifth of a point.
_MOST_SCORED = 20_000


class VAEOutlierDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Find the rows that a VAE of the others gives a low probability.

    The score is log p(x), the mean over an ensemble of VAEs. In each, z has the aggregated
    posterior of the training rows as its prior and the decoder says a mean and a variance for
    every column:

        p(x) = ∫ p̂(z) Πⱼ N(xⱼ; mⱼ(z), vⱼ(z)) dz.

    Every member is trained without one fold of the rows, and the rows held out decide together
    when training ends. Nothing is tuned on labels and nothing depends on the name of a table.

    Parameters
    ----------
    contamination : float, default 0.1
        Share of the training rows that `predict` calls outliers, in (0, 0.5]. Scores do not
        depend on it.
    n_components : int or "auto", default "auto"
        Latent size. auto: the number of columns, at most 16.
    hidden_layer_sizes : sequence of int, default (128,)
        Widths of the encoder's hidden layers; the decoder mirrors them.
    activation : str, default "relu"
    n_estimators : int, default 5
        Members, at most one a row.
    learning_rate : float, default 2e-3
    batch_size : int, default 128
        Rows a step, at most all that a member learns from.
    max_steps : int, default 3000
        Steps that a member takes at most; usually the held-out rows end training sooner. They are
        looked at every 50 steps, or every epoch if that is longer.
    random_state : int, RandomState instance or None, default None
    engine : str, default "auto"
        Which engine trains; a fitted model is evaluated in float64 by the reference engine.

    Attributes
    ----------
    offset_ : float
        `decision_function` is `score_samples` less this: the contamination's quantile of the
        training rows' scores.
    held_out_scores_ : array of shape (n_samples,)
        Score of each training row under the member that has not seen it: what to expect of new
        rows of the same kind, for a threshold of your own. Of more than 20,000 rows so many are
        scored, drawn at random, here and for `offset_`; NaN stands for the others.
    n_steps_ : int
        Steps after which the held-out rows were most probable.
    history_ : dict of str to list
        `steps` and `held_out_loss`, −ELBO of the held-out rows in nats, at each look.
    spec_ : VAESpec
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Present where the columns have names.

    See Also
    --------
    klosed.VAE : columns of mixed types, missing values; its `score_samples` is a likelihood too.

    Notes
    -----
    Scores are in nats of prepared columns: standardized, and beyond ten standard deviations
    logarithmic. Another unit of a column changes no score. docs/outliers.md says why each
    default is what it is, and how the detector fares beside others on public tables.

    References: Kingma and Welling (2014), arXiv:1312.6114; Norouzi, Fleet and Norouzi (2020),
    "Exemplar VAE", arXiv:2004.04795, for the prior.

    Examples
    --------
    >>> import numpy as np
    >>> import klosed
    >>> X = np.random.default_rng(0).normal(size=(200, 2)) @ [[1, 0.9], [0, 0.1]]
    >>> detector = klosed.VAEOutlierDetector(contamination=0.01, random_state=0).fit(X)
    >>> detector.predict([[1.0, 1.0], [1.0, -1.0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012  (scikit-learn's own name and form)
        "contamination": [Interval(Real, 0, 0.5, closed="right")],
        "n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "hidden_layer_sizes": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_steps": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "engine": [StrOptions({"auto", *ENGINES})],
    }

    def __init__(
        self,
        contamination: float = 0.1,
        *,
        n_components: int | str = "auto",
        hidden_layer_sizes: tuple[int, ...] = (128,),
        activation: str = "relu",
        n_estimators: int = 5,
        learning_rate: float = 2e-3,
        batch_size: int = 128,
        max_steps: int = 3000,
        random_state: Any = None,
        engine: str = "auto",
    ) -> None:
        self.contamination = contamination
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_steps = max_steps
        self.random_state = random_state
        self.engine = engine

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> VAEOutlierDetector:
        """Learn what rows usually look like.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Numbers: mostly, or only, rows that are not outliers. NaN is what was not observed.
        y : ignored

        Returns
        -------
        VAEOutlierDetector
            The fitted estimator itself.
        """
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        folds = folds_of(len(X), self.n_estimators, self.max_steps * self.batch_size, seed)
        # What a member never sees it cannot judge.
        known = ~np.any([np.isnan(X[fold.train]).all(axis=0) for fold in folds], axis=0)
        if not known.any():
            raise DataError("X must have a column with values in several rows; got only NaN.")
        self._preparation = Preparation.of(X, known)
        x = self._preparation.apply(X)
        auto = min(x.shape[1], _MOST_COMPONENTS)
        self.spec_ = VAESpec(
            x.shape[1],
            auto if self.n_components == "auto" else int(self.n_components),
            tuple(self.hidden_layer_sizes),
            activation=self.activation,
            likelihood="heteroscedastic_gaussian",
            min_variance=tuple(self._preparation.min_variance),
        )
        config = TrainingConfig(
            batch_size=self.batch_size, learning_rate=self.learning_rate, seed=seed
        )
        model = engine(self.engine, self.spec_)
        trained, looks = train_members(model, config, x, folds, self.max_steps)
        self.history_ = {
            "steps": [steps for steps, _ in looks],
            "held_out_loss": [loss for _, loss in looks],
        }
        self.n_steps_ = min(looks, key=lambda look: look[1])[0]
        self._scorer = Scorer(self.spec_, np.nanmin(x, axis=0), np.nanmax(x, axis=0))
        self.held_out_scores_ = np.full(len(x), np.nan)
        for params, fold in zip(trained, folds, strict=True):
            rows = fold.held_out[: _MOST_SCORED // len(folds)]
            if len(rows):
                member = self._scorer.member(params, x[fold.train])
                self.held_out_scores_[rows] = -self._scorer.nll([member], x[rows])
        # A row need not have taught a member's weights to mark where rows lie in latent space.
        everywhere = x[permutation(seed, Purpose.SPLIT, 1, len(x))]
        self._members = [self._scorer.member(params, everywhere) for params in trained]
        scores = -self._scorer.nll(self._members, everywhere[:_MOST_SCORED])
        self.offset_ = float(np.percentile(scores, 100 * self.contamination))
        return self

    def score_samples(self, X: Any) -> Array:
        """Return log p(x) of each row, in nats; the lower, the more anomalous.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
            The mean over the members of an importance-sampled estimate, at fixed quasi-random
            points: the same row always gets the same score. NaN entries enter with what they
            cost on average given the others; a column that hardly any training row knew is not
            read at all.
        """
        X = self._checked(X)
        nll = self._scorer.nll(self._members, self._preparation.apply(X))
        return -nll - self._preparation.surprises(X).sum(axis=1)

    def decision_function(self, X: Any) -> Array:
        """Return `score_samples` less `offset_`: negative for outliers.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Array:
        """Return −1 for outliers and 1 for all others.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)

        Returns
        -------
        array of int of shape (n_samples,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def explain(self, X: Any) -> Array:
        """Return each column's share of −log p(x), in nats: what makes a row anomalous.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_features)
            Each row sums to −`score_samples` of the row. A column's share is how improbable its
            value is given the latent point, and the part that it has in sending the row to an
            improbable point. Compare with the shares of ordinary rows: what counts is the excess.
        """
        X = self._checked(X)
        shares = self._preparation.surprises(X)
        x = self._preparation.apply(X)
        shares[:, self._preparation.read] += self._scorer.shares(self._members, x)
        return shares

    def _checked(self, X: Any) -> Array:
        check_is_fitted(self)
        checked: Array = validate_data(
            self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False
        )
        return checked

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
