"""Distributions as text, such as "Gamma(2, rate=3)": read as data, never evaluated."""

from __future__ import annotations

import ast
import inspect
import warnings
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import klosed
from klosed.errors import KlosedError, ParameterError

__all__ = ["Written", "read_distribution"]


@dataclass(frozen=True)
class Written:
    """A distribution, and its arguments as they were written: {name: text of a number}."""

    distribution: klosed.Distribution
    family: str
    numbers: dict[str, str]


def read_distribution(text: str) -> Written:
    """Return the distribution that `text` describes.

    Only a family's name, numbers, lists of numbers and nested families are understood; nothing
    is executed.

    Raises
    ------
    ParameterError
        The text is not of that form, names no family, or its parameters are refused.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the one error below says what matters
            node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ParameterError(f"a distribution must look like Normal(0, 1); got {text!r}.") from None
    if not isinstance(node, ast.Call):
        raise ParameterError(f"a distribution must look like Normal(0, 1); got {text!r}.")
    distribution = _call(node, text)
    family = type(distribution)
    try:
        signature = inspect.signature(family)
        names = list(signature.parameters)
        given = dict(zip(names, node.args, strict=False)) | {k.arg: k.value for k in node.keywords}
        numbers = {str(name): _number(text, value) for name, value in given.items()}
    except RecursionError:
        raise ParameterError(f"{text!r} is nested too deeply.") from None
    return Written(distribution, family.__name__, numbers)


def _number(text: str, node: ast.expr) -> str:
    """Return a number as it was written, in decimals and with one sign at most."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            written = _number(text, operand)
            return written[1:] if written.startswith("-") else f"-{written}"
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(text, operand)
        case ast.Constant(value=int() as number):
            return str(number)
        case _:
            return _segment(text, node)


def _segment(text: str, node: ast.expr) -> str:
    return ast.get_source_segment(text.strip(), node) or ""


def _families() -> dict[str, type[klosed.Distribution]]:
    values = {name: getattr(klosed, name) for name in klosed.__all__}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, type)
        and issubclass(value, klosed.Distribution)
        and value is not klosed.Distribution
    }


def _call(node: ast.Call, text: str) -> klosed.Distribution:
    families = _families()
    name = _segment(text, node.func).removeprefix("klosed.")
    if name not in families:
        lower = {family.lower(): family for family in families}
        near = get_close_matches(name.lower(), lower, n=1)
        hint = f"Did you mean {lower[near[0]]}?" if near else f"There are: {', '.join(families)}."
        raise ParameterError(f"no family is called {name!r}. {hint}")
    if any(keyword.arg is None for keyword in node.keywords):
        raise ParameterError(f"{name}: write each parameter as name=value; got {text!r}.")
    names = [keyword.arg for keyword in node.keywords]
    if len(set(names)) < len(names):
        raise ParameterError(f"{name}: write each parameter once; got {text!r}.")
    args = [_value(arg, text) for arg in node.args]
    kwargs = {str(keyword.arg): _value(keyword.value, text) for keyword in node.keywords}
    signature = inspect.signature(families[name])
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        wanted = ", ".join(signature.parameters)
        raise ParameterError(f"{name} takes {wanted}; {error}.") from None
    try:
        return families[name](*args, **kwargs)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, KlosedError):
            raise
        raise ParameterError(f"{name} cannot be made from {text!r}: {error}.") from None


def _value(node: ast.expr, text: str) -> Any:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value = _value(operand, text)
            if isinstance(value, (int, float)):
                return -value if isinstance(sign, ast.USub) else value
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_value(element, text) for element in elements]
        case ast.Call():
            return _call(node, text)
    raise ParameterError(
        f"a parameter must be a number, a list of numbers or a distribution; "
        f"got {_segment(text, node)!r} in {text!r}."
    )
