"""KL of categorical, one-hot, multinomial and ordered logistic distributions against mpmath."""

from itertools import pairwise

import mpmath as mp
import numpy as np
from accuracy_arrays import ArrayPair, array_accuracy_tests

from accuracy import near
from klosed import Categorical, Multinomial, OneHotCategorical, OrderedLogistic


def normalised(side):
    """Return the probabilities of one side, exactly."""
    given = side["probs"] if "probs" in side else [mp.exp(a) for a in side["logits"]]
    whole = mp.fsum(given)
    return [w / whole for w in given]


def terms(q, p):
    """Return q log(q/p) + p − q of every category: nonnegative, and with the sum of q log(q/p)."""
    return tuple(x * mp.log(x / y) + y - x for x, y in zip(q, p, strict=True))


def exact(q, p):
    return terms(normalised(q), normalised(p))


def of_trials(q, p):
    # a float: differences do not move the total
    total = mp.mpf(float(q["total_count"]))
    return tuple(total * term for term in exact(q, p))


def classes(side):
    ends = [1 / (1 + mp.exp(side["predictor"] - c)) for c in side["cutpoints"]]
    # the last class by its own tail, which may be far below 1
    above = [1 / (1 + mp.exp(c - side["predictor"])) for c in side["cutpoints"]]
    return [ends[0], *(b - a for a, b in pairwise(ends)), above[-1]]


def of_classes(q, p):
    return terms(classes(q), classes(p))


def logits(rng, regime):
    """Draw logits in ±5, near-equal ones, or in ±340, beyond which the gradient underflows."""
    side = 340.0 if regime == "extreme" else 5.0
    b = rng.uniform(-side, side, rng.integers(2, 9))
    close = regime == "near" or (regime == "extreme" and rng.random() < 0.5)
    a = near(rng, b) if close else rng.uniform(-side, side, b.shape)
    return {"logits": a}, {"logits": b}


def probs(rng, regime):
    """Draw probabilities over four, or two hundred, powers of ten; far ones need not sum to 1.

    Then they are apart also up to a common factor, whose logarithm is rounded: see the docstring.
    """
    low = -200.0 if regime == "extreme" else -4.0
    y = 10.0 ** rng.uniform(low, 0, rng.integers(2, 9))
    if regime == "near":
        x = near(rng, y)
        return {"probs": x / x.sum()}, {"probs": y / y.sum()}
    if regime == "ordinary":
        x = y * 10.0 ** (0.5 * rng.permutation(y.size) + rng.uniform(0, 0.3, y.shape))
    else:
        x = 10.0 ** rng.uniform(low, 0, y.shape)
    return {"probs": x}, {"probs": y / y.sum()}


def mixed(rng, regime):
    """Draw logits for q, and for p probabilities apart from them, also up to a common factor."""
    side = 300.0 if regime == "extreme" else 5.0
    a = rng.uniform(-side, side, rng.integers(2, 9))
    apart = rng.permutation(a.size) + rng.uniform(0, 0.7, a.shape)
    p = np.exp(a - a.max() + apart)
    return {"logits": a}, {"probs": p / p.sum()}


def mixed_back(rng, regime):
    return mixed(rng, regime)[::-1]


def counted(draw):
    def drawn(rng, regime):
        n = np.asarray(float(rng.integers(1, 10**4)))
        return ({"total_count": n, **side} for side in draw(rng, regime))

    return drawn


def cutpoints(rng, regime):
    """Draw gaps of 0.1 … 10, or of 1e-8 … 100 with predictors in ±300 at the extremes."""
    far, low, high = (300.0, -8, 2) if regime == "extreme" else (3.0, -1, 1)
    n = rng.integers(1, 6)

    def side():
        gaps = 10.0 ** rng.uniform(low, high, n)
        return {"predictor": np.asarray(rng.uniform(-far, far)), "cutpoints": np.cumsum(gaps) - 2.0}

    p = side()
    if regime == "near":
        q = {name: np.asarray(near(rng, x)) for name, x in p.items()}
        while np.any(np.diff(q["cutpoints"]) <= 0):
            q["cutpoints"] = near(rng, p["cutpoints"])
        return q, p
    return side(), p


APART, CLOSE = ("ordinary", "extreme"), ("ordinary", "near")
LONG = {"digits": 650, "cases": 5}
C, H, M = Categorical, OneHotCategorical, Multinomial
PAIRS = [
    ArrayPair("categorical_logits", C, C, exact, logits, **LONG),
    ArrayPair("categorical_probs", C, C, exact, probs, **LONG),
    ArrayPair("categorical_mixed", C, C, exact, mixed, APART, **LONG),
    ArrayPair("categorical_mixed_back", C, C, exact, mixed_back, APART, **LONG),
    ArrayPair("one_hot_categorical", H, H, exact, logits, CLOSE),
    ArrayPair("multinomial_logits", M, M, of_trials, counted(logits), CLOSE),
    ArrayPair("multinomial_probs", M, M, of_trials, counted(probs), CLOSE),
    ArrayPair(
        "ordered_logistic", OrderedLogistic, OrderedLogistic, of_classes, cutpoints, digits=400
    ),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = array_accuracy_tests(PAIRS)
