"""Invertible maps and the distributions they make: slopes, images, comparisons, refusals."""

import numpy as np
import pytest
from scipy import special, stats

import klosed
from klosed import Exponential, LogitNormal, LogNormal, Normal, TransformedDistribution, Uniform
from klosed.distributions.supports import Interval
from klosed.distributions.transforms import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftplusTransform,
    TanhTransform,
)

X = np.array([0.3, 0.7, 1.1, 1.9])
TRANSFORMS = {
    "exp": (ExpTransform(), np.exp),
    "sigmoid": (SigmoidTransform(), special.expit),
    "tanh": (TanhTransform(), np.tanh),
    "softplus": (SoftplusTransform(), lambda x: np.logaddexp(0.0, x)),
    "power": (PowerTransform(2.5), lambda x: x**2.5),
    "reciprocal": (PowerTransform(-1.0), lambda x: 1 / x),
    "affine": (AffineTransform(0.3, -2.0), lambda x: 0.3 - 2.0 * x),
    "composed": (
        ComposeTransform([ExpTransform(), AffineTransform(1.0, -0.5), TanhTransform()]),
        lambda x: np.tanh(1.0 - 0.5 * np.exp(x)),
    ),
}
every = pytest.mark.parametrize(("transform", "function"), TRANSFORMS.values(), ids=TRANSFORMS)


@every
def test_forward_inverse_and_slopes(transform, function):
    step = 1e-5
    y = transform.forward(X)
    assert y == pytest.approx(function(X), rel=1e-14)
    assert transform.inverse(y) == pytest.approx(X, rel=1e-9)
    slope = (function(X + step) - function(X - step)) / (2 * step)
    assert transform.slope(X) == pytest.approx(slope, rel=1e-8)
    assert transform.log_slope(X) == pytest.approx(np.log(np.abs(slope)), rel=1e-7, abs=1e-8)
    bend = (transform.log_slope(X + step) - transform.log_slope(X - step)) / (2 * step)
    assert np.broadcast_to(transform.grad_log_slope(X), X.shape) == pytest.approx(bend, abs=1e-7)
    assert transform.increasing == (slope[0] > 0)


@every
def test_images_of_intervals(transform, function):
    image = transform.image(Interval(np.array([0.5]), np.array([1.5]), low_closed=True))
    ends = np.sort([function(np.array([0.5])), function(np.array([1.5]))], axis=0)
    assert [image.low, image.high] == pytest.approx(ends, rel=1e-14)
    assert image.low_closed == transform.increasing
    assert image.high_closed != transform.increasing


def test_infinite_ends():
    assert SigmoidTransform().image(Interval()) == Interval(0.0, 1.0)
    assert ExpTransform().image(Interval()) == Interval(0.0)
    assert AffineTransform(1.0, -2.0).image(Interval(0.0)) == Interval(-np.inf, 1.0)


def test_densities_of_known_images():
    weibull = TransformedDistribution(Exponential(1.0), PowerTransform(0.5))
    assert weibull.log_prob(X) == pytest.approx(stats.weibull_min(2.0).logpdf(X), rel=1e-13)
    flipped = TransformedDistribution(LogNormal(0.2, 0.5), AffineTransform(1.0, -2.0))
    wanted = stats.lognorm(0.5, scale=np.exp(0.2)).logpdf((1.0 - (-X)) / 2) - np.log(2)
    assert flipped.log_prob(-X) == pytest.approx(wanted, rel=1e-13)
    assert flipped.mean == pytest.approx(1 - 2 * LogNormal(0.2, 0.5).mean)
    assert flipped.variance == pytest.approx(4 * LogNormal(0.2, 0.5).variance)


def test_equal_maps_compare_the_bases_and_not_the_rounded_ends():
    low, high = 3.0, np.nextafter(3.0, 4.0) * 4
    inner, outer = Uniform(low, high), Uniform(np.nextafter(low, 0.0), high)
    q, p = (TransformedDistribution(d, SigmoidTransform()) for d in (inner, outer))
    assert klosed.kl_divergence(q, p) == klosed.kl_divergence(inner, outer) > 0
    assert klosed.kl_divergence(p, q) == np.inf


def test_different_maps_have_no_closed_form():
    q = TransformedDistribution(Normal(0.0, 1.0), AffineTransform(0.0, 2.0))
    p = TransformedDistribution(Normal(0.0, 1.0), AffineTransform(0.0, 3.0))
    with pytest.raises(klosed.NoClosedFormError, match="kl_monte_carlo"):
        klosed.kl_divergence(q, p)
    with pytest.raises(klosed.NoClosedFormError, match="LogNormal"):
        klosed.kl_divergence(LogNormal(0.0, 1.0), Normal(0.0, 1.0))


def test_supports_decide_before_formulas():
    assert klosed.kl_divergence(Normal(0.0, 1.0), LogNormal(0.0, 1.0)) == np.inf
    assert klosed.kl_divergence(LogNormal(0.0, 1.0), LogitNormal(0.0, 1.0)) == np.inf


def test_draws_never_reach_an_open_end():
    x = LogitNormal(np.float32([40.0, -300.0]), np.float32(1.0)).sample(0, (100,))
    assert np.all((x > 0) & (x < 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PowerTransform(0.0), "exponent must be a finite number other than 0; got 0.0"),
        (lambda: AffineTransform(np.zeros(2), 1.0), "loc must be a finite number; got array"),
        (lambda: AffineTransform(0.0, 0.0), "scale must be a finite number other than 0"),
        (lambda: ComposeTransform([]), "parts must be one or more transforms"),
        (lambda: TransformedDistribution(Normal(0.0, 1.0), 3), "one or more transforms; got 3"),
        (lambda: ComposeTransform([TanhTransform(), PowerTransform(2.0)]), "into the domain"),
        (lambda: TransformedDistribution(1.0, ExpTransform()), "must be a Distribution; got float"),
        (
            lambda: TransformedDistribution(Normal(0.0, 1.0), PowerTransform(2.0)),
            "base must live on the domain of PowerTransform",
        ),
        (
            lambda: TransformedDistribution(Uniform(-1.0, 1.0), PowerTransform(2.0)),
            "base must be on numbers > 0",
        ),
        (
            lambda: TransformedDistribution(
                klosed.Independent(Normal([0.0, 1.0], 1.0), 1), ExpTransform()
            ),
            "base must have scalar events",
        ),
    ],
)
def test_refusals(make, message):
    with pytest.raises(klosed.KlosedError, match=message):
        make()
