"""KL from a Dirichlet distribution against mpmath, concentrations 1e-8 … 1e8 included."""

import mpmath as mp
import numpy as np

from accuracy import Pair, accuracy_tests, near
from klosed import Dirichlet, kl_value_and_grad


class Parts(Pair):
    """A pair of Dirichlets whose concentrations are drawn under names of their own: a, b, c …"""

    def evaluate(self, q, p):
        value, of_q, of_p = kl_value_and_grad(self.q(**q), self.p(**p))
        sides = {"q": (q, of_q), "p": (p, of_p)}
        return value, {
            f"{side}_{name}": gradient["concentration"][..., j]
            for side, (given, gradient) in sides.items()
            for j, name in enumerate(given)
        }


def dirichlet(**named):
    return Dirichlet(np.stack(list(named.values()), axis=-1))


def log_normalizer(x):
    return sum(mp.loggamma(v) for v in x) - mp.loggamma(sum(x))


def exact(q, p):
    x, y = list(q.values()), list(p.values())
    step = sum((mp.psi(0, a) - mp.psi(0, sum(x))) * (b - a) for a, b in zip(x, y, strict=True))
    return log_normalizer(y) - log_normalizer(x) - step


def sizes(q, p):
    """Return the sizes of the two terms of each gradient, which may cancel; see test_beta.py."""
    found = {}
    X, Y = sum(q.values()), sum(p.values())
    whole = X * mp.psi(1, X)

    def eta(v):
        return mp.psi(0, v) - mp.log(v)

    for name in q:
        a, b = q[name], p[name]
        drop = a * mp.psi(1, a) - whole
        found[f"q_{name}"] = abs((b / a - Y / X) * whole) + abs((b / a - 1) * drop)
        rest = eta(b) - eta(a) - eta(Y) + eta(X)
        found[f"p_{name}"] = abs(mp.log(b * X / (a * Y))) + abs(rest)
    return found


def parts(n_parts):
    """Draw concentrations alike or far apart; near-equal: each moved, few moved, or all alike."""

    def draw(rng, n, regime):
        limit = 8 if regime == "extreme" else 2
        p, q = 10.0 ** rng.uniform(-limit, limit, (2, n_parts, n))
        if regime == "near" or (regime == "extreme" and rng.random() < 0.5):
            common = near(rng, np.ones(n)) * near(rng, np.ones((n_parts, n))) ** 1e-6
            kind = rng.integers(0, 3, n)
            few = rng.random((n_parts, n)) < 0.4
            few[0] = True
            q = np.where(kind == 0, near(rng, p), np.where(kind == 1, common * p, p))
            q = np.where((kind == 2) & few, near(rng, p), q)
        return named(q), named(p)

    return draw


def named(x):
    return dict(zip("abcdefg", x, strict=False))


PAIRS = [
    Parts(f"dirichlet_dirichlet_{n}", dirichlet, dirichlet, exact, parts(n), sizes=sizes, digits=90)
    for n in (3, 5)
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)


def test_a_step_far_below_the_rounding_of_the_total_keeps_its_digits():
    # a alone moves, by 1.8e-17 beside 4.6e7, and is all there is to the gradients of the others
    q = {"a": 2.810162731289962e-08, "b": 1.46e-4, "c": 1.61e-4, "d": 46230284.6895, "e": 13081.03}
    p = q | {"a": 2.810162733132837e-08}
    pair = PAIRS[1]
    errors = pair.errors(named_arrays(q), named_arrays(p), [pair.truth(q, p, "extreme")])
    assert not errors.wrong
    assert errors.gradient <= pair.relative, errors.gradient_at


def named_arrays(point):
    return {name: np.asarray([value]) for name, value in point.items()}
