"""KL from an inverse Gaussian distribution against mpmath."""

import mpmath as mp
import numpy as np
import pytest
from gammas import of

from accuracy import Pair, accuracy_tests, positive, same
from klosed import InverseGaussian, kl_value_and_grad


def operands(q, p):
    return [of(side, name) for side in (q, p) for name in ("loc", "concentration")]


def exact(q, p):
    """Return E_q[log q − log p] by the moments of x and 1/x, unordered."""
    m, k, n, j = operands(q, p)
    square = j / 2 * (m / n**2 - 2 / n + 1 / m + 1 / k)
    return mp.log(k / j) / 2 - mp.mpf(1) / 2 + square


def sizes(q, p):
    """Return the magnitudes of the two terms of ∂/∂λp."""
    m, k, n, j = operands(q, p)
    of_log = abs(j / k - 1) / 2 + j * (m - n) ** 2 / (2 * m * n**2)
    name = "concentration" if "concentration" in p else "log_concentration"
    return {f"p_{name}": of_log / (j if name == "concentration" else 1)}


def logs(rng, n, regime):
    return rng.uniform(-4, 4, n) if regime != "extreme" else np.log(positive(rng, n, regime))


PAIRS = [
    Pair(
        "inverse_gaussian_inverse_gaussian",
        InverseGaussian,
        InverseGaussian,
        exact,
        same(loc=positive, concentration=positive),
        sizes=sizes,
    ),
    Pair(
        "inverse_gaussian_inverse_gaussian_log",
        InverseGaussian,
        InverseGaussian,
        exact,
        same(log_loc=logs, log_concentration=logs),
        sizes=sizes,
    ),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)


def test_no_part_of_a_gradient_overflows_where_the_whole_does_not():
    q = InverseGaussian(1.163121945717723e142, 2.9544767155362276e-101)
    p = InverseGaussian(3.2506348180740016e-101, 6.148084506920569e-147)
    _, _, of_p = kl_value_and_grad(q, p)
    assert float(of_p["loc"]) == pytest.approx(-2.0819031862989224e297, rel=1e-14)
