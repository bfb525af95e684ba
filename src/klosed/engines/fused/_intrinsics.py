"""What Numba does not offer: pointers from addresses, atomics, BLAS calls, flush-to-zero.

Every address is an argument, so that compiled code can be kept on disk.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from klosed.engines.fused._wholes import wholes_at

__all__ = [
    "add_atomic",
    "bits_of",
    "call_gemm",
    "call_yield",
    "clock",
    "copy_some",
    "float_of",
    "flush_to_zero",
    "grid",
    "halves_of_product",
    "load_atomic",
    "prefetch",
    "restore_flags",
    "size_of",
    "store_atomic",
    "view",
]

_IS_X86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
_FLUSH_AND_DENORMALS_ARE_ZERO = 0x8040
_I32, _I64 = ir.IntType(32), ir.IntType(64)


def _fill(*args: Any, **fields: Any) -> None:
    """Set the fields of an array, by what only a process that compiles need import."""
    from numba.np.arrayobj import populate_array

    populate_array(*args, **fields)


@intrinsic
def view(typing: Any, address: Any, n: Any, like: Any) -> Any:
    """Return the n numbers at `address`, of the type of `like`, as an array that owns nothing.

    int64, as tables hold, is not quite an array: see `_wholes`.
    """
    if like == types.int64:
        return wholes_at(n)
    kind = types.Array(like, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(kind)(context, builder)
        size = ir.Constant(_I64, like.bitwidth // 8)
        _fill(
            array,
            data=builder.inttoptr(args[0], array.data.type),
            shape=(args[1],),
            strides=(size,),
            itemsize=size,
            meminfo=None,
        )
        return array._getvalue()

    return kind(types.int64, types.int64, like), generate


@intrinsic
def grid(typing: Any, address: Any, rows: Any, columns: Any, like: Any) -> Any:
    """Return the matrix of so many numbers at `address`, as an array that owns nothing."""
    if like == types.int64:
        return wholes_at(rows, columns)
    kind = types.Array(like, 2, "C")

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(kind)(context, builder)
        size = ir.Constant(_I64, like.bitwidth // 8)
        _fill(
            array,
            data=builder.inttoptr(args[0], array.data.type),
            shape=(args[1], args[2]),
            strides=(builder.mul(args[2], size), size),
            itemsize=size,
            meminfo=None,
        )
        return array._getvalue()

    return kind(types.int64, types.int64, types.int64, like), generate


@intrinsic
def size_of(typing: Any, like: Any) -> Any:
    """Return the bytes that a number of the type of `like` takes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(_I64, like.bitwidth // 8)

    return types.int64(like), generate


def copy_some(count: int) -> Any:
    """Return a function that copies `count` numbers of the type of `like` to another address.

    Of a loop a compiler makes as many moves, because the two might overlap.
    """

    @intrinsic
    def copy(typing: Any, at: Any, to: Any, like: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = ir.VectorType(context.get_value_type(like), count).as_pointer()
            align = like.bitwidth // 8
            numbers = builder.load(builder.inttoptr(args[0], vector), align=align)
            builder.store(numbers, builder.inttoptr(args[1], vector), align=align)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, like), generate

    return copy


@intrinsic
def bits_of(typing: Any, number: Any) -> Any:
    """Return the bits of a float as the integer of its width."""
    to = {types.float32: types.int32, types.float64: types.int64}[number]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(to))

    return to(number), generate


@intrinsic
def float_of(typing: Any, bits: Any) -> Any:
    """Return the float whose bits are the integer of its width."""
    to = {types.int32: types.float32, types.int64: types.float64}[bits]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(to))

    return to(bits), generate


@intrinsic
def halves_of_product(typing: Any, a: Any, b: Any) -> Any:
    """Return the upper and the lower half of the product of two uint64, of one multiplication."""
    pair, wide = types.UniTuple(types.uint64, 2), ir.IntType(128)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product = builder.mul(*(builder.zext(value, wide) for value in args))
        upper = builder.lshr(product, ir.Constant(wide, 64))
        halves = [builder.trunc(part, _I64) for part in (upper, product)]
        return context.make_tuple(builder, pair, halves)

    return pair(types.uint64, types.uint64), generate


@intrinsic
def add_atomic(typing: Any, address: Any, amount: Any) -> Any:
    """Add to the int64 at `address` and return what it was."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = builder.inttoptr(args[0], _I64.as_pointer())
        return builder.atomic_rmw("add", target, args[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@intrinsic
def load_atomic(typing: Any, address: Any) -> Any:
    """Return the int64 at `address`, and see all that was written before it was."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = builder.inttoptr(args[0], _I64.as_pointer())
        return builder.load_atomic(source, "acquire", 8, typ=_I64)

    return types.int64(types.int64), generate


@intrinsic
def store_atomic(typing: Any, address: Any, value: Any) -> Any:
    """Write the int64 at `address` after all that was written before."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = builder.inttoptr(args[0], _I64.as_pointer())
        builder.store_atomic(args[1], target, "release", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def prefetch(typing: Any, address: Any) -> Any:
    """Have the cache line at `address` fetched, to be read soon."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.inttoptr(args[0], ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type, _I32, _I32, _I32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        read, near, data = (ir.Constant(_I32, value) for value in (0, 2, 1))
        builder.call(function, [place, read, near, data])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def call_yield(typing: Any, address: Any) -> Any:
    """Call the system's function at `address` that lets another thread run."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = builder.inttoptr(args[0], ir.FunctionType(_I32, []).as_pointer())
        builder.call(function, [])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def clock(typing: Any) -> Any:
    """Return a time in units of the processor's; 0 where a program may not ask for it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if not _IS_X86:
            return ir.Constant(_I64, 0)
        kind = ir.FunctionType(_I64, [])
        name = "llvm.readcyclecounter"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])

    return types.int64(), generate


@intrinsic
def call_gemm(
    typing: Any,
    function: Any,
    transpose_a: Any,
    transpose_b: Any,
    m: Any,
    n: Any,
    k: Any,
    alpha: Any,
    a: Any,
    lda: Any,
    b: Any,
    ldb: Any,
    beta: Any,
    c: Any,
    ldc: Any,
) -> Any:
    """Call BLAS: C ← α op(A) op(B) + β C, column-major, matrices by address.

    `transpose_a` and `transpose_b` are character codes; the type of `alpha` and `beta` says
    whether `function` is sgemm or dgemm.
    """
    integers, floats = types.int64, alpha

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc = args
        real = context.get_value_type(floats)

        def place(value: Any) -> Any:
            return cgutils.alloca_once_value(builder, value)

        def letter(code: Any) -> Any:
            return place(builder.trunc(code, ir.IntType(8)))

        def count(value: Any) -> Any:
            return place(builder.trunc(value, _I32))

        def matrix(address: Any) -> Any:
            return builder.inttoptr(address, real.as_pointer())

        values = [
            letter(transpose_a),
            letter(transpose_b),
            count(m),
            count(n),
            count(k),
            place(alpha),
            matrix(a),
            count(lda),
            matrix(b),
            count(ldb),
            place(beta),
            matrix(c),
            count(ldc),
        ]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
        builder.call(builder.inttoptr(function, kind.as_pointer()), values)
        return context.get_dummy_value()

    return (
        types.void(
            integers,
            integers,
            integers,
            integers,
            integers,
            integers,
            floats,
            integers,
            integers,
            integers,
            integers,
            floats,
            integers,
            integers,
        ),
        generate,
    )


def _x86(builder: Any, name: str, place: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [place.type])
    builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [place])


@intrinsic
def flush_to_zero(typing: Any) -> Any:
    """Make this thread take denormal numbers for zero, where x86; return the flags as they were."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if not _IS_X86:
            return ir.Constant(_I32, 0)
        place = cgutils.alloca_once(builder, _I32)
        bytes_ = builder.bitcast(place, ir.IntType(8).as_pointer())
        _x86(builder, "llvm.x86.sse.stmxcsr", bytes_)
        before = builder.load(place)
        builder.store(builder.or_(before, ir.Constant(_I32, _FLUSH_AND_DENORMALS_ARE_ZERO)), place)
        _x86(builder, "llvm.x86.sse.ldmxcsr", bytes_)
        return before

    return types.int32(), generate


@intrinsic
def restore_flags(typing: Any, flags: Any) -> Any:
    """Undo `flush_to_zero`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if _IS_X86:
            place = cgutils.alloca_once_value(builder, args[0])
            bytes_ = builder.bitcast(place, ir.IntType(8).as_pointer())
            _x86(builder, "llvm.x86.sse.ldmxcsr", bytes_)
        return context.get_dummy_value()

    return types.void(types.int32), generate
