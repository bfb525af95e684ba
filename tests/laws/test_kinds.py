"""Every family in every array kind: the same numbers, the caller's kind and dtype."""

import numpy as np
import pytest
import torch
from families import CHOSEN_PAIRS, FAMILIES, FIRST, PAIRS, known
from kinds import KINDS

import klosed
from klosed._arrays import like, widened
from klosed._autodiff import blocks
from klosed.distributions._sampling import as_numpy

pairs = pytest.mark.parametrize(
    ("name_q", "name_p"), CHOSEN_PAIRS, ids=["-".join(pair) for pair in CHOSEN_PAIRS]
)
OF_ONE_FAMILY = [(name, name) for name in FIRST.values()]


def in_every_kind(names, cases, known_elsewhere):
    """Parametrize by names, and by every kind in float64 and float32.

    JAX compiles each operation of each case, and array-api-strict is slow. In float32 both run the
    bodies that PyTorch runs; and some cases say nothing new on JAX. Those wait for a long run.
    """
    return pytest.mark.parametrize(
        (*names, "xp", "dtype", "rel"),
        [
            pytest.param(
                *case,
                *(xp, dtype, rel),
                id="-".join((*case, dtype, kind)),
                marks=pytest.mark.slow
                if (dtype == "float32" and kind in ("jax", "strict"))
                or (kind == "jax" and known_elsewhere(*case))
                else (),
            )
            for case in cases
            for dtype, rel in (("float64", 1e-13), ("float32", 1e-5))
            for kind, xp in KINDS.items()
        ],
    )


def same(xp, got, wanted, dtype, rel):
    assert xp.dtype(got) == dtype
    np.testing.assert_allclose(xp.numpy(got), wanted, rtol=rel, atol=rel)


@in_every_kind(["name"], [(name,) for name in FAMILIES], lambda name: name not in FIRST.values())
def test_densities_entropies_and_draws_are_of_the_callers_kind(name, xp, dtype, rel):
    reference = FAMILIES[name](np.asarray)
    d = FAMILIES[name](lambda values: xp.array(values, dtype))
    x = reference.sample(2)
    log_p, of_density, of_x = reference.log_prob_value_and_grad(x)
    got, got_of_density, got_of_x = d.log_prob_value_and_grad(xp.array(x, dtype))
    scale = 1 + max(np.abs(g).max() for g in (log_p, of_x, *of_density.values()))
    same(xp, got, log_p, dtype, rel * scale)
    same(xp, got_of_x, of_x, dtype, rel * scale)
    for parameter, gradient in of_density.items():
        same(xp, got_of_density[parameter], gradient, dtype, rel * scale)
    same(xp, d.sample(2), x, dtype, rel)
    if known(d.entropy) is not None:
        same(xp, d.entropy(), reference.entropy(), dtype, rel)
        for parameter, gradient in reference.entropy_value_and_grad()[1].items():
            same(xp, d.entropy_value_and_grad()[1][parameter], gradient, dtype, 10 * rel)
    if known(lambda: d.mean) is not None:
        same(xp, d.mean, reference.mean, dtype, rel)
        same(xp, d.variance, reference.variance, dtype, rel)


@in_every_kind(["name_q", "name_p"], CHOSEN_PAIRS, lambda a, b: a == b and a not in FIRST.values())
def test_divergences_are_of_the_callers_kind(name_q, name_p, xp, dtype, rel):
    value, *gradients = klosed.kl_value_and_grad(
        *(FAMILIES[n](np.asarray) for n in (name_q, name_p))
    )
    q, p = (FAMILIES[n](lambda values: xp.array(values, dtype)) for n in (name_q, name_p))
    got, *got_gradients = klosed.kl_value_and_grad(q, p)
    scale = 1 + max(np.abs(g).max() for of in gradients for g in of.values())
    same(xp, got, value, dtype, rel * scale)
    same(xp, klosed.kl_divergence(q, p), value, dtype, rel * scale)
    for wanted, obtained in zip(gradients, got_gradients, strict=True):
        for parameter, gradient in wanted.items():
            same(xp, obtained[parameter], gradient, dtype, rel * scale)


def of_16_bits(name, half):
    """Return an instance in 16-bit floats, and the same numbers in float32."""
    rounded = [half(np.asarray(v, "float64")) for v in FAMILIES[name].parameters.values()]
    instance = FAMILIES[name](np.asarray)
    return instance.replace(rounded), instance.replace([widened(x) for x in rounded])


HALVES = {
    "float16": lambda x: x.astype(np.float16),
    "bfloat16": lambda x: torch.asarray(x, dtype=torch.bfloat16).requires_grad_(),
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
@pytest.mark.parametrize(("name_q", "name_p"), OF_ONE_FAMILY)
def test_16_bit_floats_are_rounded_once(name_q, name_p, half):
    (q, single_q), (p, single_p) = of_16_bits(name_q, half), of_16_bits(name_p, half)
    x = q.sample(0)
    assert x.dtype == next(iter(q.parameters.values())).dtype
    pairs = [(q.log_prob(x), single_q.log_prob(widened(x)))]
    if (name_q, name_p) in PAIRS:
        wanted = klosed.kl_value_and_grad(single_q, single_p)
        found = klosed.kl_value_and_grad(q, p)
        pairs += [(found[0], wanted[0])]
        pairs += [(g, wanted[1][n]) for n, g in found[1].items()]
    for got, true in pairs:
        assert got.dtype == x.dtype
        np.testing.assert_array_equal(as_numpy(got), as_numpy(like(true, got)))


@pytest.mark.parametrize(
    ("name_q", "name_p", "xp"),
    [
        pytest.param(
            *pair,
            xp,
            id="-".join((*pair, kind)),
            # the numbers meet before any formula sees them
            marks=pytest.mark.slow if kind == "jax" and pair not in OF_ONE_FAMILY else (),
        )
        for pair in CHOSEN_PAIRS
        for kind, xp in KINDS.items()
    ],
)
def test_plain_numbers_meet_every_kind(name_q, name_p, xp):
    q, p = FAMILIES[name_q](lambda values: xp.array(values, "float32")), FAMILIES[name_p]()
    for first, second in ((q, p), (p, q)):
        if (name_p, name_q) in PAIRS or first is q:
            assert xp.dtype(klosed.kl_divergence(first, second)) == "float32"


def repeated(name, n):
    """Return an instance with its batch n times over; parameters without a batch stay."""
    instance = FAMILIES[name]
    shapes = instance(np.asarray).parameter_shapes
    return instance.family(
        **{
            parameter: np.concatenate([np.asarray(values, dtype=float)] * n)
            if np.ndim(values) > len(shapes[parameter])
            else np.asarray(values, dtype=float)
            for parameter, values in instance.parameters.items()
        }
    )


@pairs
def test_large_batches_are_the_same_as_small_ones(name_q, name_p, monkeypatch):
    """NumPy walks large batches in blocks, on threads; nothing may depend on where one ends."""
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 1 << 8)
    monkeypatch.setattr(blocks, "_threads", lambda: 2)
    q, p = (FAMILIES[n](np.asarray) for n in (name_q, name_p))
    n = 201
    large_q, large_p = (repeated(name, n) for name in (name_q, name_p))
    value, *gradients = klosed.kl_value_and_grad(q, p)
    large, *large_gradients = klosed.kl_value_and_grad(large_q, large_p)
    np.testing.assert_allclose(large, np.concatenate([value] * n), rtol=1e-13, atol=1e-13)
    for wanted, obtained in zip(gradients, large_gradients, strict=True):
        for parameter, gradient in wanted.items():
            np.testing.assert_allclose(
                obtained[parameter], np.concatenate([gradient] * n), rtol=1e-12, atol=1e-12
            )
    if known(q.entropy) is not None:
        entropy = np.concatenate([q.entropy()] * n)
        np.testing.assert_allclose(large_q.entropy(), entropy, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", FIRST.values())
def test_an_empty_batch_has_empty_answers(name):
    instance = FAMILIES[name](np.asarray)
    shapes = instance.parameter_shapes
    d = FAMILIES[name].family(
        **{
            parameter: array[:0] if array.ndim > len(shapes[parameter]) else array
            for parameter, array in instance.parameters.items()
        }
    )
    assert d.sample(0, (2,)).shape == (2, 0, *d.event_shape)
    assert d.log_prob(d.sample(0)).shape == (0,)
    if (name, name) in PAIRS:
        value, gradients, _ = klosed.kl_value_and_grad(d, d)
        assert value.shape == (0,)
        assert all(g.shape == (0, *shapes[n]) for n, g in gradients.items())
