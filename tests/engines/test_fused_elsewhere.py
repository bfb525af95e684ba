"""Other machines, imitated: no AVX-512, no OpenBLAS of our own, one processor, no Numba."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("numba")

import joblib
from numba import njit
from threadpoolctl import threadpool_info

from klosed import VAESpec
from klosed.engines.fused import FusedEngine, _compile, _job, blas
from klosed.engines.fused._intrinsics import view
from klosed.engines.fused._tables import How, Kind, Rule
from klosed.engines.reference import ReferenceEngine

SPEC = VAESpec(6, 2, (8,))


def test_our_copy_takes_its_kernel_and_leaves_everything_else_alone(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    before, libraries = dict(os.environ), threadpool_info()
    found = blas._private_openblas()
    if found is None:
        pytest.skip("scipy-openblas32 is not installed")
    assert found.kernel
    assert (found.kernel == "SkylakeX") == (blas.best_kernel() == "SkylakeX")
    assert dict(os.environ) == before
    assert [each for each in threadpool_info() if each in libraries] == libraries
    assert "scipy_openblas32" not in sys.modules


def test_the_kernel_follows_the_processor(monkeypatch):
    everything = dict.fromkeys(blas._AVX512, True)
    for features, kernel in (
        (everything, "SkylakeX"),
        (everything | {"avx512vl": False}, None),
        ({"neon": True}, None),
    ):
        monkeypatch.setattr("llvmlite.binding.get_host_cpu_features", lambda f=features: f)
        assert blas.best_kernel() == kernel


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scipys_blas_does_as_well(monkeypatch, dtype):
    monkeypatch.setattr(blas.importlib.util, "find_spec", lambda name: None)
    scipys = blas._private_openblas() or blas._scipys()
    assert not scipys.is_private
    monkeypatch.setattr(_job, "load_blas", lambda: scipys)
    monkeypatch.setattr(_job, "_OPERATIONS_A_THREAD", 1)
    rng = np.random.default_rng(0)
    x, noise = rng.random((9, 6)).astype(dtype), rng.normal(size=(9, 2)).astype(dtype)
    params = ReferenceEngine(SPEC).init(0, dtype)
    loss, grads = FusedEngine(SPEC, threads=2).loss_and_grad(params, x, noise)
    expected, expected_grads = ReferenceEngine(SPEC).loss_and_grad(params, x, noise)
    eps = 50 * float(np.finfo(dtype).eps)
    assert loss == pytest.approx(expected, rel=eps)
    for name, grad in expected_grads.items():
        np.testing.assert_allclose(grads[name], grad, rtol=0, atol=eps * np.abs(grad).max())


def test_a_product_is_measured():
    assert blas.load_blas().sgemm_gflops(64, repeats=1) > 0


def test_one_processor(monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 1)
    assert FusedEngine(SPEC).threads == 1


PART = """
from klosed.engines.fused._compile import part
from klosed.engines.fused._intrinsics import view

@part()
def add(at, one):
    view(at, 1, one)[0] += one
"""


def part_of(folder):
    """Return a part, from a file of its own, that adds 1 to the number at an address."""
    source, scope = folder / "made.py", {"__name__": __name__}  # of a module to import
    source.write_text(PART)
    exec(compile(source.read_text(), str(source), "exec"), scope)
    return scope["add"]


def runs(part, dtype=np.float64):
    number = np.array([1], dtype)
    part.function(dtype)(number.ctypes.data, 1)
    return number[0]


def test_without_a_folder_to_keep_compiled_code_in(tmp_path, monkeypatch):
    def without_folders(made):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(_compile._Kept, "enable_caching", without_folders)
    assert runs(part_of(tmp_path)) == 2


def test_code_that_calls_functions_made_in_a_process_is_found_again_in_others(
    tmp_path, monkeypatch
):
    """Its closure holds them, and they are never the same."""
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))

    def make(more):
        @njit
        def plus(number):
            return number + more

        def closing(at, one):
            numbers = view(at, 1, one)
            numbers[0] = plus(numbers[0])

        return closing

    hits = []
    for _ in range(2):
        part = _compile.variants()(make)
        number = np.array([1.0])
        part.function(np.float64, 4)(number.ctypes.data, 1)
        assert number[0] == 5
        hits += [each.cache_hits for each in part._made.values()]
    assert hits == [0, 1]


def test_a_package_that_cannot_be_written_to_keeps_its_code_with_the_user(tmp_path, monkeypatch):
    package, home = tmp_path / "package", tmp_path / "home"
    package.mkdir()
    (package / "__pycache__").touch()  # a file: nothing can be kept there, even by root
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("numba.core.config.CACHE_DIR", "")
    first = part_of(package)
    assert runs(first) == 2
    if sys.platform == "linux":
        assert first.folder(np.float64).startswith(str(home))
    again = part_of(package)
    assert runs(again) == 2
    assert [each.cache_hits for each in again._made.values()] == [1]


def test_code_of_one_number_type_is_not_taken_for_that_of_another(tmp_path, monkeypatch):
    """Processes that compile at once must not write to the same file."""
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    for dtype in (np.float32, np.float64):
        assert runs(part_of(tmp_path), dtype) == 2
    kept = [path.name for path in tmp_path.rglob("*.nbi")]
    assert len(kept) == 2
    assert any("float32" in name for name in kept)


@pytest.mark.parametrize(
    ("module", "name"),
    [("numba.core.config", "CPU_NAME"), ("numba.core.config", "CPU_FEATURES")],
)
def test_compiled_code_is_not_taken_for_another_processors(module, name, monkeypatch):
    before = _compile._digest()
    _compile._digest.cache_clear()
    monkeypatch.setattr(f"{module}.{name}", "another")
    assert _compile._digest() != before
    _compile._digest.cache_clear()
    monkeypatch.undo()
    assert _compile._digest() == before


def test_only_what_a_spec_needs_is_compiled(monkeypatch):
    """What is looked up is what is compiled."""

    def looked_up(spec, **options):
        found = set()

        def address(part, dtype, *choices):
            found.add((part._make(*choices).__name__, *(int(each) for each in choices)))
            return 1

        monkeypatch.setattr(_compile.Part, "address", address)
        FusedEngine(spec).prepare(**options)
        return found

    def likelihoods(found):
        return {choice for name, *choice in found if name == "reconstruct" for choice in choice}

    plain = looked_up(VAESpec(63, 2, (600,)))
    assert likelihoods(plain) == {Kind.BERNOULLI}
    dense, sparse = ("tile", int(How.PANELS), 0), ("tile", int(How.PANELS), 1)
    assert {("update", int(Rule.ADAM)), dense, ("run",)} <= plain
    assert not {("free_parameters",), ("note",), sparse} & plain
    assert {("note",), sparse} <= looked_up(VAESpec(64, 2, (600,)))
    small = looked_up(VAESpec(64, 2, (8,)))  # steps of its own, and no others
    assert {("transpose",), ("add_rows",), ("update", int(Rule.ADAM))} <= small
    assert not {dense, sparse} & small
    assert ("update", int(Rule.SGD)) in looked_up(VAESpec(64, 2, (600,)), optimizer="sgd")
    mixed = VAESpec(3, 2, (8,), likelihood=[("poisson", 1), ("student_t", 2)])
    found = looked_up(mixed, steps=False)
    assert likelihoods(found) == {Kind.POISSON, Kind.STUDENT_T}
    assert not {("run",), ("backward",), ("draw_normal",)} & found


LOADS = """
import sys
import numpy as np
from numba import njit
{part}
number = np.array([1.0])
add.function(np.float64)(number.ctypes.data, 1)
print(number[0], [each.cache_hits for each in add._made.values()])
print([m for m in ("numba.np.linalg", "numba.np.arrayobj") if m in sys.modules])

@njit
def norm(numbers):
    return np.sqrt((numbers**2).sum())

print(norm(np.array([4.0, 3.0])))
"""


def test_code_that_is_there_is_loaded_without_all_that_numba_can_compile(tmp_path, monkeypatch):
    """To a first fit, that came to a quarter of its time. What compiles still finds it."""
    source = tmp_path / "made.py"
    part = PART + "    if one > 1:\n        raise ValueError(at)\n"  # which Numba's run time does
    source.write_text(LOADS.format(part=part))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    command = [sys.executable, str(source)]
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        for _ in range(2)
    ]
    assert said[0][0] == "2.0 [0]"
    assert said[1] == ["2.0 [1]", "[]", "5.0"]


def test_scipys_blas_is_told_of_where_it_is_slow(monkeypatch):
    scipys = blas._scipys()
    monkeypatch.setattr(blas.platform, "system", lambda: "Linux")
    assert "pip install 'klosed[fast]'" in scipys.advice
    assert dataclasses.replace(scipys, is_private=True).advice is None
    monkeypatch.setattr(blas.platform, "system", lambda: "Darwin")
    assert scipys.advice is None


def in_a_new_process(code, *args):
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_training_says_so_where_the_fused_engine_has_no_blas_of_its_own(tmp_path):
    code = """
import importlib.util as util
find = util.find_spec
util.find_spec = lambda name, *rest: None if name == "scipy_openblas32" else find(name, *rest)
import sys
from klosed.cli import main
main(["train", "digits", "--epochs", "1", "--hidden", "0", "--out", sys.argv[1]])
"""
    done = in_a_new_process(code, tmp_path / "run")
    assert "fused engine" in done.stderr
    assert done.stderr.count("The fused engine uses SciPy's BLAS") == 1


def test_without_numba_the_reference_engine_steps_in_and_says_so(tmp_path):
    code = """
import sys
sys.modules["numba"] = None
import klosed
assert klosed.engine("auto", klosed.VAESpec(3)).name == "reference"
try:
    klosed.engine("fused", klosed.VAESpec(3))
except klosed.errors.MissingExtraError as error:
    print(error)
from klosed.cli import main
main(["train", "digits", "--epochs", "1", "--hidden", "0", "--out", sys.argv[1]])
"""
    done = in_a_new_process(code, tmp_path / "run")
    assert "pip install 'klosed[fast]'" in done.stdout
    assert done.stderr.count("The reference engine, which is slower: Numba cannot be imported") == 1
