import doctest
from importlib import import_module

import pytest

MODULES = ("corpora", "counted", "limits", "paired", "report", "results", "straightforward")


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    found = doctest.testmod(import_module(f"benchmarks.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
