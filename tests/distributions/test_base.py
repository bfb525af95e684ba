"""What the base class does for every family, seen through Normal and a family of the docs."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from klosed import Independent, LowRankMultivariateNormal, Normal
from klosed.distributions import Distribution
from klosed.distributions._parameters import Positive
from klosed.distributions.supports import POSITIVE
from klosed.errors import ArrayKindError, NoClosedFormError, ParameterError, ShapeError


class Exp(Distribution):
    """A bounded support, and nothing more than the base class demands."""

    specification = (Positive("rate"),)
    support = POSITIVE

    def __init__(self, rate=None, *, log_rate=None):
        super().__init__(rate=rate, log_rate=log_rate)

    def _log_prob(self, x):
        return self.core.rate.log - self.core.rate.value * x

    def _grad_log_prob(self, x):
        return {"log_rate": 1.0 - self.core.rate.value * x}, -self.core.rate.value


@pytest.mark.parametrize(
    ("given", "got"),
    [({}, "got none"), ({"scale": 1.0, "log_variance": 0.0}, "got scale and log_variance")],
)
def test_exactly_one_alternative_is_taken(given, got):
    with pytest.raises(ParameterError, match=f"needs exactly one of scale or .*; {got}"):
        Normal(0.0, **given)


def test_domains_are_checked_by_the_name_that_was_given():
    with pytest.raises(ParameterError, match=r"variance must be > 0.*Use log_variance"):
        Normal(0.0, variance=[1.0, 0.0])
    with pytest.raises(ParameterError, match="log_scale must be finite; got inf"):
        Normal(0.0, log_scale=math.inf)
    with pytest.raises(ShapeError, match=r"loc has \(2,\), scale has \(3,\)"):
        Normal([0.0, 1.0], [1.0, 2.0, 3.0])
    with pytest.raises(ArrayKindError, match="loc is NumPy, scale is PyTorch"):
        Normal(np.zeros(2), torch.ones(2))


def test_batches_broadcast_and_parameters_stay_as_given():
    q = Normal(np.zeros((3, 1)), np.ones(4))
    assert q.batch_shape == (3, 4)
    assert q.parameters["loc"].shape == (3, 1)
    assert q.mean.shape == q.variance.shape == q.entropy().shape == (3, 4)
    value, gradients = q.entropy_value_and_grad()
    assert value.shape == gradients["loc"].shape == gradients["scale"].shape == (3, 4)
    log_p, gradients, of_x = q.log_prob_value_and_grad(np.zeros((2, 1, 1)))
    assert log_p.shape == of_x.shape == gradients["scale"].shape == (2, 3, 4)


def test_values_must_fit_the_event_and_the_batch():
    q = Independent(Normal(np.zeros((2, 3)), 1.0), 1)
    with pytest.raises(ShapeError, match=r"x must end in the event shape \(3,\); got shape \(2,\)"):
        q.log_prob(np.zeros(2))
    with pytest.raises(ShapeError, match=r"x has \(4,\), Independent has \(2,\)"):
        q.log_prob(np.zeros((4, 3)))


def test_outside_the_support_and_nan():
    value, gradients, of_x = Exp([2.0, 2.0, 2.0]).log_prob_value_and_grad([1.0, -1.0, math.nan])
    assert value[0] == pytest.approx(math.log(2) - 2)
    assert value[1] == -math.inf
    assert math.isnan(value[2])
    assert gradients["rate"].tolist()[:2] == [0.5 - 1.0, 0.0]
    assert of_x.tolist()[:2] == [-2.0, 0.0]


def test_gradients_outside_the_support_are_zero_in_torch_too():
    rate = torch.tensor([2.0, 2.0], requires_grad=True)
    Exp(rate).log_prob([1.0, -1.0])[0].backward()
    assert rate.grad.tolist() == [-0.5, 0.0]


def test_what_a_family_does_not_state_is_refused_by_name():
    d = Exp(1.0)
    for what, call in {
        "entropy": d.entropy,
        "mean": lambda: d.mean,
        "variance": lambda: d.variance,
        "reparameterised sampling": lambda: d.rsample(0.5),
        "gradient of the entropy": d._grad_entropy,
    }.items():
        with pytest.raises(NoClosedFormError, match=f"Exp has no closed form for its {what}"):
            call()
    with pytest.raises(NoClosedFormError, match="log_prob"):
        super(Exp, d)._log_prob(1.0)
    with pytest.raises(NoClosedFormError, match="gradient of log_prob"):
        super(Exp, d)._grad_log_prob(1.0)


def test_draws_are_a_function_of_the_seed():
    q = Normal(np.array([0.0, 100.0], dtype=np.float32), 1.0)
    x = q.sample(3, (5,))
    assert x.shape == (5, 2)
    assert x.dtype == np.float32
    assert np.array_equal(x, q.sample(3, (5,)))
    assert np.array_equal(x[:3], q.sample(3, (3,)))


def test_reparameterised_draws_carry_gradients():
    loc = torch.tensor([1.0, 2.0], requires_grad=True)
    log_scale = torch.tensor(0.5, requires_grad=True)
    noise = torch.tensor([[0.3, -0.7]])
    Normal(loc, log_scale=log_scale).rsample(noise).sum().backward()
    assert loc.grad.tolist() == [1.0, 1.0]
    assert float(log_scale.grad) == pytest.approx((0.3 - 0.7) * math.exp(0.5))


def test_repr_shows_numbers_and_shapes():
    assert repr(Normal(0.0, 2.0)) == "Normal(loc=0, scale=2)"
    assert repr(Normal(np.zeros(3), 2.0)) == "Normal(loc=<float64 (3,)>, scale=2)"
    assert repr(Independent(Normal(np.zeros(3), 2.0), 1)).startswith("Independent(Normal(")


def test_repr_while_values_cannot_be_read():
    shown = []

    def show(loc):
        shown.append(repr(Normal(loc, 1.0)))
        return loc

    jax.jit(show)(jnp.float32(0.0))
    torch.func.vmap(show)(torch.zeros(2))
    show(torch.zeros((), requires_grad=True))
    assert shown[0].startswith("Normal(loc=<float32 ()>")
    assert shown[1:] == ["Normal(loc=<torch.float32 ()>, scale=1)", "Normal(loc=0, scale=1)"]


def test_noise_must_fit_the_event_and_the_batch():
    with pytest.raises(ShapeError, match=r"noise has \(3,\), Normal has \(2,\)"):
        Normal(np.zeros(2), 1.0).rsample(np.zeros(3))
    with pytest.raises(ShapeError, match=r"noise must end in \(3,\).*got shape \(2,\)"):
        Independent(Normal(np.zeros(3), 1.0), 1).rsample(np.zeros(2))
    low_rank = LowRankMultivariateNormal(np.zeros(3), np.ones((3, 2)), np.ones(3))
    assert low_rank.rsample(np.zeros((4, 5))).shape == (4, 3)
    with pytest.raises(ShapeError, match=r"noise must end in \(5,\)"):
        low_rank.rsample(np.zeros((4, 3)))


def test_a_shape_may_be_one_number():
    assert np.array_equal(Normal(0.0, 1.0).sample(0, 3), Normal(0.0, 1.0).sample(0, (3,)))
