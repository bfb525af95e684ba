"""Threads that work as one: who does what, and waiting for each other."""

from __future__ import annotations

from typing import Any

from numba import njit
from numba.extending import register_jitable

from klosed.engines.fused._compile import OPTIONS
from klosed.engines.fused._intrinsics import add_atomic, call_yield, load_atomic, store_atomic
from klosed.engines.fused._tables import LINE, Control, Int

__all__ = ["PACE", "learn_pace", "meet", "outputs_of", "share", "units_of"]

PACE = 8  # whole numbers of a thread's pace: a cache line
_BITS = 32

# A few microseconds: products between two meetings take longer than a trip to the system.
_SPINS = 4000


@register_jitable(**OPTIONS)
def share(n: Any, thread: Any, threads: Any, unit: Any = 1) -> Any:
    """Return (first, end) of this thread's share of n things: whole units, up to the last."""
    units = -(-n // unit)
    first, end = units * thread // threads, units * (thread + 1) // threads
    return min(first * unit, n), min(end * unit, n)


@register_jitable(**OPTIONS)
def units_of(paces: Any, units: Any, thread: Any, threads: Any) -> Any:
    """Return (first, end) of a thread's share of so many units: as many as it is fast, but one."""
    before, total, is_known = 0, 0, units >= threads
    for other in range(threads):
        pace = paces[other * PACE]
        before += pace if other < thread else 0
        total += pace
        is_known = is_known and pace > 0
    if not is_known:
        return share(units, thread, threads)
    first, end = units * before // total, units * (before + paces[thread * PACE]) // total
    others = units - threads
    return min(max(first, thread), others + thread), min(max(end, thread + 1), others + thread + 1)


@register_jitable(**OPTIONS)
def learn_pace(paces: Any, thread: Any, rows: Any, taken: Any) -> None:
    """Believe an eighth of what one step says: rows for each unit of time."""
    if rows > 0 and taken > 0:
        pace, before = (rows << _BITS) // taken, paces[thread * PACE]
        paces[thread * PACE] = pace if before == 0 else before + (pace - before) // 8


@register_jitable(**OPTIONS)
def outputs_of(thread: Any, threads: Any, number: Any, n_out: Any, size: Any) -> Any:
    """Return (first, end) of a thread's outputs of layer `number`: whole cache lines.

    Threads take turns from layer to layer, so that what is left over is not always the same one's.
    """
    return share(n_out, (thread + number) % threads, threads, LINE // size)


@njit(**OPTIONS)
def meet(ints: Any, threads: Any) -> None:
    """Wait until all threads are here."""
    control = ints[Int.CONTROL]
    arrived, round_ = control + 8 * Control.ARRIVED, control + 8 * Control.ROUND
    now = load_atomic(round_)
    if add_atomic(arrived, 1) == threads - 1:
        store_atomic(arrived, 0)
        store_atomic(round_, now + 1)
        return
    spins = 0
    while load_atomic(round_) == now:
        spins += 1
        if spins > _SPINS:
            call_yield(ints[Int.YIELD])
