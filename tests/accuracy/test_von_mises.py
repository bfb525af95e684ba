"""KL from a von Mises distribution against mpmath."""

import mpmath as mp
import numpy as np

from accuracy import Pair, accuracy_tests, near, positive, real
from klosed import VonMises


def concentration(side):
    return side["concentration"] if "concentration" in side else mp.exp(side["log_concentration"])


def log_normaliser(kappa):
    return mp.log(mp.besseli(0, kappa))


def mean_length(kappa):
    return mp.besseli(1, kappa) / mp.besseli(0, kappa)


def exact(q, p):
    """Return κq A(κq) − κp A(κq) cos Δ − log I₀(κq) + log I₀(κp)."""
    of_q, of_p = concentration(q), concentration(p)
    turned = of_q - of_p * mp.cos(q["loc"] - p["loc"])
    return mean_length(of_q) * turned - log_normaliser(of_q) + log_normaliser(of_p)


def sizes(q, p):
    """Return the sizes of the two terms of each gradient in the concentration."""
    of_q, of_p = concentration(q), concentration(p)
    apart = 1 - mp.cos(q["loc"] - p["loc"])
    a = mean_length(of_q)
    slope = 1 - a * a - a / of_q
    terms_q = abs(slope) * (abs(of_q - of_p) + of_p * apart)
    terms_p = abs(mean_length(of_p) - a) + a * apart
    if "concentration" in q:
        return {"q_concentration": terms_q, "p_concentration": terms_p}
    return {"q_log_concentration": of_q * terms_q, "p_log_concentration": of_p * terms_p}


def drawn(rng, n, regime):
    if regime == "near":
        p = {"loc": rng.uniform(-7, 7, n), "concentration": positive(rng, n, regime)}
        return {k: near(rng, x) for k, x in p.items()}, p
    if regime == "extreme":
        kappas = [10.0 ** rng.uniform(-8, 8, n) for _ in "qp"]
        locs = [real(rng, n, "ordinary") for _ in "qp"]
    else:
        kappas = [positive(rng, n, regime) for _ in "qp"]
        locs = [rng.uniform(-7, 7, n) for _ in "qp"]
    return tuple({"loc": m, "concentration": k} for m, k in zip(locs, kappas, strict=True))


def drawn_logs(rng, n, regime):
    sides = drawn(rng, n, regime)
    logs = [np.log(side["concentration"]) for side in sides]
    if regime == "near":
        logs[0] = near(rng, logs[1])
    return tuple(
        {"loc": side["loc"], "log_concentration": log}
        for side, log in zip(sides, logs, strict=True)
    )


PAIRS = [
    Pair("von_mises_von_mises", VonMises, VonMises, exact, drawn, sizes=sizes, digits=100),
    Pair("von_mises_von_mises_log", VonMises, VonMises, exact, drawn_logs, sizes=sizes, digits=100),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
