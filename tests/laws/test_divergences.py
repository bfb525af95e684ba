"""What every KL must obey, over every pair of families that has a closed form."""

import numpy as np
import pytest
from differences import direction, slope
from families import CHOSEN_PAIRS, FAMILIES, PAIRS, known

import klosed
from klosed import Independent

pairs = pytest.mark.parametrize(("name_q", "name_p"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
chosen_pairs_first = pytest.mark.parametrize(
    ("name_q", "name_p"),
    [
        pytest.param(a, b, id=f"{a}-{b}", marks=() if (a, b) in CHOSEN_PAIRS else pytest.mark.slow)
        for a, b in PAIRS
    ],
)
families = pytest.mark.parametrize("name", FAMILIES)


def both(name_q, name_p, array=np.asarray):
    return FAMILIES[name_q](array), FAMILIES[name_p](array)


@pairs
def test_kl_is_positive_between_different_distributions(name_q, name_p):
    q, p = both(name_q, name_p)
    kl = klosed.kl_divergence(q, p)
    assert kl.shape == (3,)
    assert np.all(kl > 0) if name_q != name_p else np.all(kl == 0)


@families
def test_kl_of_a_distribution_with_itself_is_exactly_zero(name):
    if (name, name) not in PAIRS:
        pytest.skip("no closed form")
    value, grad_q, grad_p = klosed.kl_value_and_grad(*both(name, name))
    assert np.all(value == 0)
    assert all(np.all(np.abs(g) < 1e-12) for g in (*grad_q.values(), *grad_p.values()))


@pairs
def test_kl_adds_over_independent_products(name_q, name_p):
    q, p = both(name_q, name_p)
    total = klosed.kl_divergence(Independent(q, 1), Independent(p, 1))
    assert total == pytest.approx(np.sum(klosed.kl_divergence(q, p)), rel=1e-14)


@pairs
def test_kl_is_cross_entropy_less_entropy(name_q, name_p):
    q, p = both(name_q, name_p)
    entropy = known(q.entropy)
    if entropy is None:
        pytest.skip("no closed form for the entropy")
    difference = klosed.cross_entropy(q, p) - entropy
    assert klosed.kl_divergence(q, p) == pytest.approx(difference, rel=1e-10, abs=1e-13)


@chosen_pairs_first
def test_kl_and_cross_entropy_agree_with_monte_carlo(name_q, name_p):
    q, p = both(name_q, name_p)
    estimate, error = klosed.kl_monte_carlo(q, p, n_samples=20_000, seed=7)
    assert np.all(np.abs(klosed.kl_divergence(q, p) - estimate) <= 4 * error + 1e-12)
    if known(q.entropy) is None:
        return
    surprise = -p.log_prob(q.sample(8, (20_000,)))
    error = surprise.std(axis=0) / np.sqrt(20_000)
    assert np.all(np.abs(klosed.cross_entropy(q, p) - surprise.mean(axis=0)) <= 4 * error + 1e-12)


@pairs
@pytest.mark.parametrize("what", ["kl", "cross_entropy"])
def test_gradients_agree_with_differences(name_q, name_p, what):
    value_of = {"kl": klosed.kl_divergence, "cross_entropy": klosed.cross_entropy}[what]
    grad_of = getattr(klosed, f"{what}_value_and_grad")
    q, p = both(name_q, name_p)
    if what == "cross_entropy" and known(q.entropy) is None:
        pytest.skip("no closed form for the entropy")
    value, *gradients = grad_of(q, p)
    assert value == pytest.approx(value_of(q, p), rel=1e-15)
    rng = np.random.default_rng(3)
    for side, gradient in zip((0, 1), gradients, strict=True):
        instance = FAMILIES[(name_q, name_p)[side]]
        assert list(gradient) == list(instance.parameters)
        for name, given in instance.parameters.items():
            along = direction(name, np.asarray(given), rng)

            def moved(values, name=name, side=side, instance=instance):
                other = instance.family(**{**instance.parameters, name: values})
                return value_of(other, p) if side == 0 else value_of(q, other)

            g = gradient[name]
            got = np.sum((g * along).reshape(3, -1), axis=1)
            assert got == pytest.approx(slope(moved, given, along), rel=1e-8, abs=1e-9), name


def test_every_registered_pair_is_tried():
    tried = {(type(FAMILIES[a]()), type(FAMILIES[b]())) for a, b in PAIRS}
    ours = {
        pair
        for pair in klosed.closed_form_pairs()
        if all(t.__module__.startswith("klosed.distributions.") for t in pair)
    }
    assert ours <= tried, "add instances to tests/helpers/families.py"
