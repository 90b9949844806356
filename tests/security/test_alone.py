"""Attacks on parts of the program that need no server."""

import pytest
from security import (
    caches,
    cells,
    drawing,
    kills,
    malformed,
    model_files,
    names,
    payloads,
    regexes,
    strings,
)
from security.rows import Files

MODULES = (regexes, malformed, kills, strings, drawing, caches, model_files, names, cells, payloads)
ROWS = [row for module in MODULES for row in module.ROWS if not row.live]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_holds(attack, row, small_data, small_models, tmp_path):
    attack(row, Files(small_data, small_models, tmp_path))
