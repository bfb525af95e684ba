"""Sets: what they contain, what they cover, how they are named in errors."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from klosed.distributions.supports import (
    NONNEGATIVE,
    NONNEGATIVE_INTEGERS,
    POSITIVE,
    POSITIVE_DEFINITE,
    REAL,
    SIMPLEX,
    UNIT_INTERVAL,
    Integers,
    Interval,
    Matrices,
    Product,
    Sphere,
)


def test_intervals_contain_their_ends_only_where_closed():
    x = np.array([-math.inf, -1.0, 0.0, 0.5, 1.0, math.inf, math.nan])
    assert REAL.contains(x).tolist() == [False, True, True, True, True, False, False]
    assert POSITIVE.contains(x).tolist() == [False, False, False, True, True, False, False]
    assert NONNEGATIVE.contains(x).tolist() == [False, False, True, True, True, False, False]
    assert UNIT_INTERVAL.contains(x).tolist() == [False, False, False, True, False, False, False]
    closed = Interval(0.0, 1.0, low_closed=True, high_closed=True)
    assert closed.contains(x).tolist() == [False, False, True, True, True, False, False]


def test_integers():
    x = np.array([-1.0, 0.0, 0.5, 2.0, 3.0, math.inf])
    assert NONNEGATIVE_INTEGERS.contains(x).tolist() == [False, True, False, True, True, False]
    assert Integers(0.0, 2.0).contains(x).tolist() == [False, True, False, True, False, False]


def test_vectors_and_matrices():
    assert SIMPLEX.contains(np.array([[0.2, 0.8], [0.3, 0.8], [-0.1, 1.1]])).tolist() == [1, 0, 0]
    assert Sphere().contains(np.array([[0.6, 0.8], [0.6, 0.9]])).tolist() == [True, False]
    good = [[2.0, 0.5], [0.5, 1.0]]
    for bad in ([[2.0, 0.5], [0.6, 1.0]], [[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]]):
        assert POSITIVE_DEFINITE.contains(np.array([good, bad])).tolist() == [True, False]
    wild = np.diag([1e-150, 1.0, 1e150])
    wild[0, 1] = wild[1, 0] = 0.5e-75
    assert POSITIVE_DEFINITE.contains(wild)
    assert not POSITIVE_DEFINITE.contains(np.full((2, 2), math.nan))
    factor = Matrices(factor=True)
    assert factor.contains(
        np.array([[[1.0, 0.0], [5.0, 2.0]], [[1.0, 0.1], [0.0, 1.0]]])
    ).tolist() == [
        True,
        False,
    ]
    assert not factor.contains(np.array([[1.0, 0.0], [5.0, -2.0]]))


def test_covering_is_inclusion_up_to_sets_of_measure_zero():
    assert REAL.covers(POSITIVE) is True
    assert POSITIVE.covers(REAL) is False
    assert UNIT_INTERVAL.covers(Interval(0.0, 1.0, low_closed=True)) is True
    assert REAL.covers(NONNEGATIVE_INTEGERS) is False
    assert NONNEGATIVE_INTEGERS.covers(REAL) is False
    assert NONNEGATIVE_INTEGERS.covers(Integers(0.0, 1.0)) is True
    assert Integers(0.0, 1.0).covers(NONNEGATIVE_INTEGERS) is False
    assert SIMPLEX.covers(SIMPLEX) is True
    assert SIMPLEX.covers(Sphere()) is False
    assert Sphere().covers(Sphere()) is True
    assert POSITIVE_DEFINITE.covers(POSITIVE_DEFINITE) is True
    assert POSITIVE_DEFINITE.covers(Matrices(factor=True)) is False
    assert Product(REAL, 1).covers(Product(POSITIVE, 1)) is True
    assert Product(REAL, 1).covers(Product(REAL, 2)) is False
    assert Product(REAL, 1).covers(REAL) is False


@pytest.mark.parametrize("array", [np.asarray, torch.asarray, jnp.asarray])
def test_ends_may_be_arrays(array):
    q = Interval(array([0.0, -1.0]), array([1.0, 1.0]))
    p = Interval(array([0.0, 0.0]), array([2.0, 2.0]))
    assert p.covers(q).tolist() == [True, False]
    assert bool(Product(p, 1).covers(Product(q, 1))) is False
    assert bool(Product(p, 1).covers(Product(p, 1))) is True
    # infinite ends decide without a look at the arrays, so that tracing can go on
    assert p.covers(POSITIVE) is False
    assert REAL.covers(q) is True
    assert POSITIVE.covers(q).tolist() == [True, False]


def test_rules_read_well_in_errors():
    assert REAL.rule == "finite"
    assert POSITIVE.rule == "> 0 and finite"
    assert NONNEGATIVE.rule == ">= 0 and finite"
    assert UNIT_INTERVAL.rule == "in (0, 1)"
    assert Interval(0.0, 1.0, high_closed=True).rule == "in (0, 1]"
    assert Interval(np.zeros(2), 1.0).rule == "between low and high"
    assert NONNEGATIVE_INTEGERS.rule == "an integer >= 0"
    assert Integers(0.0, 1.0).rule == "an integer in [0, 1]"
    assert Integers(0.0, np.ones(2)).rule == "an integer between low and high"
    assert Product(POSITIVE, 1).rule == "> 0 and finite in every element"
    assert SIMPLEX.rule.startswith("nonnegative")
    assert Sphere().rule.startswith("of length 1")
    assert Matrices(factor=True).rule == "lower triangular with a positive diagonal"


def test_only_the_whole_space_is_unbounded():
    assert REAL.unbounded
    assert Product(REAL, 2).unbounded
    assert not POSITIVE.unbounded
    assert not Product(POSITIVE, 1).unbounded
    assert not SIMPLEX.unbounded
    assert [s.event_ndim for s in (REAL, SIMPLEX, POSITIVE_DEFINITE, Product(SIMPLEX, 1))] == [
        0,
        1,
        2,
        2,
    ]
