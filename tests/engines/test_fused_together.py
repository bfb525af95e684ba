"""The first use on a machine: parts compiled by a few processes, or by this one where they fail."""

import sys

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed import VAESpec
from klosed.engines.fused import FusedEngine, _together
from klosed.engines.fused._compile import Part, Wanted, collect_wanted
from klosed.engines.fused._likelihoods import read
from klosed.engines.fused._rows import activate, gather
from klosed.engines.fused._tables import Read, Scaled, Stored

PARTS = (read, activate, gather)
CHOICES = (
    *((read, (kind.value,)) for kind in Read),
    *((activate, (kind,)) for kind in range(4)),
    *((gather, (stored.value, scaled.value)) for stored in Stored for scaled in Scaled),
)


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Nothing has been compiled, and what is goes to an empty folder."""
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    for part in PARTS:
        monkeypatch.setattr(part, "_made", {})
    return [Wanted(part, "float64", choices) for part, choices in CHOICES]


def hits(wanted):
    """How often code was found on disk, when it is used."""
    for each in wanted:
        each.compile()
    found = []
    for part, dtype, choices in wanted:
        found.append(part._made[np.dtype(dtype).char, choices].cache_hits)
        assert part.address(dtype, *choices) > 0
    return sum(found)


def scaled_by_a_255th():
    row, to = np.arange(3, dtype=np.uint8), np.empty(3)
    part = gather.function(np.float64, Stored.UINT8, Scaled.BYTES)
    part(row.ctypes.data, 0, 0, to.ctypes.data, 3, 1)
    return to


def test_another_process_compiles_some(fresh, monkeypatch):
    monkeypatch.setattr(_together, "cpu_count", lambda: 2)
    _together.compile_together(fresh, 2)
    by_others = hits(fresh)
    assert 0 < by_others < len(fresh)
    np.testing.assert_allclose(scaled_by_a_255th(), np.arange(3) / 255, rtol=1e-15)


@pytest.mark.parametrize("processes", [0, 1])
def test_no_other_process_where_only_one_is_wanted(fresh, monkeypatch, processes):
    monkeypatch.setattr(_together, "cpu_count", lambda: 8)
    monkeypatch.setattr(_together.subprocess, "Popen", None)
    _together.compile_together(fresh[:7], processes)
    assert hits(fresh[:7]) == 0


@pytest.mark.parametrize("executable", [None, "", "/usr/bin/an-application", "/nowhere/python"])
def test_where_no_other_process_can_be_had(fresh, monkeypatch, executable):
    monkeypatch.setattr(_together, "cpu_count", lambda: 8)
    monkeypatch.setattr(sys, "executable", executable)
    if executable != "/nowhere/python":
        monkeypatch.setattr(_together.subprocess, "Popen", None)
    _together.compile_together(fresh[:7], 4)
    assert hits(fresh[:7]) == 0


def test_no_other_process_where_code_is_not_kept(fresh, monkeypatch):
    monkeypatch.setattr(_together, "cpu_count", lambda: 8)
    monkeypatch.setattr(_together.subprocess, "Popen", None)
    monkeypatch.setattr(Part, "folder", lambda *args: None)
    _together.compile_together(fresh[:7], 4)
    assert hits(fresh[:7]) == 0


@pytest.mark.parametrize("ending", ["raise SystemExit", "print('what?', flush=True); input()"])
def test_a_process_that_ends_early_is_done_without(fresh, monkeypatch, ending):
    start, started = _together.subprocess.Popen, []

    def other(command, **options):
        started.append(start([*command[:2], ending], **options))
        return started[-1]

    monkeypatch.setattr(_together, "cpu_count", lambda: 8)
    monkeypatch.setattr(_together.subprocess, "Popen", other)
    _together.compile_together(fresh[:13], 3)
    assert [each.poll() is not None for each in started] == [True, True]
    assert hits(fresh[:13]) == 0


def test_no_process_is_left_behind_by_an_interrupt(fresh, monkeypatch):
    start, started = _together.subprocess.Popen, []

    def interrupted(wanted):
        raise KeyboardInterrupt

    def noted(*args, **options):
        started.append(start(*args, **options))
        return started[-1]

    monkeypatch.setattr(_together, "cpu_count", lambda: 2)
    monkeypatch.setattr(_together.subprocess, "Popen", noted)
    monkeypatch.setattr(Wanted, "compile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _together.compile_together(fresh, 2)
    assert [each.poll() is not None for each in started] == [True]


def test_what_is_wanted_is_what_is_not_on_disk(fresh):
    with collect_wanted() as wanted:
        assert [each.part.address(each.dtype, *each.choices) for each in fresh[:3]] == [0, 0, 0]
        assert gather.function(np.float64, 0, 0)(1, 2, 3) is None
    assert list(wanted) == fresh[:3]
    fresh[0].compile()
    fresh[0].part._made.clear()
    with collect_wanted() as wanted:
        assert fresh[0].part.address(fresh[0].dtype, *fresh[0].choices) > 0
        assert fresh[1].part.address(fresh[1].dtype, *fresh[1].choices) == 0
    assert list(wanted) == [fresh[1]]


def test_an_engine_asks_for_all_that_it_needs(monkeypatch):
    """A prepared engine compiles nothing more, whatever it is used for."""
    spec = VAESpec(6, 2, (8,))
    engine, rng = FusedEngine(spec), np.random.default_rng(0)
    engine.prepare(np.float64, scoring=True)
    params, x = engine.init(0, np.float64), rng.random((5, 6))
    with collect_wanted() as wanted:
        engine.loss(params, x, rng.normal(size=(5, 2)))
        engine.scorer(params)(x, *np.ones((2, 5, 2)), np.ones((5, 3, 2)))
    assert not wanted
