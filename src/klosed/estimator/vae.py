"""VAE, the estimator: its parameters, fitting and saving. What it then says is in `fitted`."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from klosed.engines import ENGINES
from klosed.estimator.columns import COLUMN_TYPES, TYPE_OF_FAMILY
from klosed.estimator.files import plain_parameters, write_estimator
from klosed.estimator.fitted import FittedTable
from klosed.models import Model
from klosed.networks import ACTIVATIONS
from klosed.training import OPTIMIZERS

__all__ = ["VAE"]

Array = NDArray[Any]


class VAE(FittedTable):
    """Variational autoencoder of a table: fit, transform, sample, score, impute.

    z ~ N(0, I),  x | z ~ likelihood of each column (decoder(z)),  q(z | x) = N(μ(x), diag σ²(x)),

    trained on ELBO = E_q[log p(x | z)] − beta · KL(q(z | x) ‖ N(0, I)), in nats per row. Columns
    may be numbers, counts, booleans and categories in one table; NaN, None and pd.NA mean "not
    observed" anywhere.

    Parameters
    ----------
    n_components : int or "auto", default "auto"
        Latent size. auto: half the numbers that make a row, at most 10.
    hidden_layer_sizes : sequence of int, default (128,)
        Widths of the encoder's hidden layers; the decoder mirrors them.
    activation : str, default "relu"
        relu, leaky_relu, tanh, sigmoid, softplus, elu, gelu or identity.
    likelihood : "auto", str or dict, default "auto"
        The family of the columns. auto: by each column's type, see Notes. A name (gaussian,
        student_t, log_normal, bernoulli, poisson, negative_binomial) is for all columns of
        numbers; a dict maps types to families, such as ``{"count": "poisson"}``. bernoulli is
        for numbers in [0, 1], such as grey pixels.
    column_types : "auto", str or dict, default "auto"
        real, positive, count, binary, ordinal or categorical, for all columns or, as a dict, by
        name or position. What is not given is inferred; `columns_` says how.
    beta : float, default 1.0
        Weight of the KL term.
    optimizer : {"adam", "sgd", "adagrad"}, default "adam"
    learning_rate : float, default 1e-3
    batch_size : int or "auto", default "auto"
        Rows a step, at most all. auto: near the square root of the number of rows, from 16 to
        512.
    max_iter : int, default 1000
        Most epochs.
    early_stopping : bool, default True
        Hold out `validation_fraction` of the rows and stop once their loss no longer improves;
        the best epoch's parameters are kept. Tables of fewer than 20 rows hold nothing out.
    validation_fraction : float, default 0.1
    n_iter_no_change : int or "auto", default "auto"
        Epochs without improvement that end training. auto: 10, and at least 500 steps.
    warm_start : bool, default False
        Let `fit` go on from the last fit's parameters, with its columns and scaling.
    random_state : int, RandomState instance or None, default None
    engine : str, default "auto"
        Which engine trains: "auto" takes the fastest that there is, "reference" is plain NumPy.
        A fitted model is evaluated in float64, so that a row does not depend on its batch.
    verbose : bool or int, default False
        Write the columns' types and every tenth epoch to standard output, and that the engine
        compiles, which it does at the first use on a machine.

    Attributes
    ----------
    columns_ : tuple of Column
        What each column was taken for: name, type, family, categories.
    n_components_ : int
    components_used_ : int
        Latent numbers that carry information; known after `fit`.
    n_iter_ : int
        Epochs trained, all fits of a warm start together.
    history_ : dict of str to list
        By epoch: train_loss, train_reconstruction, train_kl and validation_loss (None without
        held-out rows), in nats a row of scaled data.
    spec_ : VAESpec
    params_ : dict of str to array
        Weights, named as in a PyTorch state_dict.
    scaling_ : Scaling
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Present where the columns have names.

    Notes
    -----
    Types are inferred in a frame by dtype and values: booleans, 0 and 1, and two strings or
    categories are binary; others categorical, or ordinal where pandas orders them; whole numbers
    ≥ 0 counts where a negative binomial fits them better than a Gaussian; numbers > 0 positive
    where a log-normal clearly fits better; the rest real, as a Student-t where the tails are
    heavy. In an array all columns are real, or all binary where it holds nothing but 0 and 1.
    Constant columns are left out of the model and come back as they were.

    References: Kingma and Welling (2014), arXiv:1312.6114; for mixed columns and missing values
    Nazábal et al. (2020), arXiv:1807.03653, and Mattei and Frellsen (2019), arXiv:1812.02633.

    Examples
    --------
    >>> import klosed
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris(as_frame=True).data
    >>> vae = klosed.VAE(n_components=2, max_iter=50, early_stopping=False).fit(X)
    >>> vae.transform(X).shape
    (150, 2)
    >>> vae.sample(2).columns.tolist() == X.columns.tolist()
    True
    >>> X.iloc[0, 2] = float("nan")
    >>> bool(vae.impute(X).notna().all(axis=None))
    True
    """

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012  (scikit-learn's own name and form)
        "n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "hidden_layer_sizes": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "likelihood": [StrOptions({"auto", *TYPE_OF_FAMILY}), dict],
        "column_types": [StrOptions({"auto", *COLUMN_TYPES}), dict],
        "beta": [Interval(Real, 0, None, closed="left")],
        "optimizer": [StrOptions(set(OPTIMIZERS))],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "engine": [StrOptions({"auto", *ENGINES})],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components: int | str = "auto",
        *,
        hidden_layer_sizes: tuple[int, ...] = (128,),
        activation: str = "relu",
        likelihood: str | Mapping[str, str] = "auto",
        column_types: str | Mapping[Any, str] = "auto",
        beta: float = 1.0,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        batch_size: int | str = "auto",
        max_iter: int = 1000,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | str = "auto",
        warm_start: bool = False,
        random_state: Any = None,
        engine: str = "auto",
        verbose: bool | int = False,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.likelihood = likelihood
        self.column_types = column_types
        self.beta = beta
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.engine = engine
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> VAE:
        """Learn the columns, their scaling and the model.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
            NaN, None and pd.NA mean "not observed".
        y : ignored

        Returns
        -------
        VAE
            The fitted estimator itself.
        """
        self._fit(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any = None) -> VAE:
        """Train one epoch on these rows; the first call settles columns and scaling.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        VAE
            The estimator itself.
        """
        self._partial_fit(X)
        return self

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to one safetensors file; `klosed.load` reads it back.

        Parameters
        ----------
        path : str or Path
        """
        check_is_fitted(self)
        fields = {
            "parameters": plain_parameters(self),
            "n_iter": self.n_iter_,
            "history": self.history_,
            "seed": self._seed,
            "n_features_in": self.n_features_in_,
            "components_used": getattr(self, "components_used_", None),
            "feature_names_in": list(getattr(self, "feature_names_in_", [])) or None,
        }
        model = Model(self.spec_, self.params_, self.scaling_)
        write_estimator(path, model, self._bounds, self._table, fields)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
