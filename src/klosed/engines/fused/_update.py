"""What is done with a tile of gradient while it is in the cache."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_name
from numba import njit, types
from numba.core import cgutils, config
from numba.extending import intrinsic

from klosed.engines.fused._compile import OPTIONS, variants
from klosed.engines.fused._intrinsics import size_of, view
from klosed.engines.fused._products import features
from klosed.engines.fused._tables import REALS, Real, Rule

__all__ = ["update"]

_DOUBLE = np.float64(0)
_LANES, _TINY = 16, 1.1754943508222875e-38
_ADAM, _SGD = int(Rule.ADAM), int(Rule.SGD)


@njit(**OPTIONS)
def _without_denormals(x: Any) -> Any:
    # Moments of weights whose gradient stays zero decay into numbers on which processors are slow.
    real = type(x)
    tiny = real(_TINY) if size_of(x) == 4 else real(2.2250738585072014e-308)
    return real(0) if abs(x) < tiny else x


def _has_estimates() -> bool:
    """Return True where AVX-512's estimates of root and quotient are faster than these themselves.

    Intel's processors take 24 cycles for both, AMD's half as many.
    """
    name = config.CPU_NAME or get_host_cpu_name()
    return "avx512f" in features() and not name.startswith("znver")


ESTIMATES = _has_estimates()


@intrinsic
def _adam_by_estimates(
    typing: Any,
    weights: Any,
    grads: Any,
    slot_1: Any,
    slot_2: Any,
    b1: Any,
    c1: Any,
    b2: Any,
    c2: Any,
    correction: Any,
    half: Any,
    epsilon: Any,
) -> Any:
    """Move 16 float32 weights by Adam's rule: w ← w + m / (√v · correction + ε).

    The sign and the size of a step are in what it is divided by; `half` is half the correction.
    Estimates of 14 binary digits, and a step of Newton's for each: r ← r + y (v − r²)/2 for r = v y
    and y of about 1/√v, y ← y (2 − x y) for 1/x. The processor makes denormal results zero.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places, numbers = args[:4], args[4:]
        vector = ir.VectorType(ir.FloatType(), _LANES)
        undefined, mask = ir.Constant(vector, ir.Undefined), ir.IntType(16)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES)

        def call(name: str, *operands: Any) -> Any:
            kind = ir.FunctionType(vector, [each.type for each in operands])
            function = cgutils.get_or_insert_function(builder.module, kind, name)
            return builder.call(function, operands)

        def fma(x: Any, y: Any, z: Any) -> Any:
            return call("llvm.fma.v16f32", x, y, z)

        def estimate(name: str, x: Any) -> Any:
            every = ir.Constant(mask, 0xFFFF)
            return call(f"llvm.x86.avx512.{name}.ps.512", x, undefined, every)

        def all_(value: float) -> Any:
            return ir.Constant(vector, [value] * _LANES)

        def everywhere(number: Any) -> Any:
            one = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
            return builder.shuffle_vector(one, undefined, zeros)

        w, g, a, v = (builder.inttoptr(place, vector.as_pointer()) for place in places)
        b1, c1, b2, c2, correction, half, epsilon = map(everywhere, numbers)
        grad = builder.load(g, align=4)
        first = fma(b1, builder.load(a, align=4), builder.fmul(c1, grad))
        square = builder.fmul(grad, grad)
        second = fma(b2, builder.load(v, align=4), builder.fmul(c2, square))
        builder.store(first, a, align=4)
        builder.store(second, v, align=4)
        least = all_(_TINY)
        is_less = builder.fcmp_ordered("<", second, least)
        above = builder.select(is_less, least, second)
        y = estimate("rsqrt14", above)
        root = builder.fmul(above, y)
        rest = fma(builder.fneg(root), root, above)
        below = fma(root, correction, epsilon)
        below = fma(rest, builder.fmul(half, y), below)
        y = estimate("rcp14", below)
        y = builder.fmul(y, fma(builder.fneg(below), y, all_(2.0)))
        builder.store(fma(first, y, builder.load(w, align=4)), w, align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4, *[types.float32] * 7), generate


# β v + (1 − β) g² must not become g² + β (v − g²), which loses what digits v has fewer
_IN_ORDER = OPTIONS | {"fastmath": {"contract"}}


@variants(options=_IN_ORDER)
def update(rule: int) -> Any:
    def update(
        weights: Any,
        grads: Any,
        slot_1: Any,
        slot_2: Any,
        n: Any,
        step: Any,
        reals: Any,
        one: Any,
    ) -> None:
        """Move n numbers along their gradients; `step` counts from 1."""
        real, bytes_ = type(one), size_of(one)
        reals = view(reals, REALS, _DOUBLE)
        rate, epsilon = reals[Real.LEARNING_RATE], real(reals[Real.EPSILON])
        beta_1, beta_2 = reals[Real.FIRST], reals[Real.SECOND]
        b1, c1, b2, c2 = real(beta_1), real(1 - beta_1), real(beta_2), real(1 - beta_2)
        correction = real(1 / math.sqrt(1 - beta_2**step))
        size = real(rate / (1 - beta_1**step))
        g, w = view(grads, n, one), view(weights, n, one)
        a, v = view(slot_1, n, one), view(slot_2, n, one)
        if rule == _ADAM:
            done = 0
            if ESTIMATES and bytes_ == 4:
                done, by = n - n % _LANES, -correction / size
                for at in range(0, done * 4, _LANES * 4):
                    _adam_by_estimates(
                        weights + at, grads + at, slot_1 + at, slot_2 + at, b1, c1, b2, c2, by,
                        by / real(2), -epsilon / size,
                    )  # fmt: skip
            for j in range(done, n):
                first = _without_denormals(b1 * a[j] + c1 * g[j])
                second = _without_denormals(b2 * v[j] + c2 * (g[j] * g[j]))
                a[j], v[j] = first, second
                w[j] -= size * (first / (np.sqrt(second) * correction + epsilon))
        elif rule == _SGD:
            for j in range(n):
                a[j] = _without_denormals(b1 * a[j] - real(rate) * g[j])
                w[j] += a[j]
        else:
            for j in range(n):
                a[j] += g[j] * g[j]
                w[j] -= real(rate) * g[j] / (np.sqrt(a[j]) + epsilon)

    return update
