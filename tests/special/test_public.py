"""What the room exports is what its modules define, each with an example."""

import importlib
import inspect
import pkgutil

import pytest

from klosed import special

MODULES = [
    importlib.import_module(f"klosed.special.{module.name}")
    for module in pkgutil.iter_modules(special.__path__)
    if not module.name.startswith("_")
]
PUBLIC = {
    name: function
    for module in MODULES
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not name.startswith("_")
}


def test_all_is_what_is_defined():
    # a new function is exported in klosed/special/__init__.py too
    assert set(special.__all__) == set(PUBLIC)
    assert len(special.__all__) == len(PUBLIC)
    for module in MODULES:
        defined = {n for n, f in PUBLIC.items() if f.__module__ == module.__name__}
        assert set(module.__all__) == defined


@pytest.mark.parametrize("name", PUBLIC)
def test_each_has_an_example(name):
    assert ">>> from klosed.special" in inspect.getdoc(PUBLIC[name])
