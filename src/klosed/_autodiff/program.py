"""A recorded formula as a list of steps over registers, which threads run. Floor 0.

A register holds a short block of one operation's results, and is free again after its last reader.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed._autodiff.native import FIELDS, OPERANDS, address_of, runner
from klosed._autodiff.recording import Node, Recorded, Recording, Unrecordable

__all__ = ["Program", "program_of"]

Array = NDArray[Any]
Shape = tuple[int, ...]

# Bytes of a block of one array: ten or so fit the first-level cache.
_BLOCK_BYTES = 1 << 12
# Registers start this much after a multiple of it, or they would meet in the same places there.
_LINE = 64
# Numbers of an event, where events have an axis: fewer are not worth calling a loop for, and more
# leave the cache in any case.
_WIDTHS = range(64, 1 << 16)
_PIECES_A_THREAD = 8
# Loops of NumPy that are slow beside one number for all.
_SLOW = ("maximum", "minimum")


def program_of(
    f: Callable[..., Sequence[Any]], args: Sequence[tuple[Array, Shape]], size: int
) -> Program | None:
    """Return what f(*args) does, as a program; None where it does more than can be recorded.

    Each argument, given beside its event shape, has one axis of the batch or none before it.
    """
    dtype, *others = {a.dtype for a, _ in args}
    event, *other_events = {event for _, event in args if event} or {()}
    if others or other_events or dtype not in (np.float32, np.float64) or not dtype.isnative:
        return None
    if len(event) > 1 or (event and event[0] not in _WIDTHS):
        return None
    recording = Recording(dtype, size, event[0] if event else 1)
    try:
        runner()
        inputs = [recording.input(np.asarray(a, order="C"), e) for a, e in args]
        return Program(recording, f(*inputs), event)
    except Exception:  # no LLVM, or numbers are asked for: what is wrong shows where there are some
        return None


class Program:
    """Steps that make `results` of the inputs of a recording."""

    def __init__(self, recording: Recording, results: Sequence[Recorded], event: Shape) -> None:
        full = (recording.size,), (recording.size, *event)
        if any(r.shape not in full or r.dtype != recording.dtype for r in results):
            raise Unrecordable("results of another shape")
        for node in recording.nodes:
            if "->" in node.name:
                address_of(node.name.removeprefix("reduce "))
        self.results = results
        self._recording = recording
        # where events have an axis, each is a block
        self._block = 1 if event else _BLOCK_BYTES // recording.dtype.itemsize

    def run(
        self, outs: Sequence[Array], threads: int, share: Callable[[Callable[[], None]], None]
    ) -> None:
        """Fill an array for each result; share(walk) calls walk() on each of so many threads."""
        table = _Table(self._recording, self._block)
        steps, in_registers = table.filled(self.results, outs)
        size, run = self._recording.size, runner()
        pieces = _PIECES_A_THREAD * threads if threads > 1 else 1
        piece = -(-size // (pieces * self._block)) * self._block
        starts = iter(range(0, size, piece))  # hands out each to one thread

        def walk() -> None:
            memory = np.empty(table.memory + _LINE, dtype=np.uint8)
            own = steps.copy()
            own[in_registers] += -(-memory.ctypes.data // _LINE) * _LINE
            for start in starts:
                run(own.ctypes.data, len(own), start, min(start + piece, size), self._block)

        share(walk)


class _Table:
    """The rows of `native.runner`; addresses of registers are counted from 0."""

    def __init__(self, recording: Recording, block: int) -> None:
        self._nodes, self._width = list(recording.nodes), recording.width
        self._room = -(-block * recording.width * 8 // _LINE) * _LINE + _LINE
        self._rows: list[list[int]] = []
        self._in_registers: list[tuple[int, int]] = []
        self._arrays: dict[int, tuple[int, int]] = {}  # address, and bytes from event to event
        self._registers: dict[int, int] = {}
        self._blocks: dict[Any, Array] = {}
        self._free: list[int] = []
        self._count = 0

    @property
    def memory(self) -> int:
        """Bytes of all registers."""
        return self._count * self._room

    def filled(self, results: Sequence[Recorded], outs: Sequence[Array]) -> tuple[Array, Array]:
        """Return the rows, and where in them an address is that of a register."""
        needed = _needed(self._nodes, [r.index for r in results])
        last = {operand: i for i in needed for operand in self._nodes[i].operands}
        for i in needed:
            array = self._nodes[i].array
            if array is not None:
                self._lay(i, array)
        copies = []
        for result, out in zip(results, outs, strict=True):
            node = self._nodes[result.index]
            if result.index in self._arrays or node.wide != (out.ndim > 1):
                last[result.index] = len(self._nodes)
                copies.append((result.index, out))
            else:
                self._lay(result.index, out)
        for i in needed:
            if self._nodes[i].array is None:
                self._add(i, last)
        for i, out in copies:
            self._copy(i, out)
        where = np.zeros((len(self._rows), FIELDS), dtype=bool)
        where[tuple(np.array(self._in_registers, dtype=np.int64).reshape(-1, 2).T)] = True
        return np.array(self._rows, dtype=np.int64), where

    def _lay(self, i: int, array: Array) -> None:
        wide = self._nodes[i].wide
        per_event = array.dtype.itemsize * (self._width if wide else 1)
        self._arrays[i] = array.ctypes.data, per_event if array.ndim > wide else 0

    def _add(self, i: int, last: dict[int, int]) -> None:
        node = self._nodes[i]
        done = [v for v in set(node.operands) if last[v] == i and v in self._registers]
        if i not in self._arrays:
            self._registers[i] = self._register(node, done)
        kind, _, types = node.name.partition(" ")
        if kind == "reduce":
            start, x = node.operands
            same = "logical_or" if node.dtype == np.bool_ else "maximum"
            self._emit(f"{same} {types.partition(' ')[2]}", False, start, start, i)
            self._emit(types, True, i, x, i)
        else:
            self._emit(node.name, node.wide or kind in ("argmax", "take"), *node.operands, i)
        self._free += [self._registers[v] for v in done]

    def _register(self, node: Node, done: list[int]) -> int:
        """Return a register for a node, taken out of `done` where an operand's can be its own."""
        if "->" in node.name and not node.name.startswith("reduce"):
            for v in done:
                if (self._nodes[v].dtype, self._nodes[v].wide) == (node.dtype, node.wide):
                    done.remove(v)
                    return self._registers[v]
        if self._free:
            return self._free.pop()
        self._count += 1
        return self._count - 1

    def _copy(self, i: int, out: Array) -> None:
        """Have an input, a constant or a result that is there already copied: times one."""
        code, wide = out.dtype.char, out.ndim > 1
        one = np.ones((), dtype=out.dtype)
        places = []
        for name, array in (("constant", one), ("output", out)):
            places.append(len(self._nodes))
            self._nodes.append(Node(name, (), out.dtype, wide and name == "output", array))
            self._lay(places[-1], array)
        self._emit(f"multiply {code}{code}->{code}", wide, i, *places)

    def _emit(self, name: str, wide: bool, *operands: int) -> None:
        row = [0] * FIELDS
        row[2] = self._width if wide else 1
        for k, v in enumerate(operands, start=4):
            node = self._nodes[v]
            if node.array is not None and node.name == "constant" and name.startswith(_SLOW):
                row[k], row[k + 2 * OPERANDS] = self._repeated(node.array), node.dtype.itemsize
                continue
            if v in self._arrays:
                row[k], row[k + OPERANDS] = self._arrays[v]
            else:
                row[k] = self._registers[v] * self._room
                self._in_registers.append((len(self._rows), k))
            if node.name != "constant" and (node.wide or not wide):
                row[k + 2 * OPERANDS] = node.dtype.itemsize
        moves = ""
        if name.startswith("select"):
            moves = "".join(["1" if s else "0" for s in row[4 + 2 * OPERANDS :][:3]])
        row[0], row[1] = address_of(name, moves)
        self._rows.append(row)

    def _repeated(self, number: Array) -> int:
        """Return the address of a block of one number."""
        key = number.dtype, number.tobytes()
        if key not in self._blocks:
            self._blocks[key] = np.full(self._room // number.dtype.itemsize, number)
        return self._blocks[key].ctypes.data


def _needed(nodes: Sequence[Node], results: Sequence[int]) -> list[int]:
    """Return what the results are made of, in order."""
    wanted = set(results)
    for i in range(len(nodes) - 1, -1, -1):
        if i in wanted:
            wanted.update(nodes[i].operands)
    return sorted(wanted)
