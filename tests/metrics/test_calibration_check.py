import numpy as np
import pytest

from tagifai.metrics.calibration_check import check_calibration
from tagifai.predictions import Predictions


def drawn(bend=lambda p: p, n=3000, seed=0):
    rng = np.random.default_rng(seed)
    prob = rng.random((n, 2))
    truth = rng.random((n, 2)) < bend(prob)
    return Predictions.of(range(n), ["test"] * n, ["a", "b"], truth, prob)


@pytest.mark.parametrize("tag", [None, "a"])
def test_believable_probabilities_are_said_to_be(tag):
    found = check_calibration(drawn(), tag)
    assert found["calibrated"] is True
    assert found["verdict"].startswith("These probabilities are calibrated: where")
    assert found["num_pairs"] == (6000 if tag is None else 3000)


def test_perfect_probabilities_are_rarely_blamed():
    blamed = [
        check_calibration(drawn(n=400, seed=s), "a")["calibrated"] is False for s in range(40)
    ]
    assert sum(blamed) <= 6


def test_exaggerated_probabilities_are_named_with_the_number():
    found = check_calibration(drawn(lambda p: 0.25 + p / 2))
    assert found["calibrated"] is False
    assert f"off by {found['ece_above_0_05']:.3f}" in found["verdict"]
    assert found["verdict"].endswith("Do not read them as chances.")
    assert found["ece_above_0_05"] > 0.1 > found["expected"]


def test_bins_carry_wilson_intervals():
    p = Predictions.of(range(10), ["test"] * 10, ["a"], [[1]] * 5 + [[0]] * 5, [[0.5]] * 10)
    (filled,) = (row for row in check_calibration(p)["bins"] if row["num_samples"])
    assert filled["frequency"] == 0.5
    assert (filled["low_frequency"], filled["high_frequency"]) == pytest.approx(
        (0.2366, 0.7634), abs=1e-4
    )
    empty = check_calibration(p)["bins"][0]
    assert (empty["low_frequency"], empty["high_frequency"]) == (None, None)


def test_too_few_pairs_give_no_verdict():
    p = Predictions.of("ab", ["test"] * 2, ["a"], [[1], [0]], [[0.9], [0.01]])
    found = check_calibration(p)
    assert found["calibrated"] is None
    assert found["verdict"].startswith("Too few probabilities above 0.05 (1)")
    assert check_calibration(p, split="train")["ece"] is None
