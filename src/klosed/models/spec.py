"""VAESpec: a variational autoencoder as data. Imports no engine and no arrays."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klosed.errors import SpecError
from klosed.networks import ACTIVATIONS, INITIALIZATIONS

__all__ = ["VAESpec"]

_LIKELIHOODS = (
    "bernoulli",
    "gaussian",
    "heteroscedastic_gaussian",
    "student_t",
    "poisson",
    "negative_binomial",
    "categorical",
)
_VARIANCES = ("scalar", "per_feature")


@dataclass(frozen=True)
class VAESpec:
    """Description of a VAE with dense networks: frozen, comparable, JSON-serialisable.

    z ~ N(0, I),  x | z ~ likelihood(decoder(z)),  q(z | x) = N(μ(x), diag(exp ℓ(x))).

    Parameters
    ----------
    n_features : int
        Numbers in one example.
    n_components : int, default 20
        Latent size.
    hidden_layer_sizes : sequence of int, default (400,)
        Widths of the encoder's hidden layers, from the data inwards; may be empty.
    decoder_hidden_layer_sizes : sequence of int, optional
        Widths of the decoder's hidden layers, from the latent space outwards; by default the
        encoder's, mirrored.
    activation : str, default "relu"
        relu, leaky_relu, tanh, sigmoid, softplus, elu, gelu or identity.
    likelihood : str or sequence of (str, int), default "bernoulli"
        bernoulli (from logits), gaussian, heteroscedastic_gaussian (mean and variance of every
        entry from the decoder), student_t, poisson, negative_binomial or categorical (all
        features are the one-hot entries of one column). For mixed columns a sequence of
        blocks (likelihood, number of features), from the first feature on; a categorical column
        is a block of its own.
    variance : float or {"scalar", "per_feature"}, default "scalar"
        Of a Gaussian likelihood, and the squared scale of a Student-t: a fixed number, one
        learned number, or one learned number a feature. Ignored by the others.
    min_variance : float or sequence of float, default 0
        What a learned variance never falls below: v = min_variance + exp(s) with s learned. One
        number a feature, for data of unequal resolution, if heteroscedastic_gaussian is the
        likelihood of all features.
    initialization : {"pytorch", "xavier", "he"}
        How weights start.

    Raises
    ------
    SpecError
        Naming the field, its rule and what came.

    Notes
    -----
    Kingma and Welling (2014), "Auto-Encoding Variational Bayes", arXiv:1312.6114, appendix C.
    The learned scalar variance is the σ-VAE of Rybkin, Daniilidis and Levine (2021),
    arXiv:2006.13202, eq. 4.

    Examples
    --------
    >>> from klosed import VAESpec
    >>> spec = VAESpec(n_features=784, hidden_layer_sizes=(400,))
    >>> spec.n_components
    20
    >>> VAESpec.from_dict(spec.to_dict()) == spec
    True
    """

    n_features: int
    n_components: int = 20
    hidden_layer_sizes: tuple[int, ...] = (400,)
    decoder_hidden_layer_sizes: tuple[int, ...] | None = None
    activation: str = "relu"
    likelihood: str | tuple[tuple[str, int], ...] = "bernoulli"
    variance: float | str = "scalar"
    initialization: str = "pytorch"
    min_variance: float | tuple[float, ...] = 0.0

    def __post_init__(self) -> None:
        set_field = object.__setattr__  # the dataclass is frozen once it is valid
        set_field(self, "n_features", _count("n_features", self.n_features))
        set_field(self, "n_components", _count("n_components", self.n_components))
        set_field(
            self, "hidden_layer_sizes", _widths("hidden_layer_sizes", self.hidden_layer_sizes)
        )
        if self.decoder_hidden_layer_sizes is not None:
            widths = _widths("decoder_hidden_layer_sizes", self.decoder_hidden_layer_sizes)
            set_field(self, "decoder_hidden_layer_sizes", widths)
        _choice("activation", self.activation, tuple(ACTIVATIONS))
        set_field(self, "likelihood", _likelihood(self.likelihood, self.n_features))
        _choice("initialization", self.initialization, INITIALIZATIONS)
        set_field(self, "variance", _variance(self.variance))
        set_field(self, "min_variance", _min_variance(self))

    @property
    def decoder_widths(self) -> tuple[int, ...]:
        """Widths of the decoder's hidden layers: as given, or the encoder's mirrored."""
        if self.decoder_hidden_layer_sizes is None:
            return self.hidden_layer_sizes[::-1]
        return self.decoder_hidden_layer_sizes

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {name: _plain(value) for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> VAESpec:
        """Return the spec that `to_dict` described; unknown or missing fields raise SpecError."""
        if not isinstance(fields, Mapping):
            raise SpecError(f"a spec must be a mapping of fields; got {type(fields).__name__}.")
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(fields) - known):
            raise SpecError(
                f"unknown spec field {unknown[0]!r}; known: {', '.join(sorted(known))}."
            )
        if "n_features" not in fields:
            raise SpecError("spec field 'n_features' is missing.")
        return cls(**fields)


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _likelihood(value: Any, n_features: int) -> str | tuple[tuple[str, int], ...]:
    """Return a name, or two or more blocks that together cover all features."""
    if isinstance(value, str):
        _choice("likelihood", value, _LIKELIHOODS)
        return value
    blocks = []
    try:
        for i, (name, width) in enumerate(value):
            _choice(f"likelihood[{i}]", name, _LIKELIHOODS)
            blocks.append((str(name), _count(f"width of likelihood[{i}]", width)))
    except (TypeError, ValueError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(
            f"likelihood must be one of {', '.join(_LIKELIHOODS)}, or a sequence of blocks "
            f"(name, number of features); got {value!r}."
        ) from None
    if (total := sum(width for _, width in blocks)) != n_features:
        raise SpecError(
            f"the blocks of likelihood must cover n_features = {n_features}; they cover {total}."
        )
    return blocks[0][0] if len(blocks) == 1 else tuple(blocks)


def _count(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or number < 1:
        raise SpecError(f"{name} must be an integer >= 1; got {value!r}.")
    return number


def _widths(name: str, value: Any) -> tuple[int, ...]:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise SpecError(f"{name} must be a sequence of integers, such as (400,); got {value!r}.")
    return tuple(_count(f"{name}[{i}]", width) for i, width in enumerate(value))


def _choice(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SpecError(f"{name} must be one of {', '.join(known)}; got {value!r}.")


def _variance(value: Any) -> float | str:
    if isinstance(value, str) and value in _VARIANCES:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not 0 < number < math.inf:
        raise SpecError(f"variance must be a number > 0, 'scalar' or 'per_feature'; got {value!r}.")
    return number


def _min_variance(spec: VAESpec) -> float | tuple[float, ...]:
    value: Any = spec.min_variance
    each = hasattr(value, "__iter__") and not isinstance(value, (str, bytes))
    try:
        numbers = tuple(float(number) for number in (value if each else [value]))
    except (TypeError, ValueError):
        numbers = (math.nan,)
    if wrong := [number for number in numbers if not 0 <= number < math.inf]:
        got = wrong[0] if each else value
        raise SpecError(f"min_variance must be >= 0 and finite; got {got!r}.")
    if not each:
        return numbers[0]
    if spec.likelihood != "heteroscedastic_gaussian" or len(numbers) != spec.n_features:
        raise SpecError(
            "min_variance must be one number, or under likelihood 'heteroscedastic_gaussian' one a "
            f"feature ({spec.n_features}); got {len(numbers)} under {spec.likelihood!r}."
        )
    return numbers
