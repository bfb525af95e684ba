"""The reference engine: the VAE and its gradient in NumPy, in the order of the mathematics.

It is the specification that every other engine is tested against. The arithmetic is done in
the parameters' dtype, float32 or float64. NaN in x means "not observed": the encoder reads 0
there, and the likelihood leaves the entry out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.divergences.normal import kl_standard_normal
from klosed.engines.base import Loss, check_batch
from klosed.models.likelihoods import likelihood_of
from klosed.models.parameters import Parameters, check_parameters, initialize
from klosed.models.spec import VAESpec
from klosed.networks import (
    ACTIVATIONS,
    dense,
    dense_grad_input,
    dense_grad_params,
    mlp,
    mlp_backward,
)
from klosed.networks.mlp import Tape

__all__ = ["ReferenceEngine"]

Array = NDArray[Any]


class ReferenceEngine:
    """A dense VAE whose gradient is written out by hand.

    Forward, for one batch x and noise ε ~ N(0, I):

        h = encoder(x),  μ = h Wμᵀ + bμ,  ℓ = h Wℓᵀ + bℓ,
        z = μ + exp(ℓ/2) ∘ ε,
        a = decoder(z),
        loss = mean over examples of ( −log p(x | a) + β KL(N(μ, exp ℓ) ‖ N(0, I)) ).

    Backward, by differentials (∘ elementwise, G = ∂loss/∂·):

        G_z is what the decoder hands down,
        dz = dμ + ½ exp(ℓ/2) ∘ ε ∘ dℓ,
        G_μ = G_z + β μ / n,
        G_ℓ = G_z ∘ ½ exp(ℓ/2) ∘ ε + β ½ expm1(ℓ) / n,
        G_h = G_μ Wμ + G_ℓ Wℓ   (both heads: the mean's path counts too).

    The backward pass reads the ε of the forward pass; it is an argument, and drawn nowhere here.

    Notes
    -----
    Kingma and Welling (2014), arXiv:1312.6114, eq. 10 and appendix B.
    """

    name = "reference"

    def __init__(self, spec: VAESpec) -> None:
        self.spec = spec
        self._likelihood = likelihood_of(spec)
        self._activation = ACTIVATIONS[spec.activation]
        self._head = f"decoder.{self._likelihood.head}"

    def init(self, seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
        """Return fresh parameters; a function of (spec, seed)."""
        return initialize(self.spec, seed, dtype)

    def encode(self, params: Parameters, x: Array) -> tuple[Array, Array]:
        """Return (loc, log_variance) of q(z | x), each of shape (batch, n_components)."""
        _, loc, log_variance, _ = self._encode(params, x)
        return loc, log_variance

    def decode(self, params: Parameters, z: Array) -> Array:
        """Return the decoder's output (logits or means), shape (batch, n_features)."""
        return self._decode(params, z)[1]

    def loss(self, params: Parameters, x: Array, noise: Array, *, beta: float = 1.0) -> Loss:
        """Return −ELBO in nats per example, without gradients."""
        x, noise = self._check(params, x, noise)
        _, loc, log_variance, _ = self._encode(params, x)
        z = loc + np.exp(0.5 * log_variance) * noise
        _, output, _ = self._decode(params, z)
        return self._loss(params, x, loc, log_variance, output, beta)

    def loss_and_grad(
        self, params: Parameters, x: Array, noise: Array, *, beta: float = 1.0
    ) -> tuple[Loss, Parameters]:
        """Return −ELBO in nats per example, and its gradient by parameter name.

        Parameters
        ----------
        params : mapping of name to array
            As `init` returns them.
        x : array of shape (batch, n_features)
        noise : array of shape (batch, n_components)
            The standard normal ε of the reparameterisation.
        beta : float, default 1
            Weight of the KL term.
        """
        x, noise = self._check(params, x, noise)
        n = len(x)
        # forward
        h_encoder, loc, log_variance, encoder_tape = self._encode(params, x)
        scale = np.exp(0.5 * log_variance)
        z = loc + scale * noise
        h_decoder, output, decoder_tape = self._decode(params, z)
        loss = self._loss(params, x, loc, log_variance, output, beta)
        # backward: likelihood and decoder
        grad_output, grads = self._likelihood.grad(params, output, x)
        grads = {name: grad / n for name, grad in grads.items()}
        grad_h = self._head_backward(params, grads, self._head, h_decoder, grad_output / n)
        grad_z, decoder_grads = mlp_backward(
            params, "decoder.hidden", self._activation, decoder_tape, grad_h
        )
        # backward: reparameterisation and KL
        _, kl_grad_loc, kl_grad_log_variance = kl_standard_normal(loc, log_variance)
        grad_loc = grad_z + (beta / n) * kl_grad_loc
        grad_log_variance = grad_z * (0.5 * scale * noise) + (beta / n) * kl_grad_log_variance
        # backward: encoder, through both heads
        grad_h = self._head_backward(params, grads, "encoder.loc", h_encoder, grad_loc)
        grad_h += self._head_backward(
            params, grads, "encoder.log_variance", h_encoder, grad_log_variance
        )
        _, encoder_grads = mlp_backward(
            params, "encoder.hidden", self._activation, encoder_tape, grad_h, need_grad_x=False
        )
        grads |= decoder_grads | encoder_grads
        return loss, {name: grads[name] for name in params}

    @staticmethod
    def _head_backward(
        params: Parameters, grads: Parameters, head: str, h: Array, grad_y: Array
    ) -> Array:
        """Put the head's gradients into `grads` and return ∂loss/∂h."""
        grads[f"{head}.weight"], grads[f"{head}.bias"] = dense_grad_params(grad_y, h)
        return dense_grad_input(grad_y, params[f"{head}.weight"])

    def _check(self, params: Parameters, x: Array, noise: Array) -> tuple[Array, Array]:
        check_parameters(self.spec, params)
        dtype = params["encoder.loc.weight"].dtype
        x, noise = np.asarray(x, dtype), np.asarray(noise, dtype)
        check_batch(self.spec, x, noise)
        return x, noise

    def _encode(self, params: Parameters, x: Array) -> tuple[Array, Array, Array, Tape]:
        """Return (last hidden layer, loc, log_variance, tape)."""
        depth = len(self.spec.hidden_layer_sizes)
        x = self._likelihood.encoder_input(x)
        h, tape = mlp(params, "encoder.hidden", depth, self._activation, x)
        loc, log_variance = (
            dense(h, params[f"encoder.{head}.weight"], params[f"encoder.{head}.bias"])
            for head in ("loc", "log_variance")
        )
        return h, loc, log_variance, tape

    def _decode(self, params: Parameters, z: Array) -> tuple[Array, Array, Tape]:
        """Return (last hidden layer, output, tape)."""
        depth = len(self.spec.decoder_widths)
        h, tape = mlp(params, "decoder.hidden", depth, self._activation, z)
        output = dense(h, params[f"{self._head}.weight"], params[f"{self._head}.bias"])
        return h, output, tape

    def _loss(
        self,
        params: Parameters,
        x: Array,
        loc: Array,
        log_variance: Array,
        output: Array,
        beta: float,
    ) -> Loss:
        reconstruction = self._likelihood.negative_log_prob(params, output, x).mean()
        kl, _, _ = kl_standard_normal(loc, log_variance)
        return Loss(float(reconstruction), float(kl.sum(axis=-1).mean()), beta)
