"""The rule that moves weights, beside its formula in twice as many digits."""

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed.engines.fused._network import address
from klosed.engines.fused._tables import Real, Rule
from klosed.engines.fused._update import update


@pytest.mark.parametrize(("dtype", "digits"), [(np.float32, 24), (np.float64, 53)])
@pytest.mark.parametrize("n", [5, 16, 1000])
def test_adam_to_a_few_units_in_the_last_place(n, dtype, digits):
    rng = np.random.default_rng(n)
    grads, first, scale = (10.0 ** rng.uniform(-12, 4, n) for _ in range(3))
    second = scale * scale
    for array in (grads, first, second):
        array[::7] = 0  # a pixel that is always black: no step, and no NaN
    sign = rng.choice([-1, 1], n)  # one for both: their sum loses nothing
    given = [np.ascontiguousarray(a, dtype) for a in (sign * grads, sign * first, second)]
    exact = [a.astype(np.longdouble) for a in given]
    weights, step, rate, b1, b2, epsilon = np.zeros(n, dtype), 5, 1e-3, 0.9, 0.999, 1e-8
    reals = np.zeros(len(Real))
    reals[[Real.LEARNING_RATE, Real.FIRST, Real.SECOND, Real.EPSILON]] = rate, b1, b2, epsilon
    update.function(dtype, Rule.ADAM)(
        address(weights), *(address(a) for a in given), n, step, address(reals), 1
    )
    m = b1 * exact[1] + (1 - np.longdouble(b1)) * exact[0]
    v = b2 * exact[2] + (1 - np.longdouble(b2)) * exact[0] ** 2
    corrected = np.sqrt(v) / np.sqrt(1 - np.longdouble(b2) ** step)
    expected = -rate / (1 - np.longdouble(b1) ** step) * m / (corrected + epsilon)
    rtol = 12 * 2.0**-digits
    for got, wanted in zip(given[1:], (m, v), strict=True):
        np.testing.assert_allclose(got, wanted.astype(np.float64), rtol=rtol, atol=0)
    rtol = max(rtol, 1e-13)  # 1 − β₂⁵ loses digits
    np.testing.assert_allclose(weights, expected.astype(np.float64), rtol=rtol, atol=0)
