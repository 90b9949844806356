from benchmarks.report import NOTHING, claims_of_record, figures_of_record, write_report
from benchmarks.results import Claim, Findings, Growth, Run, Timing, write_run

RUN = Run(
    "python -m benchmarks",
    {"cpu": "A CPU", "cores": 2, "python": "3.11.7", "packages": {"gradio": "6.31.0"}},
    [{"group": "slider", "seconds": 61.2, "load": [0.5, 1.25]}],
    Findings(
        [Timing("slider", 2_032, "tagifai", 20, 31.25, 160.4, "ms", 9.5)],
        [
            Claim("slider", 2_032, "to plain", 0.025, 0.04, "ratio", 0.02, 0.03),
            Claim("slider", 203_200, "to itself", 1.41, 1.3),
            Claim("counting", None, "ms", 0.0512, 0.1, "ms"),
        ],
        [Growth("slider", "tagifai", 0.02)],
        ["counting: equal to another count"],
    ),
)
WHY = "the round trip of an empty handler and the drawing of what changes are its floor"
CLAIMS = f"""\
| work | size | compared | measured | at most | |
|---|---:|---|---:|---:|---|
| slider | 2,032 | to plain | 1/40 (1/50 – 1/33.3) | 1/25 | ✔ |
| slider | 203,200 | to itself | 1.41 × | 1.3 × | ✘ {WHY} |
| counting |  | ms | 0.0512 ms | 0.1 ms | ✔ |"""


def test_the_page_shows_what_must_hold(tmp_path):
    path = tmp_path / "results.json"
    write_run(RUN, path)
    assert claims_of_record(path) == CLAIMS
    large = claims_of_record(path, least=200_000).splitlines()[2:]
    assert large == [CLAIMS.splitlines()[3]]


def test_figures_are_chosen_by_work_size_and_comparison(tmp_path):
    path = tmp_path / "results.json"
    wanted = [("counting", None, "ms"), ("slider", 203_200, "to itself"), ("none", None, "ms")]
    assert figures_of_record(wanted, path) == {}
    write_run(RUN, path)
    assert figures_of_record(wanted, path) == {wanted[0]: "0.0512 ms", wanted[1]: "1.41 ×"}


def test_where_nothing_is_recorded_the_page_says_so(tmp_path):
    assert claims_of_record(tmp_path / "results.json") == NOTHING


def test_the_report_holds_everything_that_was_found():
    report = write_report(RUN)
    for part in (
        "Made by `python -m benchmarks`: A CPU, 2 cores, Python 3.11.7, gradio 6.31.0.",
        CLAIMS,
        "| slider | 2,032 | tagifai | 20 | 31.2 ms | 160 ms | 9.5 ms |",
        "| slider | tagifai | 0.02 |",
        "| slider | 61 | 0.50 | 1.25 |",
        "- counting: equal to another count",
    ):
        assert part in report
