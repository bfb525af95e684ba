"""Formulas recorded and run as programs, against NumPy and mpmath."""

import mpmath
import numpy as np
import pytest

import klosed
from klosed._autodiff import blocks, native, program
from klosed._autodiff.program import program_of
from klosed._autodiff.recording import Recording, Unrecordable

pytest.importorskip("llvmlite")  # comes with the extra "fast"

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
rng = np.random.default_rng(3)


def run(f, *args, event=()):
    """Return f(*args) by a program; each argument is of (size,) + event, or one number."""
    size = args[0].shape[0]
    made = program_of(f, [(np.asarray(a), event if np.ndim(a) else ()) for a in args], size)
    assert made is not None
    outs = [np.empty(r.shape, r.dtype) for r in made.results]
    made.run(outs, 1, lambda walk: walk())
    return outs


def numbers(dtype, *shape):
    """Numbers of both signs, with a NaN, infinities and zeros of both signs in places."""
    x = rng.normal(size=shape).astype(dtype)
    x.flat[[1, 5, 7, 11, 13]] = np.nan, np.inf, -np.inf, 0.0, -0.0
    return x


# one more than some blocks, so that the last one is short
SIZE = 3 * program._BLOCK_BYTES // 4 + 1


@DTYPES
@pytest.mark.parametrize(
    "f",
    [
        lambda xp, x, y: x + y * 2.0 - 1.0 / (3.0 - y),
        lambda xp, x, y: xp.exp(-xp.abs(x)) ** 2 + xp.log1p(xp.abs(y)) ** 0.5,
        lambda xp, x, y: xp.where((x > y) | ~(x <= 0.5), x, -y),
        lambda xp, x, y: xp.where(x == y, 1.0, xp.where(x != x, x, y)),
        lambda xp, x, y: xp.clip(x, min=-0.5, max=0.5) + xp.maximum(x, y) + xp.minimum(y, 0.25),
        lambda xp, x, y: xp.astype(x >= 0.0, x.dtype) - xp.astype(True & (y < x), x.dtype),
        lambda xp, x, y: xp.zeros_like(x) + xp.full_like(y, 2.5) * xp.sqrt(xp.abs(x)),
        lambda xp, x, y: xp.broadcast_to(y, x.shape),
        lambda xp, x, y: xp.where(x > y, -0.0, 0.0) * xp.maximum(xp.abs(x), 1.0),
    ],
)
def test_a_program_gives_the_bits_that_numpy_gives(f, dtype):
    x, y = numbers(dtype, SIZE), numbers(dtype, SIZE)[::-1]
    for second in (y, np.asarray(0.75, dtype=dtype)):
        with np.errstate(all="ignore"):
            wanted = f(np, x, second)
        (got,) = run(lambda x, y: [f(x.__array_namespace__(), x, y)], x, second)
        np.testing.assert_array_equal(got, wanted)
        some = ~np.isnan(got)
        np.testing.assert_array_equal(np.signbit(got)[some], np.signbit(wanted)[some])


@DTYPES
def test_reductions_over_an_event_are_those_of_numpy(dtype):
    x = rng.normal(size=(7, 131)).astype(dtype)
    x[2, 5] = x[2, 90] = 9.0
    x[3] = x[3, 0]

    def f(x):
        xp = x.__array_namespace__() if hasattr(x, "recording") else np
        total = xp.sum(x, axis=-1, keepdims=True)
        top, low = xp.max(x, axis=-1, keepdims=True), xp.min(x, axis=-1)
        at = xp.take_along_axis(-x, xp.argmax(x, axis=-1, keepdims=True), axis=-1)
        positive, negative = xp.any(x > 2.5, axis=-1), xp.all(x < 2.5, axis=-1)
        twice = 2.0 * total
        quotient = x / twice - top
        # more at once than there are registers free
        many = [x + float(k) for k in range(1, 9)]
        while len(many) > 1:
            many = [a * b for a, b in zip(many[::2], many[1::2], strict=True)]
        return [
            total[..., 0], low, at[..., 0], quotient, xp.broadcast_to(twice, x.shape), *many,
            xp.where(positive, 1.0, 0.0), xp.where(negative[..., None], x, 0.5 * x),
        ]  # fmt: skip

    for got, wanted in zip(run(f, x, event=(131,)), f(x), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_results_may_be_inputs_constants_and_one_another():
    x = rng.normal(size=SIZE)
    twice = 2.0 * x
    got = run(lambda x: [x, (y := 2.0 * x), y, x.__array_namespace__().ones_like(x), y - y + x], x)
    for g, wanted in zip(got, (x, twice, twice, np.ones(SIZE), x), strict=True):
        np.testing.assert_array_equal(g, wanted)


def test_equal_operations_are_kept_once():
    recording = Recording(np.dtype(np.float64), 4, 1)
    x = recording.input(np.arange(4.0), ())
    assert ((x + 1.0) * (1.0 + x)).index == ((1.0 + x) * (x + 1.0)).index
    assert (x - 1.0).index != (1.0 - x).index
    # of constants, only the result
    assert len(recording.nodes) == len(["x", "1", "x + 1", "square", "x - 1", "1 - x"])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x.__array_namespace__().any(x > 0) else -x,
        lambda x: x if x[0] > 0 else -x,
        lambda x: np.linalg.norm(x) * x,
        lambda x: np.arange(4.0) + x,
        lambda x: float(x) + x,
        lambda x: [x][int(x)],
    ],
)
def test_what_takes_numbers_is_not_recorded(f):
    with pytest.raises((Unrecordable, TypeError)):
        f(Recording(np.dtype(np.float64), 4, 1).input(np.arange(4.0), ()))


def large(family, dtype=np.float64):
    """Return q and p of so many numbers that they are walked in blocks."""
    n = blocks._BLOCK_BYTES // 4 + 1077
    logits = (n // 500, 500) if family == "Categorical" else n
    parameters = {
        "Normal": lambda: {"loc": rng.normal(size=n), "scale": rng.uniform(0.5, 2, n)},
        "Gamma": lambda: {k: rng.uniform(0.5, 5, n) for k in ("concentration", "rate")},
        "Bernoulli": lambda: {"logits": rng.normal(size=n)},
        "Categorical": lambda: {"logits": rng.normal(size=logits)},
    }[family]
    made = ({k: v.astype(dtype) for k, v in parameters().items()} for _ in range(2))
    return [getattr(klosed, family)(**given) for given in made]


def flat(value, *gradients):
    return [value, *(g for of_one in gradients for g in of_one.values())]


@DTYPES
@pytest.mark.parametrize("family", ["Normal", "Bernoulli", "Gamma", "Categorical"])
def test_programs_and_walks_over_numbers_agree(family, dtype, monkeypatch):
    q, p = large(family, dtype)
    programs = []

    def noted(*args):
        programs.append(program_of(*args))
        return programs[-1]

    monkeypatch.setattr(blocks, "program_of", noted)
    monkeypatch.setattr(blocks, "_threads", lambda: 2)
    recorded = flat(*klosed.kl_value_and_grad(q, p))
    assert len(programs) == 1
    assert programs[0] is not None
    monkeypatch.setattr(blocks, "program_of", lambda *_: None)
    walked = flat(*klosed.kl_value_and_grad(q, p))
    eps = np.finfo(dtype).eps
    for got, wanted in zip(recorded, walked, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=8 * eps, atol=32 * eps * np.abs(wanted).max())


@pytest.mark.parametrize("missing", ["llvm", "loops"])
def test_without_llvm_numbers_are_walked(missing, monkeypatch):
    def gone(*_):
        raise ImportError(missing)

    q, p = large("Normal")
    wanted = flat(*klosed.kl_value_and_grad(q, p))
    native.runner.cache_clear()
    monkeypatch.setattr(native, "_compiler" if missing == "llvm" else "address_of", gone)
    for got, value in zip(flat(*klosed.kl_value_and_grad(q, p)), wanted, strict=True):
        np.testing.assert_allclose(got, value, rtol=1e-15)
    with pytest.raises(ImportError, match=missing):
        native.runner()


def test_moved_loops_of_numpy_are_noticed(monkeypatch):
    """A NumPy whose ufuncs look otherwise in memory must not be called into."""
    shifted = type("_Ufunc", (native.ctypes.Structure,), {
        "_fields_": (("more", native.ctypes.c_int), *native._Ufunc._fields_)
    })  # fmt: skip
    monkeypatch.setattr(native, "_Ufunc", shifted)
    with pytest.raises(ImportError, match="elsewhere"):
        native.address_of.__wrapped__("add dd->d")


@pytest.mark.parametrize("noise", [1.0, 1e-6, 1e-12])
def test_a_program_of_many_categories_keeps_the_digits(noise):
    a = rng.normal(size=(3, 128))
    b = a + noise * rng.normal(size=a.shape)
    q, p = klosed.Categorical(logits=a), klosed.Categorical(logits=b)
    from klosed.divergences._functions import _kl_form

    form, arrays = _kl_form(q, p)

    def both(*args):
        value, gradients = form.both(*args)
        return [value, *(g() if callable(g) else g for g in gradients)]

    value, of_a, of_b = run(both, *arrays, event=(128,))
    with mpmath.workdps(60):
        for i in range(3):
            x, y = ([mpmath.mpf(float(v)) for v in row[i]] for row in (a, b))
            weights, others = ([mpmath.exp(v) for v in row] for row in (x, y))
            pi, rho = ([w / mpmath.fsum(ws) for w in ws] for ws in (weights, others))
            log = [mpmath.log(s / t) for s, t in zip(pi, rho, strict=True)]
            kl = mpmath.fsum(s * v for s, v in zip(pi, log, strict=True))
            assert abs(value[i] / kl - 1) < 64 * np.finfo(float).eps
            slope_a = [s * (v - kl) for s, v in zip(pi, log, strict=True)]
            slope_b = [t - s for s, t in zip(pi, rho, strict=True)]
            for got, true in ((of_a[i], slope_a), (of_b[i], slope_b)):
                size = max(map(abs, true))
                assert max(abs(g - t) for g, t in zip(got, true, strict=True)) < 1e-12 * size
