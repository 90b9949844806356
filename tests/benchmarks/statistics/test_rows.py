from benchmarks.statistics.rows import Row, Settings, at_least, at_most, spread, within


def test_a_rate_passes_up_to_its_limit():
    assert at_most("x", 0.05, 0.05, 600) == Row("x", "5.0 % of 600", "≤ 5 %", True)
    assert not at_most("x", 0.051, 0.05, 600).passed
    assert at_least("x", 0.6, 0.6, 1_000) == Row("x", "60.0 % of 1,000", "≥ 60 %", True)
    assert not at_least("x", 0.59, 0.6, 1_000).passed


def test_all_of_several_rates_must_lie_within():
    assert within("x", [0.93, 0.97], 0.93, 0.97, 9) == Row(
        "x", "93.0 – 97.0 % of 9", "93 – 97 %", True
    )
    assert not within("x", [0.95, 0.929], 0.93, 0.97, 9).passed
    assert not within("x", [0.95, 0.971], 0.93, 0.97, 9).passed
    assert within("x", [0.95], 0.93, 0.97, 9).figure == "95.0 % of 9"


def test_runs_scale_with_the_settings():
    assert [Settings(scale).runs(600) for scale in (1.0, 0.1, 0.001)] == [600, 60, 4]


def test_tasks_have_seeds_of_their_own_in_order_on_any_number_of_cores():
    assert spread(_double, 5, jobs=1) == spread(_double, 5, jobs=2) == [0, 2, 4, 6, 8]


def _double(seed: int) -> int:
    return 2 * seed
