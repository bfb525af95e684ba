"""Batch axes turned into event axes."""

import numpy as np
import pytest

from klosed import (
    Gumbel,
    Independent,
    Laplace,
    MultivariateNormal,
    Normal,
    Uniform,
    kl_divergence,
)
from klosed.divergences import has_closed_form
from klosed.errors import ParameterError, ShapeError


def test_axes_move_from_batch_to_event():
    q = Independent(Normal(np.zeros((2, 3, 4)), 1.0), 2)
    assert (q.batch_shape, q.event_shape) == ((2,), (3, 4))
    assert q.log_prob(np.zeros((5, 2, 3, 4))).shape == (5, 2)
    assert q.sample(0, (7,)).shape == (7, 2, 3, 4)
    assert q.parameter_shapes == {"loc": (3, 4), "scale": (3, 4)}
    assert Independent(q, 1).event_shape == (2, 3, 4)


def test_a_parameter_shared_by_the_event_gets_a_gradient_for_each_element():
    q = Independent(Normal(np.arange(3.0), 2.0), 1)
    _, gradients = q.entropy_value_and_grad()
    assert gradients["scale"].tolist() == [0.5, 0.5, 0.5]
    assert float(q.entropy()) == pytest.approx(3 * float(Normal(0.0, 2.0).entropy()))


def test_nothing_to_sum_changes_nothing():
    q = Normal([0.0, 1.0], 1.0)
    assert np.array_equal(Independent(q, 0).log_prob([0.5, 0.5]), q.log_prob([0.5, 0.5]))


def test_products_of_products_are_products():
    q, p = Normal(np.zeros((2, 3, 4)), 1.0), Normal(np.ones((2, 3, 4)), 1.0)
    nested = Independent(Independent(q, 1), 1)
    for other in (Independent(p, 2), Independent(Independent(p, 1), 1)):
        assert kl_divergence(nested, other).tolist() == [6.0, 6.0]
        assert kl_divergence(other, nested).tolist() == [6.0, 6.0]
    joint = Independent(MultivariateNormal(np.ones((2, 3, 4)), np.eye(4)), 1)
    assert kl_divergence(nested, joint).tolist() == [6.0, 6.0]
    unlike = Independent(Independent(Laplace(np.zeros((2, 3, 4)), 1.0), 1), 1)
    assert not has_closed_form(unlike, Independent(Gumbel(np.zeros((2, 3, 4)), 1.0), 2))
    boxes = Uniform(np.zeros((2, 3)), [[1.0, 1.0, 1.0], [1.0, 1.0, 3.0]])
    wide = Independent(Uniform(np.zeros((2, 3)), 2.0), 2)
    assert kl_divergence(Independent(Independent(boxes, 1), 1), wide) == np.inf


def test_a_product_of_one_factor_is_not_outside_of_its_support():
    q, p = Independent(Normal(0.5, 1.0), 0), Normal(0.0, 1.0)
    assert not has_closed_form(q, p)  # and so not infinite
    assert kl_divergence(q, Independent(p, 0)) == 0.125


def test_mistakes_are_named():
    with pytest.raises(ShapeError, match=r"an integer in \[0, 1\], the batch axes of base; got 2"):
        Independent(Normal([0.0, 1.0], 1.0), 2)
    for wrong in (0.5, "1"):
        with pytest.raises(ShapeError, match=f"must be an integer.*got {wrong!r}"):
            Independent(Normal([0.0, 1.0], 1.0), wrong)
    with pytest.raises(ParameterError, match="base must be a Distribution; got float"):
        Independent(1.0, 1)
