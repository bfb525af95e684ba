"""config.json of a run folder as people may have left it: checked before anything uses it.

Imports no subcommand.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from klosed.errors import FileFormatError, KlosedError
from klosed.models import VAESpec
from klosed.training import RunFolder, TrainingConfig

__all__ = ["read_config"]


def read_config(run: RunFolder) -> dict[str, Any]:
    """Return config.json, checked and complete: a field that is absent counts as null.

    Raises
    ------
    FileFormatError
        Naming the file, the field, its rule and what came.
    """
    config = run.read_config()

    def check(path: str, rule: str, test: Callable[[Any], bool]) -> None:
        part = config
        *parents, name = path.split(".")
        for parent in parents:
            part = part[parent]
        value = part.setdefault(name, None)
        if not test(value):
            raise FileFormatError(
                f"{run.config_path}: {path} must be {rule}; got {json.dumps(value):.80}. Restore "
                "the file."
            )

    for path in ("data", "spec", "training", "data.picture"):
        check(path, "an object", lambda value: isinstance(value, dict))
    for path in ("engine", "data.source", "data.sha256"):
        check(path, "a string", _is_text)
    for path in ("data.test", "data.test_sha256"):
        check(path, "a string or null", lambda value: value is None or _is_text(value))
    check("data.stream", "a whole number >= 1 or null", lambda n: n is None or _is_count(n))
    check("torch", "the settings of the torch engine or null", _is_torch)
    check("threads", "a whole number >= 1 or null", lambda value: value is None or _is_count(value))
    check("precision", "a string or null", lambda value: value is None or _is_text(value))
    for path in ("data.classes", "data.class_names", "data.feature_names"):
        check(path, "a list of strings or null", lambda value: value is None or _are_texts(value))
    for name, kind in (("spec", VAESpec), ("training", TrainingConfig)):
        try:
            config[name] = kind.from_dict(config[name]).to_dict()
        except KlosedError as error:
            message = f"{run.config_path}: {name}: {error} Restore the file."
            raise FileFormatError(message) from None
    if config["engine"] == "torch" and config["torch"] is None:
        config["torch"] = {"device": "auto", "precision": "float32", "compile": False}
    n = config["spec"]["n_features"]
    check(
        "data.feature_names", f"one for each of {n} features",
        lambda names: names is None or len(names) == n,
    )  # fmt: skip
    check(
        "data.picture.shape", f"null, [height, width] or [height, width, 3] of {n} values",
        lambda shape: shape is None or _is_shape(shape, n),
    )  # fmt: skip
    for end in ("low", "high"):
        check(f"data.picture.{end}", "a finite number", _is_number)
    check("data.picture", "a range from low to a higher high", lambda p: p["low"] < p["high"])
    return config


def _is_torch(value: Any) -> bool:
    kinds = {"device": str, "precision": str, "compile": bool}
    return value is None or (
        isinstance(value, dict)
        and value.keys() == kinds.keys()
        and all(isinstance(value[name], kind) for name, kind in kinds.items())
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _is_shape(value: Any, n_features: int) -> bool:
    return (
        isinstance(value, list)
        and all(map(_is_count, value))
        and (len(value) == 2 or value[2:] == [3])
        and math.prod(value) == n_features
    )
