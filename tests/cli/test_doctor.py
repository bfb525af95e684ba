"""`klosed doctor`: facts are facts, and each piece of advice has its cause."""

import copy
import json
import subprocess
import sys

import pytest

from klosed.cli import doctor
from klosed.cli.doctor import advice

FINE = {
    "system": "Linux x86_64",
    "processor": {"name": "p", "cores": 4, "usable": 4, "avx2": True, "avx512": True},
    "blas": [
        {"api": "openblas", "version": "1", "kernel": "SkylakeX", "threads": 4, "file": "a/b.so"}
    ],
    "environment": {},
    "engine": {"auto": "fused", "has_own_blas": True, "advice": None, "compiled_code": "/there"},
    "data_folder": {"path": "/cache", "writable": True, "holds": []},
}


def changed(part, **values):
    facts = copy.deepcopy(FINE)
    target = facts["blas"][0] if part == "blas" else facts[part]
    target.update(values)
    return facts


def test_nothing_to_change():
    assert advice(FINE) == []
    without_avx512 = changed("processor", avx512=False)
    without_avx512["blas"][0]["kernel"] = "Zen"
    assert advice(without_avx512) == []
    old = changed("processor", avx512=False, avx2=False)
    old["blas"][0]["kernel"] = "Nehalem"
    assert advice(old) == []
    mkl = changed("blas", api="mkl", kernel=None)
    assert advice(mkl) == []


def test_a_kernel_older_than_the_processor():
    (text,) = advice(changed("blas", kernel="Haswell"))
    assert "Haswell" in text
    assert "OPENBLAS_CORETYPE=SkylakeX before Python starts" in text
    assert "the fused engine has its own" in text
    avx2_only = changed("blas", kernel="Sandybridge")
    avx2_only["processor"]["avx512"] = False
    (text,) = advice(avx2_only)
    assert "OPENBLAS_CORETYPE=Haswell before Python starts" in text


def test_a_kernel_that_was_asked_for():
    facts = changed("blas", kernel="Haswell")
    facts["environment"] = {"OPENBLAS_CORETYPE": "Haswell"}
    (text,) = advice(facts)
    assert "OPENBLAS_CORETYPE=Haswell asks for that: unset it" in text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (changed("processor", usable=2), "OMP_NUM_THREADS=2"),
        (changed("blas", threads=1) | {"environment": {"OMP_NUM_THREADS": "1"}}, "OMP_NUM_THREADS"),
        (FINE | {"blas": []}, "pip install --force-reinstall numpy"),
        (changed("data_folder", writable=False), "KLOSED_DATA_DIR"),
        (changed("engine", advice="Install it."), "Install it."),
        (changed("engine", compiled_code=None), "NUMBA_CACHE_DIR"),
        (changed("engine", auto="reference", why_reference="no Numba"), "engine: no Numba."),
    ],
)
def test_other_advice(facts, words):
    (text,) = advice(facts)
    assert words in text


def test_text_says_whether_a_kernel_is_the_fast_one():
    facts = changed("blas", kernel="Haswell")
    blas, processor = facts["blas"][0], facts["processor"]
    assert doctor._speed(blas, processor) == ", which leaves AVX512 unused"
    assert doctor._speed(blas | {"kernel": "SkylakeX"}, processor) == ", the fast one"
    assert doctor._speed(blas, processor | {"avx512": False}) == ", the fast one"
    assert doctor._speed(blas | {"kernel": "Nehalem"}, processor) == ", which leaves AVX512 unused"
    assert doctor._speed(blas | {"api": "mkl"}, processor) == ""
    assert doctor._speed(blas, processor | {"avx512": False, "avx2": False}) == ""


def test_accelerate_on_a_mac_is_known_to_be_unknown():
    assert advice(FINE | {"blas": [], "system": "Darwin arm64"}) == []


def test_json_holds_facts_and_advice(klosed):
    import numpy as np

    facts = json.loads(klosed("doctor", "--json").out)
    assert facts["libraries"]["numpy"] == np.__version__
    assert facts["sgemm_gflops"] > 0
    assert facts["engine"]["auto"] == "fused"
    assert facts["engine"]["sgemm_gflops_of_one_thread"] > 0
    assert facts["engine"]["compiled_code"]
    assert {"accelerators", "extras", "data_folder", "advice"} <= facts.keys()
    assert facts["advice"] == advice(facts)


def test_text_names_everything_also_on_a_narrow_terminal(klosed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("KLOSED_DATA_DIR", "data")
    done = klosed("doctor")
    assert done.code == 0
    assert "KLOSED_DATA_DIR=data" in done.out
    for label in ("Python", "BLAS", "Engine", "Accelerators", "Data folder"):
        assert label in done.out


def test_the_data_folder_is_found_and_not_made(klosed, tmp_path, monkeypatch):
    monkeypatch.setenv("KLOSED_DATA_DIR", str(tmp_path / "data"))
    folder = json.loads(klosed("doctor", "--json").out)["data_folder"]
    assert folder == {"path": str(tmp_path / "data"), "writable": True, "holds": []}
    assert not (tmp_path / "data").exists()
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    assert json.loads(klosed("doctor", "--json").out)["data_folder"]["holds"] == ["mnist"]


def test_torch_is_not_needed():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name: None if name == 'torch' else find(name)\n"
        "from klosed.cli import main; main(['doctor'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'klosed[torch]'" in done.stdout
