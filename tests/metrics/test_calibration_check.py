import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve

from tagifai.errors import TagifaiError
from tagifai.metrics.calibration_check import (
    calibration_tests,
    check_calibration,
    miscalibrated_tags,
)
from tagifai.predictions import Predictions


def drawn(seed=0, n=300, tags=12, slope=1.0, shift=0.0, together=0.5, of=None):
    """Draw projects whose tags depend on each other; `of` tags alone have slope and shift."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-2.5, 0.8, tags) + 1.5 * rng.standard_normal((n, tags))
    chance = expit(x)
    chance[:, :of] = expit(shift + slope * x[:, :of])
    latent = np.sqrt(together) * rng.standard_normal((n, 1))
    latent = latent + np.sqrt(1 - together) * rng.standard_normal((n, tags))
    truth = latent < stats.norm.ppf(chance)
    return Predictions.of(range(n), ["test"] * n, [f"t{i}" for i in range(tags)], truth, expit(x))


def test_perfect_dependent_probabilities_are_rarely_accused():
    pooled, by_tag = [], []
    for seed in range(60):
        predictions = drawn(seed)
        pooled.append(check_calibration(predictions).grade != "fine")
        by_tag.append(bool(miscalibrated_tags(predictions)))
    # Each is held at 2.5 %: seven of 60 come once in a thousand times.
    assert sum(pooled) <= 6
    assert sum(by_tag) <= 6


def test_one_tag_of_many_with_a_slope_is_found_by_name():
    found = [miscalibrated_tags(drawn(seed, n=1000, slope=0.75, of=1)) for seed in range(20)]
    named = [any(one.tag == "t0" for one in tags) for tags in found]
    assert sum(named) >= 16
    slopes = [one.slope for tags in found for one in tags if one.tag == "t0"]
    assert np.mean(slopes) == pytest.approx(0.75, abs=0.05)


def test_the_interval_covers_the_gap_and_the_grade_follows_its_size():
    covered, grades = 0, []
    for seed in range(60):
        predictions = drawn(seed, shift=0.34)
        prob = predictions.y_prob[predictions.y_prob > 0.05].astype(float)
        gap = np.abs(expit(logit(prob) + 0.34) - prob).mean()
        found = check_calibration(predictions)
        covered += found.low <= gap <= found.high
        grades.append(found.grade)
    assert covered >= 51
    assert 0.045 < gap < 0.055
    assert {"slightly off", "off"} <= set(grades)


def test_off_is_told_with_size_and_direction():
    found = check_calibration(drawn(shift=1.5))
    assert found.grade == "off"
    assert found.verdict.startswith(
        f"These probabilities are off: above 0.05 they are too low, by {found.gap:.3f} on "
        f"average (95 % interval {found.low:.3f} to {found.high:.3f}; "
    )
    assert found.verdict.endswith("0.9 does not mean nine in ten.")
    assert 0.05 < found.low < found.gap < found.high
    assert "they are too high" in check_calibration(drawn(shift=-1.5)).verdict
    assert "they are too extreme" in check_calibration(drawn(slope=0.5, shift=-0.4)).verdict


def test_fine_says_how_much_few_pairs_could_hide():
    many, few = check_calibration(drawn(1, n=3000)), check_calibration(drawn(1, n=3000), "t0")
    assert many.grade == few.grade == "fine"
    assert many.low == few.low == 0
    assert many.verdict.endswith("Read them as chances.")
    small = drawn(3, n=150)
    (tag,) = {t for t in small.tags if check_calibration(small, t).grade == "fine"} & {"t3"}
    assert check_calibration(small, tag).verdict.endswith("could hide a larger gap.")


def test_the_answer_is_the_same_each_time_whatever_the_order_of_rows():
    predictions = drawn(5, slope=0.8)
    again = predictions.take(np.random.default_rng(0).permutation(300))
    one, other = check_calibration(predictions), check_calibration(again)
    assert one == check_calibration(predictions)
    assert (one.gap, one.low, one.p_value) == pytest.approx((other.gap, other.low, other.p_value))
    assert one.grade == other.grade


def test_bins_hold_equal_numbers_of_pairs():
    predictions = drawn(2)
    found = check_calibration(predictions)
    kept = predictions.y_prob > 0.05
    share, mean = calibration_curve(
        predictions.y_true[kept], predictions.y_prob[kept].astype(float), n_bins=15,
        strategy="quantile",
    )  # fmt: skip
    sizes = np.array([row.num_samples for row in found.bins])
    assert len(sizes) == 15
    assert np.ptp(sizes) <= 2
    assert [row.frequency for row in found.bins] == pytest.approx(share.tolist(), abs=0.01)
    assert found.ece_quantile == pytest.approx(
        np.average(np.abs(share - mean), weights=sizes), abs=0.002
    )
    assert all(row.low_frequency <= row.frequency <= row.high_frequency for row in found.bins)


def test_the_error_that_chance_shows_is_that_of_perfect_probabilities():
    found = [check_calibration(drawn(seed)) for seed in range(40)]
    shown, expected = np.mean([[c.ece_quantile, c.ece_quantile_expected] for c in found], axis=0)
    assert expected == pytest.approx(shown, rel=0.1)
    shown, expected = np.mean([[c.ece_top_k, c.ece_top_k_expected] for c in found], axis=0)
    assert expected == pytest.approx(shown, rel=0.1)


def test_top_k_is_about_as_many_as_projects_carry():
    predictions = drawn(4)
    assert check_calibration(predictions).top_k == round(predictions.y_true.sum() / 300)
    assert check_calibration(predictions, "t1").top_k is None


def test_a_q_value_counts_the_tags_that_could_have_been_accused():
    predictions = drawn(6, n=1000, slope=0.6, of=2)
    tests = calibration_tests(predictions)
    p = np.array([test.p_value for test in tests.values()])
    q = stats.false_discovery_control(p)
    assert [test.q_value for test in tests.values()] == pytest.approx(q.tolist())
    assert check_calibration(predictions, "t0").q_value == tests["t0"].q_value
    assert {one.tag for one in miscalibrated_tags(predictions)} == {
        tag for tag in tests if check_calibration(predictions, tag).grade != "fine"
    }


def test_too_few_pairs_give_no_grade():
    p = Predictions.of("ab", ["test"] * 2, ["a"], [[1], [0]], [[0.9], [0.01]])
    found = check_calibration(p)
    assert found.grade is None
    assert found.verdict.startswith("Too few probabilities above 0.05 (1)")
    assert check_calibration(p, "a").grade is None
    empty = check_calibration(p, split="train")
    assert (empty.ece, empty.gap, empty.bins, empty.grade) == (None, None, [], None)
    assert miscalibrated_tags(p, "train") == []
    with pytest.raises(TagifaiError, match="unknown tag 'b'"):
        check_calibration(p, "b")
    with pytest.raises(TagifaiError, match="unknown split"):
        calibration_tests(p, "nowhere")


def test_probabilities_that_are_all_low_are_seen_through_by_tag():
    # 30 of 300 projects carry a tag that no probability ever gives more than 0.02.
    truth = (np.arange(300) < 30)[:, None]
    p = Predictions.of(range(300), ["test"] * 300, ["a"], truth, np.full((300, 1), 0.02))
    assert check_calibration(p).grade is None
    found = check_calibration(p, "a")
    assert found.grade == "off"
    assert found.gap == pytest.approx(0.08, abs=0.001)
    assert [one.tag for one in miscalibrated_tags(p)] == ["a"]
