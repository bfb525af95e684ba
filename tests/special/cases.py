"""Every function of klosed.special beside an independent truth, its test ranges and its bounds.

The tests hold the bounds; benchmarks/special_accuracy.py prints what is measured.
"""

import mpmath as mp

from klosed import special

from .truth import cases, each, either_sign, logarithmic, scaled, shifted, signs, uniform


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
    *cases(special.log1p, mp.log1p, ("−1 … 3", uniform(-1, 3), 3, 3)),
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


def either_side(*roots):
    """Draw around the roots at distances 1e-16 … 0.1."""

    def draw(rng, n):
        return (rng.choice(roots, n) + signs(rng, n) * 10.0 ** rng.uniform(-16, -1, n),)

    return draw


LGAMMA = [
    *cases(
        special.lgamma,
        mp.loggamma,
        ("1e-300 … 1", logarithmic(-300, 0), 6, None),
        ("1e-30 … 1", logarithmic(-30, 0), 6, 6),
        ("0 … 10", uniform(0, 10), 8, 10),
        ("near 1 and 2", either_side(1.0, 2.0), 6, 6),
        ("3 … 1e300", logarithmic(0.47, 300), 6, None),
        ("3 … 1e30", logarithmic(0.47, 30), 6, 6),
    ),
    *cases(
        special.lgamma1p,
        lambda x: mp.loggamma(1 + x),
        ("−1 … 10", uniform(-1, 10), 8, 12),
        ("±(1e-18 … 1)", either_sign(-18, -0.01), 8, 10),
        ("near 0 and 1", either_side(0.0, 1.0), 6, 6),
    ),
    *cases(
        special.digamma,
        mp.digamma,
        ("1e-300 … 1", logarithmic(-300, 0), 6, None),
        ("1e-30 … 1", logarithmic(-30, 0), 6, 6),
        ("0 … 10", uniform(0, 10), 6, 6),
        ("near the root", either_side(1.4616321449683623), 6, 6),
        ("3 … 1e300", logarithmic(0.47, 300), 6, None),
    ),
    *cases(
        special.digamma_minus_log,
        lambda x: mp.digamma(x) - mp.log(x),
        ("1e-30 … 1", logarithmic(-30, 0), 6, 6),
        ("0 … 10", uniform(0, 10), 12, 12),
        ("3 … 1e30", logarithmic(0.47, 30), 6, 6),
        digits=80,
    ),
    *cases(
        special.trigamma,
        lambda x: mp.psi(1, x),
        ("1e-18 … 1e18", logarithmic(-18, 18), 6, 6),
        ("0 … 10", uniform(0, 10), 6, 6),
    ),
    *cases(
        special.trigamma_minus_reciprocal,
        lambda x: mp.psi(1, x) - 1 / x,
        ("1e-12 … 1e12", logarithmic(-12, 12), 6, 6),
        ("0 … 10", uniform(0, 10), 6, 6),
        digits=80,
    ),
    *cases(
        special.tetragamma,
        lambda x: mp.psi(2, x),
        ("1e-12 … 1e12", logarithmic(-12, 12), 6, 6),
        ("0 … 10", uniform(0, 10), 6, 6),
    ),
]


def remainder(x):
    return mp.loggamma(x) - (x - mp.mpf(1) / 2) * mp.log(x) + x


def bregman(f, slope):
    return lambda y, x: f(y) - f(x) - (y - x) * slope(x)


def log_excess(x):
    return mp.digamma(x) - mp.log(x)


SHAPES = logarithmic(-8, 8)
GAMMA_DIFFERENCES = [
    *cases(
        special.lgamma_difference,
        lambda y, x: mp.loggamma(y) - mp.loggamma(x),
        ("y ≈ x in 1e-8 … 1", scaled(logarithmic(-8, 0)), 12, 12),
        ("y ≈ x in 2 … 1e8", scaled(logarithmic(0.3, 8)), 12, 12),
        ("1e-8 … 1", each(logarithmic(-8, 0), logarithmic(-8, 0)), 12, 12),
        ("2 … 1e8", each(logarithmic(0.3, 8), logarithmic(0.3, 8)), 12, 12),
        digits=80,
    ),
    *cases(
        special.digamma_difference,
        lambda y, x: mp.digamma(y) - mp.digamma(x),
        ("y ≈ x", scaled(SHAPES), 12, 12),
        ("1e-8 … 1e8", each(SHAPES, SHAPES), 12, 12),
        digits=80,
    ),
    *cases(
        special.digamma_minus_log_difference,
        lambda y, x: log_excess(y) - log_excess(x),
        ("y ≈ x", scaled(SHAPES), 12, 12),
        ("1e-8 … 1e8", each(SHAPES, SHAPES), 12, 12),
        digits=80,
    ),
    *cases(
        special.lgamma_bregman,
        bregman(mp.loggamma, mp.digamma),
        ("y ≈ x", scaled(SHAPES), 12, 12),
        ("1e-8 … 1e8", each(SHAPES, SHAPES), 12, 12),
        ("0.3 … 3", each(uniform(0.3, 3), uniform(0.3, 3)), 12, 12),
        digits=100,
    ),
    *cases(
        special.gamma_shape_bregman,
        bregman(lambda x: mp.loggamma(x) - x * mp.log(x) + x, log_excess),
        ("y ≈ x", scaled(SHAPES), 12, 12),
        ("1e-8 … 1e8", each(SHAPES, SHAPES), 12, 12),
        ("0.3 … 3", each(uniform(0.3, 3), uniform(0.3, 3)), 12, 12),
        digits=100,
    ),
    *cases(
        special.stirling_bregman,
        bregman(remainder, lambda x: log_excess(x) + 1 / (2 * x)),
        ("y ≈ x in 1e-8 … 30", scaled(logarithmic(-8, 1.5)), 120, 120),
        ("1e-8 … 30", each(logarithmic(-8, 1.5), logarithmic(-8, 1.5)), 120, 120),
        digits=100,
    ),
]


def log_bessel(nu):
    def g(x):
        return (
            mp.log(mp.besseli(nu, x)) + nu * mp.log(2 / x) + mp.loggamma(nu + 1) if x else mp.mpf(0)
        )

    return g


def bessel_ratio(nu):
    return lambda x: mp.besseli(nu + 1, x) / mp.besseli(nu, x) if x else mp.mpf(0)


def of_order(function, nu):
    def fixed(*args):
        return function(*args, nu)

    fixed.__name__ = f"{function.__name__} of order {nu:g}"
    return fixed


def bessel_slope(nu):
    ratio = bessel_ratio(nu)
    return lambda x: 1 - ratio(x) ** 2 - (2 * nu + 1) / x * ratio(x)


def bessel_cases(order):
    nu, powers = mp.mpf(order), logarithmic(-6, 8)
    g, ratio = log_bessel(nu), bessel_ratio(nu)
    everywhere = ("1e-6 … 1e8", powers, 60, 60)
    alone = [
        (special.log_bessel, g),
        (special.log_bessel_scaled, lambda x: g(x) - x),
        (special.bessel_ratio, ratio),
        (special.bessel_complement, lambda x: 1 - ratio(x)),
        (special.bessel_slope, bessel_slope(nu)),
    ]
    return [
        *(c for f, truth in alone for c in cases(of_order(f, order), truth, everywhere, points=24)),
        *cases(
            of_order(special.bessel_ratio_difference, order),
            lambda y, x: ratio(y) - ratio(x),
            ("y ≈ x", scaled(powers), 60, 60),
            ("1e-6 … 1e8", each(powers, powers), 60, 60),
            digits=80,
            points=24,
        ),
        *cases(
            of_order(special.log_bessel_bregman, order),
            bregman(g, ratio),
            ("y ≈ x", scaled(powers), 60, 60),
            ("y = 0.01 x … 100 x", scaled(powers, -1, 2), 90, 120),
            ("1e-6 … 1e8", each(powers, powers), 90, 120),
            digits=100,
            points=24,
        ),
    ]


BESSEL = [case for order in (0.0, 0.5, 3.0, 9.5, 31.0, 299.0) for case in bessel_cases(order)]

CASES = [*ELEMENTARY, *ERRORFREE, *LOGISTIC, *LGAMMA, *GAMMA_DIFFERENCES, *BESSEL]
