"""`klosed kl`: KL, entropy, cross-entropy and gradient of two distributions given as text."""

from __future__ import annotations

import json
from typing import Any

import click
import numpy as np

import klosed
from klosed.cli._distributions import Written, read_distribution
from klosed.errors import MissingExtraError, NoClosedFormError, ParameterError

__all__ = ["command"]


@click.command(
    epilog="""\b
Examples:
  klosed kl "Normal(0, 1)" "Normal(1, 2)"
  klosed kl "Gamma(2, 3)" "Gamma(2.1, 3)" --digits 30
  klosed kl "Categorical([0.2, 0.8])" "Categorical(logits=[0, 1])" --json"""
)
@click.argument("q")
@click.argument("p")
@click.option(
    "--digits",
    type=click.IntRange(5, 200),
    help="Integrate in arbitrary precision, to so many digits; also without a closed form.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def command(q: str, p: str, digits: int | None, as_json: bool) -> None:
    """Show KL(Q‖P), entropy and cross-entropy in nats, and the gradient of the KL.

    Q and P are written as in Python, such as "Gamma(2, rate=3)", with the parameter names of
    torch.distributions; they are read as data, nothing is executed.
    """
    left, right = read_distribution(q), read_distribution(p)
    facts = _closed_form(left, right) if digits is None else _integrated(left, right, digits)
    if as_json:
        click.echo(json.dumps({"q": q, "p": p} | facts, indent=2))
        return
    rows = [("KL(q‖p)", facts["kl"]), ("entropy of q", facts["entropy"])]
    rows.append(("cross-entropy", facts["cross_entropy"]))
    for side in ("q", "p"):
        rows += [(f"∂KL/∂{side}.{name}", v) for name, v in facts[f"grad_{side}"].items()]
    width = max(len(label) for label, _ in rows)
    click.echo(f"q = {q}\np = {p}\n")
    for label, value in rows:
        click.echo(f"{label:<{width}}  {'no closed form' if value is None else value}")
    click.echo("\nnats, " + ("closed form, float64" if digits is None else f"{digits} digits"))


def _closed_form(q: Written, p: Written) -> dict[str, Any]:
    try:
        value, grad_q, grad_p = klosed.kl_value_and_grad(q.distribution, p.distribution)
    except NoClosedFormError as error:
        raise NoClosedFormError(f"{error} Here: --digits 15 integrates it.") from None
    return {
        "kl": _plain(value),
        "entropy": _or_none(lambda: klosed.entropy(q.distribution)),
        "cross_entropy": _or_none(lambda: klosed.cross_entropy(q.distribution, p.distribution)),
        "grad_q": {name: _plain(g) for name, g in grad_q.items()},
        "grad_p": {name: _plain(g) for name, g in grad_p.items()},
    }


def _or_none(compute: Any) -> Any:
    try:
        return _plain(compute())
    except NoClosedFormError:
        return None


def _plain(array: Any) -> Any:
    return np.asarray(array).tolist()


def _integrated(q: Written, p: Written, digits: int) -> dict[str, Any]:
    try:
        import mpmath as mp
    except ImportError:
        raise MissingExtraError("--digits", "precision") from None
    from klosed.high_precision import DENSITIES, kl_to_digits

    for side in (q, p):
        if side.family not in DENSITIES or side.distribution.batch_shape != ():
            raise ParameterError(
                f"--digits needs single distributions of these families: {', '.join(DENSITIES)}; "
                f"got {side.family} of batch shape {side.distribution.batch_shape}."
            )
    with mp.workdps(3 * digits + 30):
        # decimals mean what was typed, not the nearest double
        given = [{name: mp.mpf(t) for name, t in side.numbers.items()} for side in (q, p)]
    typical = np.asarray(q.distribution.sample(0, (101,)), dtype=float)
    result = kl_to_digits(q.family, given[0], p.family, given[1], digits, typical=typical.tolist())

    def show(value: Any) -> str:
        return str(mp.nstr(value, digits, min_fixed=-5, max_fixed=20))

    with mp.workdps(2 * digits):
        return {
            "kl": show(result.kl),
            "entropy": show(result.entropy),
            "cross_entropy": show(result.cross_entropy),
            "grad_q": {name: show(v) for name, v in result.grad_q.items()},
            "grad_p": {name: show(v) for name, v in result.grad_p.items()},
        }
