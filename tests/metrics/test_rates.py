import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from tagifai.metrics.rates import compare_with_rates
from tagifai.predictions import Predictions


def compared(y_true, y_prob, threshold=0.5, split="test"):
    y_true = np.asarray(y_true)
    n, t = y_true.shape
    p = Predictions.of(range(n), [split] * n, [f"t{i}" for i in range(t)], y_true, y_prob)
    return compare_with_rates(p, p.decide(dict.fromkeys(p.tags, threshold)))


def draw(skill, n=300, seed=0):
    rng = np.random.default_rng(seed)
    rates = np.array([0.02, 0.1, 0.2, 0.3, 0.5, 0.8])
    y_true = rng.random((n, 6)) < rates
    # The log-odds that two normal distributions with distance `skill` give.
    z = skill * y_true + rng.normal(size=y_true.shape)
    log_odds = skill * z - skill**2 / 2 + np.log(rates / (1 - rates))
    return y_true, 1 / (1 + np.exp(-log_odds))


def test_figures_are_those_of_scikit_learn():
    y_true, y_prob = draw(1.5)
    y_prob = y_prob.round(1).astype(np.float32)  # with many equals
    found = compared(y_true, y_prob)
    y_pred = y_prob >= 0.5
    assert found.average_precision == pytest.approx(
        average_precision_score(y_true, y_prob, average="weighted")
    )
    assert found.f1 == pytest.approx(f1_score(y_true, y_pred, average="weighted"))
    everything = np.ones_like(y_true)
    assert found.rates_f1 == pytest.approx(f1_score(y_true, everything, average="weighted"))
    assert (found.num_projects, found.num_test) == (300, 300)


def test_chance_is_what_random_orders_reach():
    y_true, y_prob = draw(0.0)
    found = compared(y_true, y_prob)
    rng = np.random.default_rng(5)
    orders = [
        average_precision_score(y_true, rng.permutation(y_prob), average="weighted")
        for _ in range(300)
    ]
    assert found.chance == pytest.approx(np.mean(orders), abs=0.005)
    assert found.chance_high == pytest.approx(np.quantile(orders, 0.95), abs=0.01)
    # One positive of four stands at 1, 2, 3 or 4: far above its rate on average.
    few = compared([[1], [0], [0], [0]], [[0.1], [0.2], [0.3], [0.4]])
    assert few.chance == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, abs=0.1)


def test_a_constant_is_no_better_than_the_rates():
    y_true, _ = draw(0.0)
    found = compared(y_true, np.full(y_true.shape, 0.3))
    rates = y_true.mean(axis=0)
    assert found.average_precision == pytest.approx((rates**2).sum() / rates.sum())
    assert found.chance == pytest.approx(found.average_precision)
    assert found.describe().startswith("no better than the tags' rates: average precision")


def test_models_without_a_clue_are_told_and_good_ones_are_not():
    told = [compared(*draw(0.0, n=60, seed=seed)).ranks_no_better for seed in range(40)]
    assert sum(told) >= 35
    for n, skill in ((60, 3.0), (300, 1.5), (2_000, 1.5)):
        told = [compared(*draw(skill, n, seed), threshold=0.3).describe() for seed in range(10)]
        assert told == [""] * 10


def test_a_model_that_is_hardly_better_is_told_with_both_numbers():
    found = compared(*draw(0.1, n=3_000))
    assert found.average_precision > found.chance_high
    assert found.describe() == (
        f"hardly better than the tags' rates: average precision, weighted by support, is "
        f"{found.average_precision:.3f} on 2,000 of 3,000 test projects, and {found.chance:.3f} "
        f"where projects are put in random order (95 in 100 such orders stay under "
        f"{found.chance_high:.3f}), so the probabilities tell hardly more than how frequent each "
        f"tag is"
    )


def test_thresholds_that_waste_good_probabilities_are_told():
    y_true, y_prob = draw(2.0)
    assert compared(y_true, y_prob, threshold=0.3).describe() == ""
    found = compared(y_true, y_prob, threshold=1.0)
    assert (found.f1, found.ranks_no_better, found.decides_no_better) == (0.0, False, True)
    assert found.describe().startswith(
        f"decisions no better than the tags' rates: weighted F1 is 0.000 on 300 test projects, "
        f"and {found.rates_f1:.3f} where each tag is predicted for every project"
    )


@pytest.mark.parametrize("num_tags", [300, 3_000])
def test_of_many_tags_a_sample_of_projects_is_looked_at(num_tags):
    rng = np.random.default_rng(0)
    y_true = rng.random((700, num_tags)) < 0.02
    found = compared(y_true, rng.random(y_true.shape))
    assert found.num_test == 700
    assert 100 <= found.num_projects < 700
    assert found.ranks_no_better


def test_where_nothing_can_be_told_nothing_is():
    assert compared(np.zeros((5, 2)), np.full((5, 2), 0.5)) is None
    assert compared(np.ones((5, 2)), np.full((5, 2), 0.5), split="train") is None
    every = compared(np.ones((5, 2)), np.full((5, 2), 0.5))
    assert (every.ranks_no_better, every.decides_no_better, every.describe()) == (False, False, "")
