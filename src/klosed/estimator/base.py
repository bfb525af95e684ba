"""How a VAE of a table comes about: reading tables, settling columns, training."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from klosed.engines import engine
from klosed.errors import DataError, ParameterError
from klosed.estimator import diagnostics, fitting
from klosed.estimator.columns import infer_columns
from klosed.estimator.reading import RawColumn, container_of, read_columns
from klosed.estimator.table import Table
from klosed.models import Parameters, VAESpec
from klosed.training import Callback, TrainingConfig, TrainingData, TrainingState

__all__ = ["TableModel"]

Array = NDArray[Any]

# Below this many rows nothing is held out: too few to judge by.
_FEWEST_TO_HOLD_OUT = 20
# Variance of a standardized column that a model may not fall below: duplicates and discrete
# columns would let a density grow without end.
_MIN_VARIANCE = 1e-4
_DIAGNOSED_ROWS = 2000
_OF_THE_NETWORKS = ("n_components", "hidden_layer_sizes", "activation")


class TableModel(BaseEstimator):  # type: ignore[misc]
    """A VAE of one table, with the hyperparameters of `klosed.VAE` as attributes."""

    def _fit(self, X: Any) -> None:
        """Fit from the start, or go on from the last fit under a warm start."""
        goes_on = self.warm_start and hasattr(self, "params_")
        if goes_on:
            self._check_same_networks()
        raws = self._read(X, reset=not goes_on)
        x = self._table.encode(raws) if goes_on else self._begin(raws, X, keep_constant=True)
        n = len(x)
        holds_out = bool(self.early_stopping) and n >= _FEWEST_TO_HOLD_OUT
        n_train = n - max(1, round(self.validation_fraction * n)) if holds_out else n
        if n_train == 0:
            raise ParameterError(
                f"validation_fraction must leave rows to train on; got {self.validation_fraction} "
                f"of {n} rows."
            )
        history = self._train(x, self.max_iter, n_train, early_stopping=holds_out)
        if holds_out and not history.stopped_improving:
            diagnostics.warn_of_no_convergence(self.max_iter)
        self._diagnose(x)

    def _partial_fit(self, X: Any) -> None:
        """Train one epoch; the first call settles columns and scaling."""
        first = not hasattr(self, "params_")
        if not first:
            self._check_same_networks()
        raws = self._read(X, reset=first)
        x = self._begin(raws, X, keep_constant=False) if first else self._table.encode(raws)
        self._train(x, 1, len(x), early_stopping=False)

    def _check_same_networks(self) -> None:
        """Raise where training cannot go on as the parameters now say."""
        for name in _OF_THE_NETWORKS:
            was, now = getattr(self.spec_, name), getattr(self, name)
            if isinstance(now, str) and now == "auto":
                continue
            if (tuple(now) if name == "hidden_layer_sizes" else now) != was:
                raise ParameterError(
                    f"{name} must stay {was!r} where training goes on; got {now!r}. Fit a clone, "
                    "or without warm_start, to start anew."
                )

    def _begin(self, raws: list[RawColumn], X: Any, *, keep_constant: bool) -> Array:
        """Settle columns, scaling and spec; return x as the model's entries."""
        columns = infer_columns(
            raws,
            self.column_types,
            self.likelihood,
            in_frame=container_of(X) != "array" or raws[0].dtype == "object",
            keep_constant=keep_constant,
        )
        self._table = Table(columns, container_of(X))
        if self._table.width == 0:
            raise DataError(
                "VAE needs a column that varies; all columns are constant or empty, with "
                f"n_samples = {len(raws[0].values)}."
            )
        self.columns_ = self._table.columns
        if self.verbose:
            sys.stdout.write("".join(f"[VAE] {column}\n" for column in columns))
        x = self._table.encode(raws)
        self.scaling_ = self._table.scaling(x)
        width = self._table.width
        auto = int(np.clip((width + 1) // 2, 1, 10))
        self.n_components_ = auto if isinstance(self.n_components, str) else int(self.n_components)
        self.spec_ = VAESpec(
            n_features=width,
            n_components=self.n_components_,
            hidden_layer_sizes=tuple(self.hidden_layer_sizes),
            activation=self.activation,
            likelihood=tuple(self._table.blocks),
            variance="per_feature",
            min_variance=_MIN_VARIANCE,
        )
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._state: TrainingState | None = None
        self._bounds = np.array([np.full(width, np.inf), np.full(width, -np.inf)])
        self.history_: dict[str, list[Any]] = {}
        return x

    def _train(
        self, x: Array, epochs: int, n_train: int, *, early_stopping: bool
    ) -> fitting.History:
        batch_size, patience = self.batch_size, self.n_iter_no_change
        if isinstance(batch_size, str):
            batch_size = fitting.batch_size_for(n_train)
        batch_size = min(batch_size, n_train)
        if isinstance(patience, str):
            patience = fitting.patience_for(n_train, batch_size)
        config = TrainingConfig(
            epochs=epochs + (self._state.epoch if self._state else 0),
            batch_size=batch_size,
            learning_rate=self.learning_rate,
            optimizer=self.optimizer,
            beta=self.beta,
            seed=self._seed,
            early_stopping=early_stopping,
            patience=patience,
            validation_fraction=self.validation_fraction,
        )
        scaled = self.scaling_.apply(x, np.float64)
        self._bounds = np.stack(
            [
                np.fmin(self._bounds[0], np.fmin.reduce(scaled, axis=0)),
                np.fmax(self._bounds[1], np.fmax.reduce(scaled, axis=0)),
            ]
        )
        model = engine(self.engine, self.spec_)
        state = self._state or fitting.start(model, config, self._table, x)
        history = fitting.History(self.history_)
        callbacks: list[Callback] = [history]
        if self.verbose:
            callbacks.append(fitting.Verbose())
            fitting.prepare(model, config, state)
        data = TrainingData(x, scaling=self.scaling_, allow_missing=True)
        state = fitting.run(model, config, data, state, callbacks)
        self._state, self.params_, self.n_iter_ = state, state.params, state.epoch
        return history

    def _diagnose(self, x: Array) -> None:
        """Warn of what the user should know, judged on some training rows."""
        x = self.scaling_.apply(x[:: -(-len(x) // _DIAGNOSED_ROWS)], np.float64)
        model, params = self._evaluation()
        loc, _ = model.encode(params, x)
        active = diagnostics.active_components(loc)
        self.components_used_ = int(active.sum())
        if len(x) > 1:
            diagnostics.warn_of_collapse(
                active, beta=self.beta, size_was_given=self.n_components != "auto"
            )
        diagnostics.warn_of_mismatch(self._table, self.spec_, model.decode(params, loc), x)

    def _read(self, X: Any, *, reset: bool) -> list[RawColumn]:
        """Check X as scikit-learn does, and return its columns."""
        if type(X).__name__ == "LazyFrame":
            raise DataError("X is a LazyFrame, a plan without rows. Call its collect() first.")
        if container_of(X) == "array":
            if isinstance(X, (list, tuple)) and np.asarray(X).dtype.kind in "US":
                X = np.asarray(X, dtype=object)  # numbers beside strings stay numbers
            X = validate_data(self, X, dtype=None, ensure_all_finite="allow-nan", reset=reset)
            if X.dtype.kind in "mM":
                raise DataError(
                    f"X holds dates or time spans ({X.dtype}); convert them to numbers, such as "
                    "days since a start."
                )
            if X.dtype.kind in "US":
                X = X.astype(object)
        else:
            validate_data(self, X, skip_check_array=True, reset=reset)
            if reset:
                self.n_features_in_ = X.shape[1]
            elif X.shape[1] != self.n_features_in_:
                raise ValueError(
                    f"X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                    f"{self.n_features_in_} features as input."
                )
            if 0 in X.shape:
                raise ValueError(
                    f"Found array with {X.shape[0]} sample(s) and {X.shape[1]} feature(s) "
                    f"(shape={X.shape}) while a minimum of 1 is required."
                )
        names = getattr(X, "columns", [f"x{i}" for i in range(X.shape[1])])
        return read_columns(X, list(names))

    def _entries(self, X: Any, *, scaled: bool = True) -> Array:
        """Return the rows as the fitted model sees them, in float64."""
        check_is_fitted(self)
        x = self._table.encode(self._read(X, reset=False))
        return self.scaling_.apply(x, np.float64) if scaled else x

    def _evaluation(self) -> tuple[Any, Parameters]:
        """Return engine and float64 parameters: a row's results do not depend on its batch."""
        params = {name: array.astype(np.float64) for name, array in self.params_.items()}
        return fitting.evaluation_engine(self.spec_, self._bounds), params
