"""Attacks on the page of somebody who runs it for themselves alone, and on its start and end."""

import pytest
from security import doors

pytestmark = pytest.mark.long


@pytest.mark.parametrize("row", doors.OWN, ids=lambda row: row.name)
def test_it_holds(attack, row, own):
    attack(row, own)


@pytest.mark.parametrize("row", doors.STARTED, ids=lambda row: row.name)
def test_it_starts_and_ends(attack, row, small_data, small_models, tmp_path):
    attack(row, doors.Files(small_data, small_models, tmp_path))
