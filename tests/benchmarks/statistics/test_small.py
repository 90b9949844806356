"""Small versions of the simulations: targets with as much room as so few runs need."""

import re

import pytest
from scipy.stats import binom

from benchmarks.statistics import intervals, many_tags, thresholds, verdicts
from benchmarks.statistics.rows import Settings


def figures(row):
    """Read the rates of a row, from 0 to 1, and of how many runs they are."""
    found = re.fullmatch(r"([\d.]+)(?: – ([\d.]+))? % of ([\d,]+)", row.figure)
    rates = [float(rate) / 100 for rate in found.groups()[:2] if rate]
    return rates, int(found[3].replace(",", ""))


def test_false_verdicts_are_rare_and_planted_changes_are_found():
    rows = verdicts.measure(Settings(scale=0.03, jobs=1))
    assert len(rows) == 10
    for row in rows:
        (rate,), runs = figures(row)
        if row.claim.startswith("planted"):
            assert rate > 0.5, row
        elif row.claim.startswith("false discoveries"):
            assert rate < 0.2, row
        else:
            # What a rate of 5 % exceeds once in ten thousand such tests.
            assert rate * runs <= binom.ppf(0.9999, runs, 0.05), row


def test_intervals_hold_what_they_should():
    rows = intervals.measure(Settings(scale=0.01, jobs=1))
    kinds = {"interval of a tag's precision": 0, "interval of a tag's difference": 0}
    for row in rows:
        rates, runs = figures(row)
        lowest = binom.ppf(1e-5, runs, 0.95) / runs
        assert min(rates) >= min(lowest, 0.9), row
        for kind in kinds:
            kinds[kind] += row.claim.startswith(kind)
    assert kinds == dict.fromkeys(kinds, 2)


def test_chosen_thresholds_are_compared_with_the_common_one():
    (row,) = thresholds.measure(Settings(scale=0.1, jobs=1))
    assert "synthetic" in row.claim
    assert float(row.figure.partition(",")[0]) > -0.002


@pytest.mark.skipif(not many_tags.Path("/proc/self/clear_refs").exists(), reason="Linux alone")
def test_many_tags_cost_little():
    seconds, added, whole = many_tags.compare_many(2_000, 300, 4)
    assert 0 < seconds < 30
    assert 0 <= added < 300
    assert added < whole
