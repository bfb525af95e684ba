"""`klosed derive`: why a closed form is right, step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from klosed.cli._messages import counting
from klosed.errors import MissingExtraError

if TYPE_CHECKING:
    from klosed.derivations._checks import Report, Wanted

__all__ = ["command"]


@click.command(
    epilog="""\b
Examples:
  klosed derive normal normal
  klosed derive gamma exponential --format latex
  klosed derive --all --check

By hand: univariate-gaussian, multivariate-gaussian, encoder-gradient, elbo, forward-and-reverse.
"""
)
@click.argument("q", required=False)
@click.argument("p", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "latex"]),
    default="text",
    show_default=True,
    help="Markdown and LaTeX are for pasting into a notebook or a paper.",
)
@click.option("--all", "all_of_them", is_flag=True, help="Every derivation there is.")
@click.option("--check", is_flag=True, help="Show one line each; exit 1 if a step is not shown.")
@click.option("--jobs", type=click.IntRange(1), help="Processes for --all; all cores by default.")
@click.pass_context
def command(
    ctx: click.Context,
    q: str | None,
    p: str | None,
    form: str,
    all_of_them: bool,
    check: bool,
    jobs: int | None,
) -> None:
    """Derive KL(Q‖P) of two families, such as: klosed derive normal normal.

    Each step is proved by SymPy or checked to 30 digits, and the last line is held against the
    shipped function. With one name, show a derivation made by hand.
    """
    try:
        from klosed.derivations._catalogue import made_by_hand, missing_pairs
        from klosed.derivations._checks import everything
    except ImportError:
        raise MissingExtraError("klosed derive", "derive") from None
    if all_of_them == (q is not None):
        names = ", ".join(made_by_hand())
        raise click.UsageError(
            f"name two families, or one derivation made by hand ({names}), or --all.", ctx
        )
    named: Wanted = (q or "", p) if p is not None else (q or "",)
    wanted = everything() if all_of_them else (named,)
    missing = missing_pairs() if all_of_them else ()
    reports = []
    with counting("deriving", len(wanted)) as move:
        for report in _reports(wanted, form, jobs):
            reports.append(report)
            move(len(reports))
            click.echo(report.line if check else f"{report.text}\n")
    if all_of_them:
        failed = sum(not report.ok for report in reports)
        click.echo(f"{len(reports)} derivations, {failed} not shown; {len(missing)} pairs without")
        for pair in missing:
            click.echo(f"✗ {'-'.join(pair).lower()}: no derivation")
    if check and (missing or not all(report.ok for report in reports)):
        ctx.exit(1)


def _reports(wanted: tuple[Wanted, ...], form: str, jobs: int | None) -> Iterable[Report]:
    from joblib import Parallel, delayed

    from klosed.derivations._checks import report

    if len(wanted) == 1:
        return [report(wanted[0], form)]
    run = Parallel(n_jobs=jobs or -1, return_as="generator")
    return run(delayed(report)(each, form) for each in wanted)
