"""Every function of klosed.special beside an independent truth, its test ranges and its bounds.

The tests hold the bounds; benchmarks/special_accuracy.py prints what is measured.
"""

import mpmath as mp

from klosed import special

from .truth import cases, each, either_sign, logarithmic, scaled, shifted, uniform


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(x))


def near_products(rng, n):
    a, c = scaled(uniform(1, 2))(rng, n)
    b, d = scaled(uniform(1, 2))(rng, n)
    return a, b, c, d


WIDE = each(logarithmic(-18, 18), logarithmic(-18, 18))
CLOSE = scaled(logarithmic(-15, 15))
BESIDE = each(uniform(1, 6), uniform(1, 6))

ELEMENTARY = [
    *cases(
        special.phi,
        lambda x: x - mp.log1p(x),
        ("−1 … 3", uniform(-1, 3), 3, 4),
        ("±(1e-18 … 1)", either_sign(-18, -0.01), 3, 4),
        ("1 … 1e30", logarithmic(0, 30), 3, 3),
    ),
    *cases(
        special.psi,
        lambda x: mp.expm1(x) - x,
        ("−3 … 3", uniform(-3, 3), 3, 3),
        ("±(1e-18 … 1)", either_sign(-18, 0), 3, 3),
        ("−1000 … 80", uniform(-1000, 80), 3, 3),
    ),
    *cases(
        special.phi_ratio,
        lambda x, m: x / m - 1 - mp.log(x / m),
        ("x ≈ m", CLOSE, 5, 6),
        ("1 … 6", BESIDE, 6, 7),
        ("1e-18 … 1e18", WIDE, 6, 7),
        digits=80,
    ),
    *cases(
        special.bd0,
        lambda x, m: x * mp.log(x / m) + m - x,
        ("x ≈ m", CLOSE, 5, 6),
        ("1 … 6", BESIDE, 6, 7),
        ("1e-18 … 1e18", WIDE, 6, 7),
        digits=80,
    ),
    *cases(
        special.log_ratio,
        lambda x, m: mp.log(x / m),
        ("x ≈ m", CLOSE, 3, 4),
        ("1 … 6", BESIDE, 4, 5),
        ("1e-18 … 1e18", WIDE, 4, 4),
        digits=80,
    ),
    *cases(
        special.log1mexp,
        lambda x: mp.log(-mp.expm1(-x)),
        ("1e-18 … 80", logarithmic(-18, 1.9), 3, 4),
        digits=80,
    ),
    *cases(
        special.logexpm1,
        lambda x: mp.log(mp.expm1(x)),
        ("1e-18 … 0.5", logarithmic(-18, -0.3), 4, 6),
        ("1 … 1000", logarithmic(0, 3), 3, 3),
    ),
]

ERRORFREE = cases(
    special.difference_of_products,
    lambda a, b, c, d: a * b - c * d,
    ("independent", each(*[either_sign(-8, 8)] * 4), 2, 2),
    ("a ≈ c, b ≈ d", near_products, 2, 2),
    digits=120,
)

LOGISTIC = [
    *cases(special.softplus, softplus, ("−80 … 80", uniform(-80, 80), 3, 4)),
    *cases(special.sigmoid, sigmoid, ("−80 … 80", uniform(-80, 80), 3, 4)),
    *cases(special.log_sigmoid, lambda x: -softplus(-x), ("−80 … 80", uniform(-80, 80), 3, 4)),
    *cases(
        special.sigmoid_difference,
        lambda b, a: sigmoid(b) - sigmoid(a),
        ("b ≈ a", shifted(uniform(-30, 30)), 6, 7),
        digits=80,
    ),
    *cases(
        special.softplus_bregman,
        lambda b, a: softplus(b) - softplus(a) - sigmoid(a) * (b - a),
        ("b ≈ a", shifted(uniform(-30, 30)), 6, 7),
        ("±(0.1 … 10) apart", shifted(uniform(-2, 2), -1), 12, 12),
        ("−80 … 80", each(uniform(-80, 80), uniform(-80, 80)), 6, 7),
        ("−500 … 500", each(uniform(-500, 500), uniform(-500, 500)), 6, None),
        digits=520,
    ),
]

CASES = [*ELEMENTARY, *ERRORFREE, *LOGISTIC]
