"""The command line in an empty folder, and small trained runs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import FAST, invoke, small_table


@pytest.fixture
def klosed(tmp_path, monkeypatch):
    """The command line, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return invoke


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory) -> Path:
    """A run on digits with a plane as latent space."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    done = invoke(
        "train", "digits", "--out", path, "--latent", 2, "--hidden", 32, "--epochs", 3,
        "--learning-rate", 0.01,
    )  # fmt: skip
    assert done.code == 0, done.err
    return path


@pytest.fixture(scope="session")
def table_run(tmp_path_factory) -> Path:
    """A run on a table with named columns and no test part."""
    folder = tmp_path_factory.mktemp("table")
    np.savetxt(folder / "t.csv", small_table(), delimiter=",", header="a,b,c", comments="")
    done = invoke(
        "train", folder / "t.csv", "--out", folder / "run", "--latent", 1, "--hidden", 16,
        "--epochs", 150, "--batch-size", 50, "--learning-rate", 0.01,
    )  # fmt: skip
    assert done.code == 0, done.err
    return folder / "run"


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("original") / "r"
    assert invoke("train", "digits", *FAST, "--out", path).code == 0
    return path


@pytest.fixture
def run(original, tmp_path):
    """A finished run of the options FAST, to do with as one likes: r in the current folder."""
    return Path(shutil.copytree(original, tmp_path / "r"))
