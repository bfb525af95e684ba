"""The command line in this process, a small table to give it, and what a run folder says."""

import json
from dataclasses import dataclass

import numpy as np
from click.testing import CliRunner

from klosed.cli.app import group

FAST = ("--hidden", 8, "--latent", 3, "--epochs", 2)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        return line


def invoke(*args: object) -> Outcome:
    """Run the command line in this process."""
    result = CliRunner().invoke(group, [str(arg) for arg in args], prog_name="klosed")
    return Outcome(result.exit_code, result.stdout, result.stderr)


def small_table(n=200, seed=0):
    """Rows of three correlated columns, far from zero and of unlike spread."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 1))
    return z @ [[1.0, -20.0, 300.0]] + rng.normal(size=(n, 3)) * [0.1, 2.0, 30.0] + [5, 0, 1000]


def metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def without_seconds(run):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in metrics(run)]


def config(run):
    return json.loads((run / "config.json").read_text())
