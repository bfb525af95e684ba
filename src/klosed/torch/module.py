"""A VAE as a plain torch.nn.Module whose state_dict is klosed's parameters by name.

Imports models, special functions and below.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (the name every PyTorch user knows)
from torch import Tensor, nn

from klosed.errors import ShapeError
from klosed.models.likelihoods import likelihood_of
from klosed.models.parameters import Parameters, check_parameters, initialize
from klosed.models.spec import VAESpec
from klosed.networks.activations import LEAKY_RELU_SLOPE
from klosed.special import psi
from klosed.torch.likelihoods import blocks_of

__all__ = ["LossTerms", "VAEModule"]

# By the names of klosed.networks.ACTIVATIONS.
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "relu": F.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, LEAKY_RELU_SLOPE),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    # PyTorch's default threshold of 20 is 2e-9 off there
    "softplus": lambda x: F.softplus(x, threshold=40.0),
    "elu": F.elu,
    "gelu": F.gelu,
}


class LossTerms(NamedTuple):
    """The two parts of −ELBO of each example in nats, both of shape (batch,)."""

    reconstruction: Tensor
    kl: Tensor

    def loss(self, beta: float = 1.0) -> Tensor:
        """Return the mean over examples of reconstruction + beta · KL."""
        return (self.reconstruction + beta * self.kl).mean()


class VAEModule(nn.Module):  # type: ignore[misc]
    r"""The VAE of `spec` as a torch.nn.Module, for any training loop.

    .. math::
        \text{loss} = \operatorname{mean}\Bigl( -\log p(x \mid z)
        + \beta\,\tfrac12 \textstyle\sum_j (\psi(\ell_j) + \mu_j^2) \Bigr), \quad
        z = \mu + e^{\ell/2} \varepsilon, \quad \psi(v) = e^v - 1 - v

    Calling the module gives both parts of each example, so that what wraps a module
    (DistributedDataParallel, torch.compile, FSDP) sees the whole computation. What goes backward
    through the KL is its closed form, μ and ½ expm1(ℓ).

    Parameters
    ----------
    spec : VAESpec
    encoder : nn.Module, optional
        Your own, in place of the dense one: from x of shape (batch, …) to the pair
        (loc, log_variance), each (batch, n_components), or to both beside each other,
        (batch, 2 n_components).
    decoder : nn.Module, optional
        Your own: from z of shape (batch, n_components) to logits (Bernoulli), means (Gaussian) or
        what the likelihood reads, n_features numbers an example in any shape (twice as many for
        heteroscedastic_gaussian). What the likelihood
        learns itself joins its parameters, such as `log_variance`.
    seed : int, default 0
        Of the dense networks' weights, which are `klosed.engine("torch", spec).init(seed)`. Your
        own modules keep theirs.

    Raises
    ------
    ShapeError
        On a call: a module or the data have the wrong shape.

    Notes
    -----
    Kingma and Welling (2014), arXiv:1312.6114, eq. 10 and appendix B. Measured against the
    reference engine in float64, loss and gradients on the same noise: 1e-13 relative.

    Examples
    --------
    >>> import torch
    >>> from klosed import VAESpec
    >>> from klosed.torch import VAEModule
    >>> vae = VAEModule(VAESpec(n_features=6, n_components=2, hidden_layer_sizes=(5,)))
    >>> optimizer = torch.optim.Adam(vae.parameters())
    >>> loss = vae.loss(torch.rand(8, 6))
    >>> loss.backward()
    >>> optimizer.step()
    >>> sorted(vae.state_dict())[:2]
    ['decoder.hidden.0.bias', 'decoder.hidden.0.weight']
    >>> loc, log_variance = vae.encode(torch.rand(3, 6))
    >>> vae.mean(loc).shape
    torch.Size([3, 6])
    """

    def __init__(
        self,
        spec: VAESpec,
        *,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.spec, self._blocks = spec, blocks_of(spec)
        self._n_outputs = likelihood_of(spec).n_outputs
        self.encoder = _Encoder(spec) if encoder is None else encoder
        self.decoder = _Decoder(spec) if decoder is None else decoder
        for name, shape in likelihood_of(spec).free_parameters().items():
            _register(self.decoder, name.removeprefix("decoder."), shape)
        fresh = initialize(spec, seed)
        own = {"encoder": encoder, "decoder": decoder}
        self.load_state_dict(
            {k: torch.from_numpy(a) for k, a in fresh.items() if own[k.split(".")[0]] is None},
            strict=False,
        )

    @classmethod
    def from_params(cls, spec: VAESpec, params: Parameters) -> VAEModule:
        """Return the module with klosed's parameters, bit for bit, in their dtype.

        Parameters
        ----------
        spec : VAESpec
        params : mapping of name to array
            As engines and `klosed.models.load_model` give them.
        """
        check_parameters(spec, params)
        module = cls(spec).to(_torch_dtype(params["encoder.loc.weight"].dtype))
        module.load_state_dict({name: torch.tensor(array) for name, array in params.items()})
        return module

    def to_params(self) -> Parameters:
        """Return the parameters as NumPy arrays by name, bit for bit, copied.

        Raises
        ------
        SpecError, ShapeError
            An encoder or decoder of your own is not the dense one that `spec` describes: only
            PyTorch can store it.
        """
        params = {name: t.detach().cpu().numpy().copy() for name, t in self.state_dict().items()}
        check_parameters(self.spec, params)
        return params

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (loc, log_variance) of q(z | x), each of shape (batch, n_components)."""
        return self._encode(x.masked_fill(x.isnan(), 0.0))

    def reparameterize(
        self, loc: Tensor, log_variance: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        """Return z = loc + exp(log_variance / 2) · noise; PyTorch draws the noise by default."""
        if noise is None:
            noise = torch.randn_like(loc)
        return loc + torch.exp(0.5 * log_variance) * noise

    def decode(self, z: Tensor) -> Tensor:
        """Return the decoder's output (logits or means) in its own shape."""
        return self.decoder(z)

    def mean(self, z: Tensor) -> Tensor:
        """Return E[x | z], shape (batch, n_features)."""
        output = _full(self.decode(z)).flatten(1)
        return torch.cat([block.mean(output) for block in self._blocks], 1)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> LossTerms:
        """Return both parts of −ELBO of each example.

        Parameters
        ----------
        x : tensor of shape (batch, …)
            As the encoder takes it; n_features numbers an example. NaN means "not observed": it
            adds nothing to the loss, and the encoder reads 0.
        noise : tensor of shape (batch, n_components), optional
            The standard normal ε of the reparameterisation; PyTorch draws it by default.
        """
        missing = x.isnan()
        x = x.masked_fill(missing, 0.0)
        loc, log_variance = self._encode(x)
        output = self.decode(self.reparameterize(loc, log_variance, noise))
        x, missing, output = x.flatten(1), missing.flatten(1), _full(output).flatten(1)
        widths = self.spec.n_features, self._n_outputs
        if (x.shape[1], output.shape[1]) != widths or len(x) != len(output):
            raise ShapeError(
                f"x and the decoder's output must hold {widths[0]} and {widths[1]} numbers an "
                f"example; got shapes {tuple(x.shape)} and {tuple(output.shape)}."
            )
        terms = [block.terms(self._free, output, x) for block in self._blocks]
        observed = (terms[0] if len(terms) == 1 else torch.cat(terms, 1)).masked_fill(missing, 0.0)
        kl = 0.5 * (psi(log_variance) + loc.square()).sum(1)
        return LossTerms(observed.sum(1), kl)

    def loss(self, x: Tensor, noise: Tensor | None = None, *, beta: float = 1.0) -> Tensor:
        """Return −ELBO in nats per example, its KL weighted with beta."""
        return self(x, noise).loss(beta)

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (loc, log_variance) for x without NaN."""
        for block in self._blocks:
            if block.name in _READ:
                columns = (..., block.columns)
                x = x.clone()
                x[columns] = _READ[block.name](x[columns])
        out = self.encoder(x)
        loc, log_variance = out.chunk(2, dim=-1) if isinstance(out, Tensor) else out
        wanted = (x.shape[0], self.spec.n_components)
        if tuple(loc.shape) != wanted or loc.shape != log_variance.shape:
            raise ShapeError(
                f"the encoder must return loc and log_variance of shape {wanted}; got "
                f"{tuple(loc.shape)} and {tuple(log_variance.shape)}."
            )
        return _full(loc), _full(log_variance)

    def _free(self, path: str) -> Tensor:
        return reduce(getattr, path.split("."), self.decoder)


class _Dense(nn.Module):  # type: ignore[misc]
    """Hidden layers with one activation."""

    def __init__(self, n_in: int, widths: tuple[int, ...], activation: str) -> None:
        super().__init__()
        self.hidden = nn.ModuleList()
        for width in widths:
            self.hidden.append(_linear(n_in, width))
            n_in = width
        self.width, self._activation = n_in, _ACTIVATIONS[activation]

    def last_hidden(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = self._activation(layer(x))
        return x


class _Encoder(_Dense):
    def __init__(self, spec: VAESpec) -> None:
        super().__init__(spec.n_features, spec.hidden_layer_sizes, spec.activation)
        self.loc = _linear(self.width, spec.n_components)
        self.log_variance = _linear(self.width, spec.n_components)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.last_hidden(x)
        return self.loc(h), self.log_variance(h)


# What the encoder reads of columns that span magnitudes
_READ = {"poisson": torch.log1p, "negative_binomial": torch.log1p, "student_t": torch.asinh}


class _Decoder(_Dense):
    def __init__(self, spec: VAESpec) -> None:
        super().__init__(spec.n_components, spec.decoder_widths, spec.activation)
        likelihood = likelihood_of(spec)
        self._head = likelihood.head
        self.add_module(self._head, _linear(self.width, likelihood.n_outputs))

    def forward(self, z: Tensor) -> Tensor:
        return self.get_submodule(self._head)(self.last_hidden(z))


def _linear(n_in: int, n_out: int) -> nn.Module:
    # klosed draws the weights; PyTorch's generator is left where it stands
    return nn.utils.skip_init(nn.Linear, n_in, n_out)


def _register(module: nn.Module, path: str, shape: tuple[int, ...]) -> None:
    """Give the module a parameter of zeros at a dotted path, unless it has one."""
    *parents, name = path.split(".")
    for parent in parents:
        if not hasattr(module, parent):
            module.add_module(parent, nn.Module())
        module = getattr(module, parent)
    if not hasattr(module, name):
        module.register_parameter(name, nn.Parameter(torch.zeros(shape)))


def _full(t: Tensor) -> Tensor:
    """Return what autocast made half precision in float32: the loss is summed there."""
    return t.float() if t.dtype in (torch.bfloat16, torch.float16) else t


def _torch_dtype(dtype: Any) -> torch.dtype:
    return torch.float64 if np.dtype(dtype) == np.float64 else torch.float32
