import pytest

from tagifai.data.csv_cells import bare_cell, guard_cell

DANGEROUS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@sum",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\ufeff=1",
    "\uff1d1",
    "\uff0b1",
]
HARMLESS = ["", "a=b", "-5.2", "+3", "1e5", "-1e-5", "graphs", "don't"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_a_spreadsheet_could_run_is_guarded(text):
    assert guard_cell(text) == "'" + text


@pytest.mark.parametrize("text", HARMLESS)
def test_plain_text_and_numbers_stay(text):
    assert guard_cell(text) == text


@pytest.mark.parametrize("text", [*DANGEROUS, *HARMLESS, "'", "'=1", "''a"])
def test_the_way_back_is_lossless(text):
    assert bare_cell(guard_cell(text)) == text
