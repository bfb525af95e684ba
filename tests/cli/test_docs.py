"""The transcripts of the documentation are what the commands really write."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from klosed.cli.app import group

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
SECONDS = re.compile(r"\d+\.\d s\b")
COMPILING = re.compile(r"^Compiling for this processor.*\n", re.MULTILINE)  # on the first run
FIGURE = re.compile(r"-?\d+\.\d+")


def transcripts():
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for entry in "".join(blocks).split("$ ")[1:]:
        command, _, output = entry.partition("\n")
        yield shlex.split(command)[1:], output


def test_every_transcript_is_what_the_command_writes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = list(transcripts())
    for args, shown in seen:
        got = COMPILING.sub("", CliRunner().invoke(group, args, prog_name="klosed").output)
        shown, got = SECONDS.sub("t s", shown), SECONDS.sub("t s", got)
        assert FIGURE.sub("#", got) == FIGURE.sub("#", shown), args
        # Another processor rounds otherwise, and training amplifies that.
        figures = [[float(text) for text in FIGURE.findall(page)] for page in (got, shown)]
        assert figures[0] == pytest.approx(figures[1], rel=0.05, abs=0.005), args
    shown_commands = {args[0] for args, _ in seen}
    assert shown_commands >= {"train", "evaluate", "sample", "reconstruct", "encode", "decode"}
