"""Arrays of any kind: namespace, dtype, shapes and domains. Floor 0: imports only errors.

NumPy, PyTorch, JAX, CuPy and array-api-strict arrays go in and the same kind comes out. No
library is imported here unless the caller's arrays already belong to it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import numpy as np

from klosed.errors import ArrayKindError, ParameterError, ShapeError

__all__ = [
    "Array",
    "broadcast",
    "broadcast_shapes",
    "check_domain",
    "clip",
    "constant",
    "gather",
    "in_blocks",
    "is_half",
    "is_nowhere",
    "is_tracing",
    "kind",
    "like",
    "namespace",
    "quietly",
    "readable",
    "repeat",
    "same_kind",
    "sum_to_shape",
    "weakness",
    "widened",
]

Array = Any
State = TypeVar("State", bound=tuple[Any, ...])

# array-api-compat's own look-ups are cached functions, which torch.compile cannot trace.
_KINDS = (("PyTorch", "torch", "Tensor"), ("JAX", "jax", "Array"), ("CuPy", "cupy", "ndarray"))


def kind(x: Any) -> str | None:
    """Return the name of the array library x belongs to; None for plain numbers and lists."""
    if isinstance(x, (np.ndarray, np.generic)):
        return "NumPy"
    for name, library, array_class in _KINDS:
        # an array's library has been imported; any other is not ours to import
        module = sys.modules.get(library)
        if module is not None and isinstance(x, getattr(module, array_class)):
            return name
    if hasattr(x, "__array_namespace__"):
        return str(x.__array_namespace__().__name__)
    return None


def namespace(x: Array) -> Any:
    """Return the array API namespace of one array."""
    match kind(x):
        case "NumPy":
            return np
        case "PyTorch":
            import array_api_compat.torch

            return array_api_compat.torch
        case "JAX":
            import jax.numpy

            return jax.numpy
        case "CuPy":
            import array_api_compat.cupy

            return array_api_compat.cupy
        case _:
            return x.__array_namespace__()


def weakness(*values: Any) -> int:
    """Return how far values follow the arrays they meet: 2 plain numbers, 1 NumPy's, 0 arrays."""
    if all(kind(v) is None for v in values):
        return 2
    return int(all(kind(v) is None or isinstance(v, np.generic) for v in values))


def like(value: Any, array: Array) -> Array:
    """Return `value` as an array of the kind, dtype and device of `array`."""
    xp = namespace(array)
    if kind(value) == kind(array):
        return value if value.dtype == array.dtype else xp.astype(value, array.dtype)
    if kind(array) in ("NumPy", "JAX"):  # a NumPy scalar or a JAX tracer has no device to name
        return xp.asarray(value, dtype=array.dtype)
    return xp.asarray(value, dtype=array.dtype, device=array.device)


def is_half(x: Array) -> bool:
    """Return True for the floats of 16 bits, in which no formula keeps its digits."""
    return getattr(x.dtype, "itemsize", 8) == 2


def widened(x: Array) -> Array:
    """Return an array of 16-bit floats in float32, any other as it is."""
    return namespace(x).astype(x, namespace(x).float32) if is_half(x) else x


def same_kind(groups: Mapping[str, Sequence[Array]], weak: Mapping[str, int]) -> list[list[Array]]:
    """Bring groups of arrays (each already of one kind and dtype) to a common kind and dtype.

    The groups of greater `weakness` follow the others.
    """
    full = {n: g for n, g in groups.items() if g}
    least = min([weak[n] for n in full])
    leaders = {n: g for n, g in full.items() if weak[n] == least}
    _check_one_kind({name: group[0] for name, group in leaders.items()})
    firsts = [group[0] for group in leaders.values()]
    xp, lead = namespace(firsts[0]), firsts[0]
    dtype = _common(xp, [first.dtype for first in firsts])
    if lead.dtype != dtype:
        lead = xp.astype(lead, dtype)
    return [[like(a, lead) for a in group] for group in groups.values()]


def gather(**given: Any) -> dict[str, Array]:
    """Return the given values as arrays of one kind and one floating dtype.

    Plain numbers, lists and NumPy scalars take the kind and dtype of the arrays beside them.
    Integers become the floating dtype of the arrays beside them, else the kind's default.

    Raises
    ------
    ArrayKindError
        Arrays of two kinds, or values that are not real numbers.
    """
    if _are_alike(given.values()):
        return given
    arrays = {n: v for n, v in given.items() if kind(v) and not isinstance(v, np.generic)}
    arrays = arrays or {n: v for n, v in given.items() if isinstance(v, np.generic)}
    _check_one_kind(arrays)
    if not arrays:
        arrays = {n: _from_plain(n, v) for n, v in given.items()}
    lead = next(iter(arrays.values()))
    xp = namespace(lead)
    dtypes = [_floating(xp, name, array) for name, array in arrays.items()]
    floats = [d for d in dtypes if d is not None]
    dtype = _common(xp, floats) if floats else xp.asarray(0.0).dtype
    if lead.dtype != dtype:
        lead = xp.astype(lead, dtype)
    # No asarray on arrays of the right kind: it would detach a torch gradient.
    return {
        n: like(arrays[n] if n in arrays else _from_plain(n, v), lead) for n, v in given.items()
    }


def broadcast_shapes(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the common shape, or raise ShapeError naming each parameter and its shape."""
    try:
        return tuple(np.broadcast_shapes(*shapes.values()))
    except ValueError:
        listed = ", ".join(f"{name} has {tuple(shape)}" for name, shape in shapes.items())
        raise ShapeError(
            f"batch shapes must broadcast; {listed}. Align the axes from the right, "
            "each equal or 1."
        ) from None


def broadcast(x: Array, shape: tuple[int, ...]) -> Array:
    """Return x broadcast to a shape, itself where it has that shape already."""
    return x if tuple(x.shape) == shape else namespace(x).broadcast_to(x, shape)


def clip(x: Array, low: float, high: float | None = None) -> Array:
    """Return x between two numbers; torch.compile may hold these for symbols."""
    if kind(x) == "PyTorch":
        return x.clamp(low, high)
    return namespace(x).clip(x, min=low, max=high)


def in_blocks(x: Array) -> bool:
    """Return True where blocks that fit a cache pay: on a processor, outside compilers."""
    match kind(x):
        case "NumPy":
            return True
        case "PyTorch":
            return x.device.type == "cpu" and not _is_compiling()
        case _:
            return False


def is_nowhere(mask: bool | Array) -> bool:
    """Return True where a mask is known to hold nowhere; while tracing, nothing is known."""
    if isinstance(mask, bool):
        return not mask
    if is_tracing(mask):
        return False
    try:
        return not bool(namespace(mask).any(mask))
    except RuntimeError:  # torch.func.vmap: the values are there but may not be read
        return False


def is_tracing(x: Array) -> bool:
    """Return True while JAX or torch.compile traces, when no value can be read."""
    match kind(x):
        case "JAX":
            import jax

            return isinstance(x, jax.core.Tracer)
        case "PyTorch":
            return _is_compiling()
        case "recording":
            return True
        case _:
            return False


def quietly() -> AbstractContextManager[Any]:
    """Return a context in which NumPy does not warn of infinities, which are meant."""
    return nullcontext() if _is_compiling() else np.errstate(all="ignore")


def check_domain(
    name: str,
    x: Array,
    inside: Callable[[Array], Array],
    rule: str,
    advice: str = "",
    *,
    ends_decide: bool = False,
) -> None:
    """Raise ParameterError unless inside(x) holds everywhere; do nothing while tracing.

    With `ends_decide` it holds between any two numbers for which it holds: then the smallest and
    the largest are looked at first, in half the time. While JAX or torch.compile traces, and
    inside torch.func.vmap, values cannot be read.
    """
    if is_tracing(x):
        return
    xp = namespace(x)
    try:
        with np.errstate(invalid="ignore"):
            # NaN is smallest, largest, and inside nothing
            if ends_decide and 0 not in x.shape:
                read = readable(x)
                of = namespace(read)
                if inside(of.min(read)) and inside(of.max(read)):
                    return
            ok = inside(x)
        if bool(xp.all(ok)):
            return
    except RuntimeError:  # torch.func.vmap: the values are there but may not be read
        return
    flat = int(xp.argmin(xp.astype(xp.reshape(ok, (-1,)), xp.int32)))
    index = tuple(int(i) for i in np.unravel_index(flat, ok.shape))
    got = _show(x[(*index, ...)])
    where = f" at index {index}" if index else ""
    raise ParameterError(f"{name} must be {rule}; got {got}{where}.{' ' if advice else ''}{advice}")


def constant(x: Array) -> Array:
    """Return x as a number that no derivative passes through."""
    match kind(x):
        case "PyTorch":
            return x.detach()
        case "JAX":
            import jax

            return jax.lax.stop_gradient(x)
        case _:
            return x


def readable(x: Array) -> Array:
    """Return x as what reads it without PyTorch's threads.

    After every pass they stay awake for milliseconds, where the walk over blocks needs them gone.
    """
    if kind(x) != "PyTorch" or x.device.type != "cpu" or is_tracing(x):
        return x
    try:
        return x.detach().numpy()
    except (RuntimeError, TypeError):  # torch.func's tensors have no memory, bfloat16 no NumPy
        return x


def repeat(step: Callable[[State], State], state: State, times: int) -> State:
    """Return step(step(… state)); JAX compiles the step once, whatever the number of times."""
    if any(kind(x) == "JAX" for x in state):
        import jax

        return jax.lax.fori_loop(0, times, lambda _, s: step(s), state)
    for _ in range(times):
        state = step(state)
    return state


def sum_to_shape(x: Array, shape: tuple[int, ...]) -> Array:
    """Return x summed over the axes along which `shape` was broadcast to x's shape."""
    xp = namespace(x)
    extra = x.ndim - len(shape)
    axes = tuple(i for i in range(x.ndim) if i < extra or (shape[i - extra] == 1 != x.shape[i]))
    return xp.reshape(xp.sum(x, axis=axes), shape) if axes else x


def _show(x: Array) -> str:
    """Return a number, or the numbers of a small array; of a large one its shape."""
    if math.prod(x.shape) > 9:
        return f"numbers of shape {tuple(x.shape)}"
    if x.ndim == 0:
        return f"{float(constant(x)):.6g}"
    return f"[{', '.join(_show(x[i, ...]) for i in range(x.shape[0]))}]"


def _is_long(x: Array) -> bool:
    """Return True for NumPy's long doubles, in which no series here is long enough."""
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.itemsize > 8


def _check_one_kind(arrays: Mapping[str, Array]) -> None:
    kinds = {name: kind(array) for name, array in arrays.items()}
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{name} is {k}" for name, k in kinds.items())
        raise ArrayKindError(
            f"arrays must be of one kind; {listed}. Convert them to one library first."
        )


def _are_alike(values: Iterable[Any]) -> bool:
    """Return True for NumPy arrays of one floating dtype, the case that must be quick."""
    first, *rest = values
    return (
        isinstance(first, np.ndarray)
        and first.dtype.kind == "f"
        and not _is_long(first)
        and all(isinstance(v, np.ndarray) and v.dtype == first.dtype for v in rest)
    )


def _common(xp: Any, dtypes: Sequence[Any]) -> Any:
    same = all(dtype == dtypes[0] for dtype in dtypes)
    return dtypes[0] if same else xp.result_type(*dtypes)


def _from_plain(name: str, value: Any) -> Array:
    if _is_compiling():  # torch.compile cannot trace NumPy's dtypes
        return sys.modules["torch"].asarray(value, dtype=sys.modules["torch"].float64)
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and all(isinstance(v, int) for v in array.flat):
            array = array.astype(float)  # integers that no integer dtype holds
    except RuntimeError:  # tensors that require a gradient
        raise ArrayKindError(
            f"{name} must be numbers or one array; got a {type(value).__name__} of arrays. "
            "Stack them first."
        ) from None
    except OverflowError:
        raise ParameterError(
            f"{name} must be numbers that a float holds; got {value!s:.20} …"
        ) from None
    except ValueError:
        raise ShapeError(
            f"{name} must be a regular nest of numbers; got {value!r}. Make its rows equally long."
        ) from None
    if array.dtype.kind not in "iuf":
        raise ArrayKindError(
            f"{name} must be real numbers; got {type(value).__name__} of {array.dtype}. Pass a "
            "number, a list, or a NumPy, PyTorch, JAX or CuPy array."
        )
    return array


def _floating(xp: Any, name: str, array: Array) -> Any:
    if xp.isdtype(array.dtype, "real floating") and not _is_long(array):
        return array.dtype
    if xp.isdtype(array.dtype, "integral"):
        return None
    raise ArrayKindError(
        f"{name} must be real numbers; got dtype {array.dtype}. Convert it to a floating dtype."
    )


def _is_compiling() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.compiler.is_compiling())
