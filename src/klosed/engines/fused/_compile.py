"""Parts of the work, each compiled by itself and called through its address.

A first run compiles only the parts that it uses, and none twice: Numba would put what one function
calls into it and optimize both anew. They are kept on disk where that is possible, and compiled
afresh after every change.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
from numba import types
from numba.core import config
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys
from numba.extending import intrinsic
from numpy.typing import DTypeLike

__all__ = ["OPTIONS", "Part", "Wanted", "collect_wanted", "part", "variants"]

# Sums may be taken in any order, for vectors; what must keep its order lives in _elementary.
# Nothing here is called from Python: no way in from there need be compiled.
OPTIONS: Any = {
    "fastmath": {"contract", "reassoc", "nsz"},
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}

_WHOLE = types.int64
_C_TYPES: dict[Any, Any] = {
    types.void: None,
    types.int64: ctypes.c_int64,
    types.float32: ctypes.c_float,
    types.float64: ctypes.c_double,
}


class _Cache(FunctionCache):  # type: ignore[misc]
    """Code on disk, in a file whose name says all that it was made from.

    Numba would tell the variables of a closure apart by what they are in this process, and never
    find those again that are compiled functions.
    """

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return sig, codegen.magic_tuple(), self._py_func.__qualname__

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load code as it is, if it is there.

        Numba would first learn, anew in each process, of all that it can compile: a quarter of the
        time that a first fit takes. What is compiled asks for that by itself; finished code needs
        only the functions of Numba's run time.
        """
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


class _Kept(CFunc):
    _may_compile = True

    def enable_caching(self) -> None:
        self._cache = _Cache(self._pyfunc)  # type: ignore[attr-defined]

    def load(self) -> None:
        """Take the code from disk; LookupError where it is not there."""
        self._may_compile = False
        self.compile()

    def _compile_uncached(self) -> Any:
        if not self._may_compile:
            raise LookupError("this part has not been compiled")
        return super()._compile_uncached()  # type: ignore[misc]


class Part:
    """A function of whole numbers, addresses among them, and of numbers of the engine's type.

    ``call(address, ...)`` calls it from compiled code. `place` is the module that has it, and its
    name there.
    """

    def __init__(
        self,
        make: Callable[..., Any],
        place: tuple[str, str],
        reals: int,
        returns: Any,
        options: dict[str, Any],
    ) -> None:
        self.place = place
        self._make, self._reals, self._returns = make, reals, returns
        self._options = {k: v for k, v in options.items() if not k.startswith("no_")}
        self._made: dict[Any, Any] = {}
        self._functions: dict[int, Callable[..., Any]] = {}
        self.call = self._caller()

    def address(self, dtype: DTypeLike, *choices: int) -> int:
        """Return where the code for float32 or float64 begins; compile it at its first use."""
        key = np.dtype(dtype).char, tuple(map(int, choices))
        if key not in self._made:
            named = np.dtype(dtype).name, key[1]
            made, wanted = self._unmade(*named), _wanted.get()
            if wanted is None:
                with _no_collection():
                    made.compile()
            else:
                try:
                    made.load()
                except LookupError:
                    wanted[Wanted(self, *named)] = None
                    return 0
            self._made[key] = made
        address: int = self._made[key].address
        return address

    def function(self, dtype: DTypeLike, *choices: int) -> Callable[..., Any]:
        """Return what calls the part from Python, without holding the interpreter's lock."""
        if _wanted.get() is not None:
            return lambda *args: None
        address = self.address(dtype, *choices)
        if address not in self._functions:
            result, *parameters = (_C_TYPES[t] for t in self._types(np.dtype(dtype).name, choices))
            self._functions[address] = ctypes.CFUNCTYPE(result, *parameters)(address)
        return self._functions[address]

    def folder(self, dtype: DTypeLike, *choices: int) -> str | None:
        """Return the folder that keeps the code; None where there is none."""
        try:
            path: str = FunctionCache(self._named(np.dtype(dtype).name, choices)).cache_path
        except RuntimeError:
            return None
        return path

    def _types(self, number: str, choices: tuple[int, ...]) -> list[Any]:
        wholes = len(signature(self._make(*choices)).parameters) - self._reals
        return [self._returns] + [_WHOLE] * wholes + [getattr(types, number)] * self._reals

    def _named(self, number: str, choices: tuple[int, ...]) -> Callable[..., Any]:
        # The name is that of the file. Were there more than one function in a file, processes that
        # compile different ones at the same time would mix them up.
        made = self._make(*choices)
        parts = (made.__name__, *choices, number, _digest())
        function = FunctionType(made.__code__, made.__globals__, closure=made.__closure__)
        function.__qualname__ = "_".join(map(str, parts))
        return function

    def _unmade(self, number: str, choices: tuple[int, ...]) -> _Kept:
        result, *parameters = self._types(number, choices)
        made = _Kept(self._named(number, choices), (tuple(parameters), result), {}, self._options)
        with suppress(RuntimeError):  # no folder to keep it in: compiled anew in every process
            made.enable_caching()
        return made

    def _caller(self) -> Any:
        returns, reals = self._returns, self._reals
        example = self._make(*[0] * len(signature(self._make).parameters))
        names = list(signature(example).parameters)

        def call(typing: Any, address: Any, *args: Any) -> Any:
            kinds = [_WHOLE] * (len(names) - reals) + [args[-1]] * reals

            def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                values = [context.get_value_type(kind) for kind in kinds]
                result = ir.VoidType() if returns == types.void else context.get_value_type(returns)
                function = builder.inttoptr(args[0], ir.FunctionType(result, values).as_pointer())
                found = builder.call(function, args[1:])
                return context.get_dummy_value() if returns == types.void else found

            return returns(_WHOLE, *kinds), generate

        # Numba looks at the signature, and has none for any number of arguments
        parameters = [
            Parameter(n, Parameter.POSITIONAL_ONLY) for n in ("typing", "address", *names)
        ]
        call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return intrinsic(call)


class Wanted(NamedTuple):
    """A part, a number type and choices, which make code that is needed."""

    part: Part
    dtype: str
    choices: tuple[int, ...]

    @property
    def is_keepable(self) -> bool:
        """Whether there is a folder for the code."""
        return self.part.folder(self.dtype, *self.choices) is not None

    def compile(self) -> None:
        self.part.address(self.dtype, *self.choices)


_wanted: ContextVar[dict[Wanted, None] | None] = ContextVar("klosed_wanted_parts", default=None)


def part(
    *, reals: int = 1, returns: Any = types.void, options: dict[str, Any] = OPTIONS
) -> Callable[[Callable[..., Any]], Part]:
    """Make a function a part: its last `reals` parameters have the engine's type, others int64."""
    return lambda function: Part(lambda: function, _place(function), reals, returns, options)


def variants(
    *, reals: int = 1, returns: Any = types.void, options: dict[str, Any] = OPTIONS
) -> Callable[[Callable[..., Any]], Part]:
    """Make a part of what a function returns: for each of its arguments there is other code.

    They are small whole numbers. What a comparison with them leaves out is not compiled.
    """
    return lambda make: Part(make, _place(make), reals, returns, options)


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    return function.__module__, function.__name__


@contextmanager
def collect_wanted() -> Iterator[dict[Wanted, None]]:
    """Collect the parts that are asked for and not on disk, instead of compiling them.

    The addresses of these are 0 meanwhile, and what Python calls does nothing.
    """
    found: dict[Wanted, None] = {}
    token = _wanted.set(found)
    try:
        yield found
    finally:
        _wanted.reset(token)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for garbage, which takes a tenth of the time of compiling."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@cache
def _digest() -> str:
    """Return what a change of any file here, and another processor, changes."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    processor = get_host_cpu_name(), get_host_cpu_features().flatten()
    digest.update(repr((processor, config.CPU_NAME, config.CPU_FEATURES)).encode())
    return digest.hexdigest()[:16]
