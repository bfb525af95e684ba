"""One place turns whatever happens into an exit code and at most one line."""

import subprocess
import sys
import warnings

import click
import pytest

from klosed import errors
from klosed.cli import app


def test_help_names_every_command_and_exits_0(klosed):
    for args in ((), ("--help",), ("-h",)):
        done = klosed(*args)
        assert (done.code, done.err) == (0, "")
        assert all(name in done.out for name in app.COMMANDS)


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_has_help_with_an_example(klosed, name):
    done = klosed(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"\n    klosed {name}" in done.out


def test_help_loads_neither_numpy_nor_a_command():
    code = (
        "import sys\n"
        "from klosed.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n"
        "    loaded = {'numpy', 'rich', 'klosed.cli.train'} & set(sys.modules)\n"
        "    sys.exit(str(loaded) if loaded else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_version(klosed):
    from importlib.metadata import version

    assert klosed("--version").out == f"klosed {version('klosed')}\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["trian"], ["'trian'", "Did you mean 'train'?", "klosed --help"]),
        (["frobnicate"], ["'frobnicate'", "train, evaluate, sample"]),
        (["--vresion"], ["--vresion", "--version"]),
        (["train", "digits", "--latnt", "3"], ["--latnt", "--latent", "klosed train --help"]),
        (["train", "digits", "--optimizer", "adm"], ["'adm'", "'adam', 'sgd', 'adagrad'"]),
        (["train", "digits", "--latent", "0"], ["'--latent'", "0", "x>=1"]),
        (["train", "digits", "--latent", "two"], ["'--latent'", "'two'"]),
        (["train", "digits", "more"], ["more"]),
        (["sample"], ["'RUN'"]),
        (["sample", "x"], ["'--out'"]),
    ],
)
def test_wrong_usage_is_one_line_that_helps(klosed, args, words):
    done = klosed(*args)
    assert done.code == 2
    assert done.out == ""
    assert done.error.startswith("Error: ")
    for word in words:
        assert word in done.error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.DataError("a\n  b"), 2, "Error: a b"),
        (errors.RunFolderError("in the way"), 2, "Error: in the way"),
        (errors.MissingExtraError("This", "torch"), 2, "Error: This needs an optional part: "),
        (errors.NonFiniteLossError("nan"), 1, "Error: nan"),
        (errors.DownloadError("offline"), 1, "Error: offline"),
        (errors.TrainingInterrupted("interrupted. Go on"), 130, "Interrupted. Go on"),
        (click.Abort(), 130, "Interrupted."),
        (FileNotFoundError(2, "No such file", "x\n\x1b[2J"), 2, "Error: x \\x1b[2J: No such file."),
        (OSError(28, "No space left on device"), 1, "Error: No space left on device."),
        (MemoryError(), 1, "Error: not enough memory."),
        (ZeroDivisionError("by zero"), 1, "Error: unexpected ZeroDivisionError (by zero). This "),
    ],
)
def test_every_kind_of_error_has_its_code_and_line(error, code, line):
    got_code, got_line = app.exit_code_and_line(error)
    assert got_code == code
    assert got_line.startswith(line)
    assert "\n" not in got_line


@pytest.fixture
def doctor_that(monkeypatch):
    """Make `klosed doctor` do something else."""

    def replace(callback):
        from klosed.cli import doctor

        monkeypatch.setattr(doctor, "command", click.Command("doctor", callback=callback))

    return replace


def test_an_unexpected_error_hides_its_traceback_unless_asked(klosed, doctor_that, monkeypatch):
    def fail():
        raise ZeroDivisionError("by zero")

    doctor_that(fail)
    done = klosed("doctor")
    assert done.code == 1
    assert "KLOSED_DEBUG=1" in done.error
    for debugged in (klosed("--debug", "doctor"), None):
        if debugged is None:
            monkeypatch.setenv("KLOSED_DEBUG", "1")
            debugged = klosed("doctor")
        assert debugged.code == 1
        assert "Traceback" in debugged.err
        assert 'raise ZeroDivisionError("by zero")' in debugged.err


def test_a_warning_is_one_line_without_a_place(klosed, doctor_that):
    doctor_that(lambda: warnings.warn("first\nsecond", errors.KlosedWarning, stacklevel=1))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        done = klosed("doctor")
    assert (done.code, done.err) == (0, "Warning: first second\n")


def test_ctrl_c_outside_training_is_130(klosed, doctor_that):
    def stop():
        raise KeyboardInterrupt

    doctor_that(stop)
    done = klosed("doctor")
    assert done.code == 130
    assert done.err.strip() == "Interrupted."


def test_a_reader_that_goes_away_leaves_no_noise():
    code = (
        "import click; from klosed.cli import doctor, main\n"
        "def talk():\n    for _ in range(100): click.echo('x' * 10**4)\n"
        "doctor.command = click.Command('doctor', callback=talk)\n"
        "main(['doctor'])"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    writer.stdout.read(10)
    writer.stdout.close()
    noise = writer.stderr.read()
    writer.stderr.close()
    assert writer.wait() == 1
    assert noise == b""
