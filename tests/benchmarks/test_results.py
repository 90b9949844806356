import pytest

from benchmarks.paired import Ratio, Summary
from benchmarks.results import Claim, Findings, Run, merged, read_run, worsened, write_run


def findings() -> Findings:
    found = Findings(notes=["all equal"])
    found.add("slider", 2_032, "tagifai", Summary(20, 30.0, 45.0), cpu=9.0)
    found.claim("slider", 2_032, "to plain", Ratio(0.03, 0.025, 0.041), 0.04)
    found.claim("counting", None, "ms", 0.2, 0.1, "ms")
    found.grow("slider", "tagifai", 0.01)
    return found


def test_what_is_found_comes_back_from_its_file(tmp_path):
    run = Run("python -m benchmarks", {"cores": 2}, [{"group": "slider"}], findings())
    write_run(run, tmp_path / "results.json")
    assert read_run(tmp_path / "results.json") == run


def test_a_claim_is_reached_up_to_its_limit():
    slider, counting = findings().claims
    assert (slider.reached, counting.reached) == (True, False)
    assert (slider.low, slider.high) == (0.025, 0.041)
    assert Claim("slider", 1, "to plain", 0.04, 0.04).reached


def test_findings_of_groups_add_up():
    both = findings() + findings()
    assert [len(part) for part in (both.timings, both.claims, both.growths, both.notes)] == [
        2, 4, 2, 2
    ]  # fmt: skip


def test_only_ratios_that_are_a_fifth_worse_are_told():
    recorded = [
        Claim("slider", 10, "to plain", 0.1, 1),
        Claim("slider", 20, "to plain", 0.1, 1),
        Claim("memory", 10, "MB", 100, 1, "MB"),
    ]
    now = [
        Claim("slider", 10, "to plain", 0.119, 1),
        Claim("slider", 20, "to plain", 0.121, 1),
        Claim("slider", 30, "to plain", 9, 1),
        Claim("memory", 10, "MB", 900, 1, "MB"),
    ]
    assert worsened(recorded, now) == ["slider | 20 | to plain: 0.121, recorded 0.1"]


def test_rows_measured_again_replace_those_recorded():
    recorded = Run("all", {"cores": 2}, [{"group": "slider"}, {"group": "counting"}], findings())
    again = Findings(notes=["counting: all equal"])
    again.add("counting", None, "tagifai", Summary(3, 0.05, 0.06))
    again.claim("counting", None, "ms", 0.05, 0.1, "ms")
    whole = merged(recorded, Run("one", {"cores": 2}, [{"group": "counting", "n": 2}], again))
    assert whole.command == "all"
    assert whole.groups == [{"group": "slider"}, {"group": "counting", "n": 2}]
    assert [(one.work, one.value) for one in whole.findings.claims] == [
        ("slider", 0.03), ("counting", 0.05),
    ]  # fmt: skip
    assert whole.findings.notes == ["all equal", "counting: all equal"]
    with pytest.raises(ValueError, match="another machine"):
        merged(recorded, Run("one", {"cores": 4}, [], again))
