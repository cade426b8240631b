"""The examples in docstrings run, and give what they show."""

import doctest
import importlib
import pathlib
import pkgutil

import pytest

import keratin
from keratin.backends import select

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(pathlib.Path(keratin.__file__).parent)], "keratin.")
    if not module.name.startswith(tuple(f"keratin.backends.{name}" for name in select.BACKENDS))
)


@pytest.mark.once
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    count = sum(
        len(example.examples) > 0 for name in MODULES for example in finder.find(importlib.import_module(name), name)
    )
    assert count > 400
