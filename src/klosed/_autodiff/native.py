"""NumPy's inner loops, called one after another without the interpreter. Floor 0: no imports.

A ufunc holds a table of loops over raw memory. A function of forty lines, which LLVM translates in
a hundredth of a second, calls a list of them on one short block after another: in the first-level
cache, and without the interpreter's lock. LLVM comes with Numba, in the extra "fast".
"""

from __future__ import annotations

import ctypes
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

__all__ = ["FIELDS", "OPERANDS", "address_of", "runner"]

# One step: a loop's address, its data, how many numbers an event has, nothing; then for each
# operand its address, by how many bytes it moves an event, and by how many from number to number.
OPERANDS = 4
FIELDS = 4 + 3 * OPERANDS

_RUN = """
define void @run(ptr %steps, i64 %count, i64 %first, i64 %last, i64 %block) {
entry:
  %args = alloca [4 x ptr]
  %dims = alloca i64
  br label %block_top
block_top:
  %at = phi i64 [ %first, %entry ], [ %next, %block_end ]
  %more = icmp slt i64 %at, %last
  br i1 %more, label %begin, label %done
begin:
  %left = sub i64 %last, %at
  %whole = icmp slt i64 %block, %left
  %events = select i1 %whole, i64 %block, i64 %left
  br label %step
step:
  %i = phi i64 [ 0, %begin ], [ %i_next, %call ]
  %fields = getelementptr [16 x i64], ptr %steps, i64 %i
  br label %operand
operand:
  %k = phi i64 [ 0, %step ], [ %k_next, %operand ]
  %home = getelementptr [16 x i64], ptr %fields, i64 0, i64 4
  %start_at = getelementptr i64, ptr %home, i64 %k
  %start = load i64, ptr %start_at
  %moves = getelementptr [16 x i64], ptr %fields, i64 0, i64 8
  %move_at = getelementptr i64, ptr %moves, i64 %k
  %move = load i64, ptr %move_at
  %moved = mul i64 %move, %at
  %address = add i64 %start, %moved
  %slot = getelementptr [4 x ptr], ptr %args, i64 0, i64 %k
  store i64 %address, ptr %slot
  %k_next = add i64 %k, 1
  %others = icmp slt i64 %k_next, 4
  br i1 %others, label %operand, label %call
call:
  %loop = load ptr, ptr %fields
  %data_at = getelementptr [16 x i64], ptr %fields, i64 0, i64 1
  %data = load ptr, ptr %data_at
  %width_at = getelementptr [16 x i64], ptr %fields, i64 0, i64 2
  %width = load i64, ptr %width_at
  %n = mul i64 %events, %width
  store i64 %n, ptr %dims
  %strides = getelementptr [16 x i64], ptr %fields, i64 0, i64 12
  call void %loop(ptr %args, ptr %dims, ptr %strides, ptr %data)
  %i_next = add i64 %i, 1
  %steps_left = icmp slt i64 %i_next, %count
  br i1 %steps_left, label %step, label %block_end
block_end:
  %next = add i64 %at, %block
  br label %block_top
done:
  ret void
}
"""
# What NumPy has no ufunc for, in the form of its loops; a letter of {moves} is 0 where an operand
# is one number for all.
_SELECT = """
define void @{name}(ptr %args, ptr %dims, ptr %strides, ptr %data) {{
entry:
  %n = load i64, ptr %dims
  %condition = load ptr, ptr %args
  %a_at = getelementptr [4 x ptr], ptr %args, i64 0, i64 1
  %a = load ptr, ptr %a_at
  %b_at = getelementptr [4 x ptr], ptr %args, i64 0, i64 2
  %b = load ptr, ptr %b_at
  %out_at = getelementptr [4 x ptr], ptr %args, i64 0, i64 3
  %out = load ptr, ptr %out_at
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %i0 = mul i64 %i, {moves[0]}
  %i1 = mul i64 %i, {moves[1]}
  %i2 = mul i64 %i, {moves[2]}
  %c_at = getelementptr i8, ptr %condition, i64 %i0
  %c = load i8, ptr %c_at
  %holds = icmp ne i8 %c, 0
  %x_at = getelementptr {type}, ptr %a, i64 %i1
  %x = load {type}, ptr %x_at
  %y_at = getelementptr {type}, ptr %b, i64 %i2
  %y = load {type}, ptr %y_at
  %z = select i1 %holds, {type} %x, {type} %y
  %z_at = getelementptr {type}, ptr %out, i64 %i
  store {type} %z, ptr %z_at
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret void
}}
"""
_ARGMAX = """
define void @{name}(ptr %args, ptr %dims, ptr %strides, ptr %data) {{
entry:
  %n = load i64, ptr %dims
  %top_at = load ptr, ptr %args
  %top = load {type}, ptr %top_at
  %x_slot = getelementptr [4 x ptr], ptr %args, i64 0, i64 1
  %x = load ptr, ptr %x_slot
  %out_slot = getelementptr [4 x ptr], ptr %args, i64 0, i64 2
  %out = load ptr, ptr %out_slot
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %onward ]
  %v_at = getelementptr {type}, ptr %x, i64 %i
  %v = load {type}, ptr %v_at
  %found = fcmp oeq {type} %v, %top
  br i1 %found, label %done, label %onward
onward:
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  %where = phi i64 [ %i, %loop ], [ 0, %onward ]
  store i64 %where, ptr %out
  ret void
}}
"""
_TAKE = """
define void @{name}(ptr %args, ptr %dims, ptr %strides, ptr %data) {{
  %where_at = load ptr, ptr %args
  %where = load i64, ptr %where_at
  %x_slot = getelementptr [4 x ptr], ptr %args, i64 0, i64 1
  %x = load ptr, ptr %x_slot
  %out_slot = getelementptr [4 x ptr], ptr %args, i64 0, i64 2
  %out = load ptr, ptr %out_slot
  %v_at = getelementptr {type}, ptr %x, i64 %where
  %v = load {type}, ptr %v_at
  store {type} %v, ptr %out
  ret void
}}
"""
_KERNELS = {"select": _SELECT, "argmax": _ARGMAX, "take": _TAKE}
_TYPES = {"f": "float", "d": "double"}


class _Ufunc(ctypes.Structure):
    """The beginning of PyUFuncObject, as in NumPy's ufuncobject.h."""

    _fields_ = (
        ("head", ctypes.c_byte * object.__basicsize__),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_size_t)),
        ("data", ctypes.POINTER(ctypes.c_size_t)),
        ("ntypes", ctypes.c_int),
    )


class _Compiler:
    """LLVM for this processor; everything it translates stays."""

    def __init__(self) -> None:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._llvm = llvm
        target = llvm.Target.from_default_triple()
        self._machine = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
        )
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._machine)

    def address(self, name: str, source: str) -> int:
        """Return the address of the function `name` of some LLVM assembly."""
        llvm = self._llvm
        module = llvm.parse_assembly(source)
        module.triple = self._machine.triple
        module.data_layout = str(self._machine.target_data)
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization = True
        builder = llvm.create_pass_builder(self._machine, options)
        builder.getModulePassManager().run(module, builder)
        self._engine.add_module(module)
        self._engine.finalize_object()
        return int(self._engine.get_function_address(name))


_LOCK = Lock()


def _compiler() -> _Compiler:
    with _LOCK:  # a second one would take what it has translated with it
        return _one_compiler()


@cache
def _one_compiler() -> _Compiler:
    return _Compiler()


@cache
def runner() -> Any:
    """Return run(steps, count, first, last, block): `count` steps on each block of events.

    It lets go of the interpreter's lock. ImportError where there is no LLVM, or another NumPy.
    """
    address_of("add dd->d")
    kinds = [ctypes.c_void_p] + [ctypes.c_int64] * 4
    return ctypes.CFUNCTYPE(None, *kinds)(_compiler().address("run", _RUN))


@cache
def address_of(name: str, moves: str = "") -> tuple[int, int]:
    """Return the address of a loop, "add dd->d" or "select d", and of the data it wants.

    `moves`, for "select", has a 0 for each operand that is one number for all, else a 1.
    """
    kind, _, types = name.partition(" ")
    if kind in _KERNELS:
        unique = f"{kind}_{types}_{moves}"
        source = _KERNELS[kind].format(name=unique, type=_TYPES[types], moves=moves)
        return _compiler().address(unique, source), 0
    ufunc = getattr(np, kind)
    table = _Ufunc.from_address(id(ufunc))
    told = (table.nin, table.nout, table.nargs, table.ntypes)
    if told != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        raise ImportError("NumPy keeps its loops elsewhere")
    at = ufunc.types.index(types)
    if not (table.functions and table.functions[at]):
        raise ImportError(f"no loop of {name}")
    return table.functions[at], table.data[at] if table.data else 0
