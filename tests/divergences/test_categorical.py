"""Categorical divergences where other libraries fail, and with impossible categories."""

import math

import jax
import mpmath as mp
import numpy as np
import pytest
import torch
from kinds import KINDS

from klosed import (
    Bernoulli,
    Categorical,
    Multinomial,
    OneHotCategorical,
    OrderedLogistic,
    kl_divergence,
    kl_value_and_grad,
)
from klosed.errors import ShapeError

INF = math.inf


@pytest.mark.parametrize("far", [-800.0, -8e8, -1e20])
def test_far_logits_are_finite(far):
    """torch: inf from −800 on, where the true value is 399.3."""
    value, of_q, of_p = kl_value_and_grad(
        Categorical(logits=[0.0, 0.0]), Categorical(logits=[0.0, far])
    )
    assert value == pytest.approx(-far / 2 - math.log(2), rel=1e-15, abs=0)
    assert of_q["logits"] == pytest.approx([far / 4, -far / 4], rel=1e-15, abs=0)
    assert of_p["logits"] == pytest.approx([0.5, -0.5], rel=1e-15, abs=0)


@pytest.mark.parametrize(("dtype", "rel"), [(np.float32, 4e-6), (np.float64, 1e-14)])
def test_many_classes_with_a_little_noise_are_never_negative(dtype, rel):
    """torch in float32: negative for half the rows."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((400, 1000)).astype(dtype)
    b = a + (1e-4 * rng.standard_normal(a.shape)).astype(dtype)
    value = kl_divergence(Categorical(logits=a), Categorical(logits=b))
    assert value.dtype == dtype
    x, y = a[0].tolist(), b[0].tolist()
    with mp.workdps(40):
        q, p = ([mp.exp(v) for v in side] for side in (x, y))
        true = sum(u * mp.mpf(s - t) for u, s, t in zip(q, x, y, strict=True)) / mp.fsum(q)
        true += mp.log(mp.fsum(p) / mp.fsum(q))
    assert value[0] == pytest.approx(float(true), rel=rel, abs=0)
    assert np.all((value > 4e-9) & (value < 7e-9))


@pytest.mark.parametrize("n", [2, 40])
def test_logits_that_are_alike_but_for_a_shift_keep_their_digits(n):
    rng = np.random.default_rng(0)
    a = rng.normal(size=n)
    b = a + 7.3 + 1e-7 * rng.normal(size=n)
    with mp.workdps(40):
        q, p = ([mp.exp(x) for x in side] for side in (a.tolist(), b.tolist()))
        true = mp.log(mp.fsum(p) / mp.fsum(q))
        gaps = zip(q, a.tolist(), b.tolist(), strict=True)
        true -= mp.fsum(u * (mp.mpf(y) - mp.mpf(x)) for u, x, y in gaps) / mp.fsum(q)
    value = kl_divergence(Categorical(logits=a), Categorical(logits=b))
    assert value == pytest.approx(float(true), rel=1e-14, abs=0)


def test_a_shift_of_all_logits_changes_nothing():
    a = np.array([[0.5, -1.0, 3.0], [0.25, 4.0, 1.0]])
    assert not kl_divergence(Categorical(logits=a), Categorical(logits=a + 16.0)).any()
    assert not kl_divergence(Categorical(probs=[1.0, 2.0]), Categorical(probs=[4.0, 8.0])).any()


MASKS = [
    ([0.0, -INF, 1.0], [0.0, -INF, 1.0], 0.0),
    ([0.0, -INF, 0.0], [0.0, 0.0, 0.0], math.log(1.5)),
    ([0.0, -1e9, 0.0], [0.0, 0.0, 0.0], math.log(1.5)),
    ([0.0, 0.0, 0.0], [0.0, -INF, 0.0], INF),
    ([-INF, -INF, 7.0], [-INF, -3.0, -3.0], math.log(2)),
    ([0.0, -800.0], [0.0, -INF], INF),
]


@pytest.mark.parametrize(("a", "b", "nats"), MASKS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_masked_logits(a, b, nats, dtype):
    q, p = (Categorical(logits=np.asarray(x, dtype)) for x in (a, b))
    value, of_q, of_p = kl_value_and_grad(q, p)
    assert value == pytest.approx(nats, rel=1e-6 if dtype == np.float32 else 1e-15, abs=0)
    assert np.all(np.isfinite(of_q["logits"]))
    assert np.all(np.isfinite(of_p["logits"]))
    if nats == INF:
        assert not of_q["logits"].any()


@pytest.mark.parametrize(("a", "b", "nats"), MASKS)
def test_masked_logits_while_tracing_and_backward(a, b, nats):
    def kl(a, b):
        return kl_divergence(Categorical(logits=a), Categorical(logits=b))

    given = [KINDS["jax"].array(x) for x in (a, b)]
    value, slopes = jax.value_and_grad(kl, (0, 1))(*given)
    assert jax.jit(kl)(*given) == pytest.approx(nats, rel=1e-14, abs=0)
    assert value == pytest.approx(nats, rel=1e-14, abs=0)
    x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (a, b))
    kl(x, y).backward()
    for ours, theirs in zip((x.grad, y.grad), slopes, strict=True):
        assert ours.isfinite().all()
        np.testing.assert_allclose(theirs, ours.numpy(), rtol=1e-13, atol=1e-16)


def test_impossible_categories_by_probs():
    q = Categorical(probs=[[0.0, 0.5, 0.5], [0.0, 1.0, 1.0], [0.5, 0.5, 0.0], [0.0, 0.0, 3.0]])
    p = Categorical(probs=[[0.0, 0.5, 0.5], [2.0, 1.0, 1.0], [0.0, 0.5, 0.5], [0.0, 1.0, 3.0]])
    value, of_q, of_p = kl_value_and_grad(q, p)
    assert value == pytest.approx([0.0, math.log(2), INF, math.log(4 / 3)], rel=1e-15, abs=0)
    assert of_q["probs"][1].tolist() == [-INF, 0.0, 0.0]
    assert of_q["probs"][2].tolist() == [0.0, 0.0, 0.0]
    # πp of an impossible category only takes from the others
    assert of_p["probs"][3] == pytest.approx([0.25, 0.25, -1 / 12], rel=1e-15, abs=0)
    assert not np.isnan(of_p["probs"]).any()


def test_two_categories_are_a_bernoulli():
    rng = np.random.default_rng(1)
    a, b = rng.uniform(-300, 300, (2, 500))
    zero = np.zeros(500)
    two = kl_divergence(
        Categorical(logits=np.stack([zero, a], -1)), Categorical(logits=np.stack([zero, b], -1))
    )
    one = kl_divergence(Bernoulli(logits=a), Bernoulli(logits=b))
    assert two == pytest.approx(one, rel=1e-13, abs=0)


def test_a_large_batch_is_walked_in_blocks():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((2, 3, 300, 400))
    b[1, 7, 3] = 900.0
    q, p = Categorical(logits=a), Categorical(logits=b[:, :1])
    value, of_q, of_p = kl_value_and_grad(q, p)
    assert (value.shape, of_q["logits"].shape) == ((3, 300), a.shape)
    for i in (0, 299):
        one, *slopes = kl_value_and_grad(Categorical(logits=a[:, i]), Categorical(logits=b[:, 0]))
        np.testing.assert_allclose(value[:, i], one, rtol=1e-14)
        np.testing.assert_allclose(
            of_q["logits"][:, i], slopes[0]["logits"], rtol=1e-12, atol=1e-18
        )
        np.testing.assert_allclose(
            of_p["logits"][:, i], slopes[1]["logits"], rtol=1e-12, atol=1e-18
        )


def test_different_numbers_of_categories_are_refused():
    with pytest.raises(ShapeError, match="same number of categories; got 2 and 3"):
        kl_divergence(Categorical([0.5, 0.5]), Categorical([0.2, 0.3, 0.5]))
    with pytest.raises(ShapeError, match="same number of cutpoints; got 1 and 2"):
        kl_divergence(OrderedLogistic(0.0, [0.0]), OrderedLogistic(0.0, [0.0, 1.0]))


def test_one_hot_and_single_trial_are_the_categorical():
    x, y = [0.2, 0.3, 0.5], [0.6, 0.3, 0.1]
    wanted = kl_divergence(Categorical(x), Categorical(y))
    assert kl_divergence(OneHotCategorical(x), OneHotCategorical(y)) == wanted
    assert kl_divergence(Multinomial(1, x), Multinomial(1, y)) == wanted
    assert kl_divergence(Multinomial(9, x), Multinomial(9, y)) == pytest.approx(9 * wanted)


def test_multinomials_of_different_totals_exclude_each_other():
    q, p = Multinomial([2, 3, 0], [0.2, 0.8]), Multinomial([3, 2, 0], [0.5, 0.5])
    value, of_q, _ = kl_value_and_grad(q, p)
    assert value.tolist() == [INF, INF, 0.0]
    assert not of_q["probs"].any()
    assert kl_divergence(Multinomial(0, [0.5, 0.5]), Multinomial(0, [1.0, 0.0])) == 0.0


def test_two_ordered_classes_are_a_bernoulli():
    eta, zeta, c = np.array([0.3, -40.0, 2.0]), np.array([0.1, 30.0, 2.0]), np.array([[0.7]])
    two = kl_divergence(OrderedLogistic(eta, c), OrderedLogistic(zeta, c))
    one = kl_divergence(Bernoulli(logits=eta - 0.7), Bernoulli(logits=zeta - 0.7))
    assert two == pytest.approx(one, rel=1e-14, abs=0)
    assert two[2] == 0.0


def test_narrow_classes_that_moved_far_keep_the_digits_of_their_width():
    gap, far = 7.1e-9, 20.0
    wide = (far + 1.001 * gap) - far
    q, p = OrderedLogistic(0.0, [0.0, gap]), OrderedLogistic(far, [far, far + wide])
    value, of_q, _ = kl_value_and_grad(q, p)

    def exact(c):
        mine, theirs = (
            [0, 1 / (1 + mp.exp(-a)), 1 / (1 + mp.exp(-b)), 1]
            for a, b in ((mp.mpf(0), c), (mp.mpf(0), mp.mpf(wide)))
        )
        pairs = zip(np.diff(mine), np.diff(theirs), strict=True)
        return mp.fsum(x * mp.log(x / y) for x, y in pairs)

    with mp.workdps(60):
        assert value == pytest.approx(float(exact(mp.mpf(gap))), rel=1e-13, abs=0)
        slope = float(mp.diff(exact, mp.mpf(gap), h=mp.mpf(10) ** -25))
    assert of_q["cutpoints"][1] == pytest.approx(slope, rel=1e-12, abs=0)
