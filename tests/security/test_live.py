"""Attacks on a running server, as strangers who got a login would make them."""

import pytest
from security import calls, doors, floods, regexes, visitors, writes

pytestmark = pytest.mark.long
ROWS = [
    row
    for module in (calls, floods, regexes, writes, visitors, doors)
    for row in module.ROWS
    if row.live
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_holds(attack, row, target):
    attack(row, target)
