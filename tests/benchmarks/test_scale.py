import pytest

from benchmarks.__main__ import BY_NAME, chosen, read_options
from benchmarks.results import Findings
from benchmarks.rows import scale
from benchmarks.rows.scale import Cost, Job, add, grow, run


def test_scale_runs_only_where_it_is_named():
    assert "scale" in BY_NAME
    from benchmarks.__main__ import ALONE, ON_PAGES

    assert "scale" not in {**ALONE, **ON_PAGES}
    assert "scale" in read_options(["--only", "scale", "--data", "."]).only
    assert not chosen(ALONE, {"scale"})


def test_a_process_is_measured_by_the_system():
    cost = run(["-c", "b = b'x' * 300_000_000\nn = 0\nfor i in range(3_000_000): n += i"])
    assert cost.peak > 290
    assert 0.05 < cost.cpu < 30


def test_a_job_that_fails_says_why():
    with pytest.raises(RuntimeError, match="no such thing"):
        run(["-c", "raise SystemExit('no such thing')"])


def test_limits_and_growth_are_stated():
    job = Job("work", lambda place: [], [(100, 10), (1000, 10)], {(1000, 10): (5, 300)})
    found = Findings()
    costs = {(100, 10): Cost(1, 100, 1), (1000, 10): Cost(10, 100, 10)}
    for size, cost in costs.items():
        add(found, job, size, cost)
    grow(found, job, costs)
    cpu, peak = found.claims
    assert (cpu.value, cpu.limit, cpu.reached) == (10, 5, False)
    assert (peak.value, peak.limit, peak.reached) == (100, 300, True)
    powers = {one.work: round(one.exponent, 6) for one in found.growths}
    assert powers == {"work, CPU, 10 tags": 1.0, "work, peak memory, 10 tags": 0.0}


def test_memory_may_be_limited_beside_the_base():
    job = Job("work", lambda place: [], [(9, 2)], {(9, 2): (5, 300)}, beside_base=True)
    found = Findings()
    add(found, job, (9, 2), Cost(1, 700, 1), Cost(1, 450, 1))
    assert [(one.value, one.reached) for one in found.claims] == [(1, True), (250, True)]


def test_every_limit_is_measured():
    for job in scale.JOBS:
        assert set(job.limits) <= set(job.sizes), job.name
