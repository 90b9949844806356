import pytest

from benchmarks.paired import exponent, paired_ratio, ratio_of, rounds, summarize


def test_medians_and_percentiles_are_those_of_the_values():
    found = summarize([float(n) for n in range(1, 22)])
    assert (found.n, found.median, found.p95) == (21, 11.0, 20.0)


def test_a_ratio_is_the_median_of_pairs_and_not_the_ratio_of_medians():
    # Medians 2 and 3 would say 2/3.
    found = paired_ratio([1.0, 2.0, 9.0], [10.0, 2.0, 3.0])
    assert found.value == 1.0
    assert (found.low, found.high) == (0.1, 3.0)


def test_pairs_that_agree_leave_no_doubt():
    found = paired_ratio([1.0, 2.0, 3.0, 4.0], [4.0, 8.0, 12.0, 16.0])
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)


def test_measurements_that_are_no_pairs_are_refused():
    with pytest.raises(ValueError, match="longer"):
        paired_ratio([1.0], [1.0, 2.0])


def test_a_statistic_of_two_samples_has_an_interval_around_its_ratio():
    found = ratio_of(max, [1.0, 2.0, 4.0], [8.0, 8.0])
    assert found.value == 0.5
    assert 0.125 <= found.low <= 0.5 == found.high


@pytest.mark.parametrize(
    ("values", "power"), [([5, 5, 5], 0), ([1, 10, 100], 1), ([1, 100, 10_000], 2)]
)
def test_growth_is_a_power_of_the_size(values, power):
    assert exponent([2_032, 20_320, 203_200], values) == pytest.approx(power)


def test_each_comes_first_as_often_as_the_others():
    order = rounds(["a", "b", "c"], 6)
    assert [one[0] for one in order] == ["a", "b", "c"] * 2
    assert all(sorted(one) == ["a", "b", "c"] for one in order)
