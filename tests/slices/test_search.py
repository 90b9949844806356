import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from tagifai.metrics.intervals import Estimate
from tagifai.slices.search import (
    Candidate,
    Decisions,
    SearchSettings,
    compare,
    finding_part,
    measure,
    search_slices,
)


def world(seed, n=1500, planted=0.0, tags=30, conditions=60):
    """Draw projects with dependent tags; slice 0 has a share `planted` and loses a third of them.

    Conditions 1 and up have nothing to do with errors, and depend on each other.
    """
    rng = np.random.default_rng(seed)
    prob = expit(rng.normal(-3.3, 0.8, tags) + 2.2 * rng.standard_normal((n, tags)))
    latent = np.sqrt(0.3) * rng.standard_normal((n, 1)) + np.sqrt(0.7) * rng.standard_normal(
        (n, tags)
    )
    true = latent < stats.norm.ppf(prob)
    loads = rng.normal(0, 0.6, (5, conditions))
    drawn = rng.standard_normal((n, 5)) @ loads + rng.standard_normal((n, conditions))
    rates = np.geomspace(0.03, 0.3, conditions)
    inside = drawn / np.sqrt(1 + (loads**2).sum(axis=0)) < stats.norm.ppf(rates)
    inside[:, 0] = rng.random(n) < (planted or 0.05)
    if planted:
        true &= ~((rng.random((n, tags)) < 1 / 3) & inside[:, :1])
    predicted = prob >= 0.4
    counts = (true & predicted).sum(1), predicted.sum(1), true.sum(1)
    return inside, Decisions(*counts, np.arange(n))


def test_where_nothing_is_worse_nearly_nothing_is_found():
    runs = 60
    found = 0
    for seed in range(runs):
        inside, decisions = world(seed)
        found += bool(search_slices(inside, decisions)[0])
    # Held at 5 %: eight of 60 come by chance once in two hundred times.
    assert found <= 7


def test_what_lost_a_third_of_its_labels_is_found_and_measured_without_bias():
    gaps, covered, found = [], 0, 0
    true_gap = np.mean([_precision_gap(*world(900 + s, 4000, planted=0.05)) for s in range(10)])
    for seed in range(60):
        inside, decisions = world(seed, 1000, planted=0.05)
        finding = finding_part([f"{seed} {i}" for i in range(1000)])
        candidates, _ = search_slices(inside[finding], decisions.take(finding))
        ours = [one for one in candidates if one.first == one.second == 0]
        found += bool(ours)
        for one in ours:
            assert one.metric == "precision"
            gap = measure(one, inside, decisions, finding).gap
            if gap.value is None:
                continue
            gaps.append(gap.value)
            covered += gap.low <= true_gap <= gap.high
    assert found >= 30
    error = np.std(gaps) / np.sqrt(len(gaps))
    assert np.mean(gaps) == pytest.approx(true_gap, abs=3 * error)
    assert covered >= 0.85 * len(gaps)


def _precision_gap(inside, decisions):
    member = inside[:, 0]
    ratios = [decisions.hits[m].sum() / decisions.predicted[m].sum() for m in (~member, member)]
    return ratios[0] - ratios[1]


def test_a_pair_is_found_where_it_is_worse_than_its_first_condition_alone():
    rng = np.random.default_rng(3)
    inside = rng.random((2000, 12)) < 0.3
    both = inside[:, 2] & inside[:, 5]
    predicted = rng.integers(1, 4, 2000)
    hits = rng.binomial(predicted, np.where(both, 0.4, 0.8))
    decisions = Decisions(hits, predicted, predicted, np.arange(2000))
    found, _ = search_slices(inside, decisions)
    pairs = [one for one in found if one.first != one.second]
    assert {frozenset((one.first, one.second)) for one in pairs} == {frozenset((2, 5))}
    assert {one.metric for one in pairs} == {"precision", "recall"}


def test_a_pair_is_measured_against_all_other_projects():
    gaps, covered = [], 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        inside = rng.random((1200, 6)) < 0.3
        both = inside[:, 2] & inside[:, 5]
        predicted = rng.integers(1, 4, 1200)
        hits = rng.binomial(predicted, np.where(both, 0.55, 0.8))
        decisions = Decisions(hits, predicted, np.zeros(1200), np.arange(1200))
        finding = rng.random(1200) < 0.9
        found, _ = search_slices(inside[finding], decisions.take(finding))
        for one in found:
            if {one.first, one.second} == {2, 5}:
                gap = measure(one, inside, decisions, finding).gap
                gaps.append(gap.value)
                covered += gap.low <= 0.25 <= gap.high
    assert len(gaps) >= 30
    assert np.mean(gaps) == pytest.approx(0.25, abs=0.02)
    assert covered >= 0.85 * len(gaps)


def test_the_p_value_is_that_of_a_difference_of_shares():
    # One prediction a project: 30 of 60 are right inside, 380 of 500 outside.
    inside = np.repeat([[True], [False]], [60, 500], axis=0)
    hits = np.concatenate([np.arange(60) % 2, np.arange(500) < 380])
    decisions = Decisions(hits, np.ones(560), np.zeros(560), np.arange(560))
    (found,), tested = search_slices(inside, decisions)
    assert tested == 1
    test = stats.ttest_ind(hits[60:], hits[:60], equal_var=False, alternative="greater")
    assert found.metric == "precision"
    assert np.log(found.p_value) == pytest.approx(np.log(test.pvalue), rel=0.02)
    # A single condition may have four fifths of the false discoveries.
    assert found.q_value == pytest.approx(found.p_value / 0.8)


def test_projects_of_one_group_count_together():
    inside = np.repeat([[True], [False]], [60, 500], axis=0)
    hits = np.concatenate([np.arange(60) % 5 < 2, np.arange(500) % 5 < 4])
    alone = Decisions(hits, np.ones(560), np.zeros(560), np.arange(560))
    # Groups of four, all right or all wrong: a quarter of the evidence.
    together = Decisions(
        np.repeat(hits, 4), np.ones(2240), np.zeros(2240), np.repeat(np.arange(560), 4)
    )
    one, other = (
        search_slices(np.repeat(inside, k, axis=0), d)[0][0].p_value
        for k, d in ((1, alone), (4, together))
    )
    assert one == pytest.approx(other, rel=1e-6)


def test_all_wrong_on_few_projects_is_not_certain():
    # 20 projects wrong in all, where eight of ten are wrong: chance shows that one time in 87.
    inside = np.repeat([[True], [False]], [20, 480], axis=0)
    hits = np.concatenate([np.zeros(20), np.arange(480) % 5 == 0])
    decisions = Decisions(hits, np.ones(500), np.zeros(500), np.arange(500))
    found, _ = search_slices(inside, decisions, SearchSettings(false_discoveries=0.999))
    assert 0.005 < found[0].p_value < 0.05


def test_slices_without_support_on_either_side_are_not_tested():
    rng = np.random.default_rng(5)
    inside = np.column_stack([np.arange(100) < 19, np.arange(100) < 81, np.arange(100) < 50])
    decisions = Decisions(rng.integers(0, 2, 100), np.ones(100), np.zeros(100), np.arange(100))
    assert search_slices(inside, decisions)[1] == 1
    # A project without a prediction says nothing of precision.
    few = Decisions(decisions.hits * 0, np.arange(100) < 15, np.zeros(100), np.arange(100))
    assert search_slices(inside, few, SearchSettings(min_support=2))[1] == 0
    nothing = Decisions(*[np.zeros(100)] * 3, np.arange(100))
    assert search_slices(inside, nothing, SearchSettings(min_support=2)) == ([], 0)


def test_a_slice_of_nearly_the_same_projects_is_listed_once():
    inside = np.arange(1000)[:, None] < [[200, 204]]
    hits = np.where(np.arange(1000) < 200, np.arange(1000) % 4 == 0, np.arange(1000) % 4 > 0)
    decisions = Decisions(hits, np.ones(1000), np.zeros(1000), np.arange(1000))
    found, _ = search_slices(inside, decisions)
    assert [one.first for one in found if one.first == one.second] == [0]


def test_shares_inside_and_outside_are_compared_by_cluster():
    hits = np.where(np.arange(40) < 20, np.arange(40) % 4 == 0, np.arange(40) % 2)
    decisions = Decisions(hits, np.ones(40), np.ones(40), np.arange(40))
    found = compare(np.arange(40)[:, None] < 20, decisions.of("precision"))
    assert (found.outside[0], found.gap[0], found.clusters[0]) == (0.5, 0.25, 20)
    own = hits[:20].var(ddof=1) / 20 + hits[20:].var(ddof=1) / 20
    # Welch's variance, wider by what 20 projects do not know of it.
    assert found.variance[0] == pytest.approx(own * (stats.t.ppf(0.975, 19) / 1.959964) ** 2)
    # All projects vary more than those of the slice: the test takes theirs.
    everyone = hits.var() / 20
    assert found.tested[0] == pytest.approx(everyone + hits[20:].var(ddof=1) / 20)


def test_a_slice_that_cannot_be_corrected_is_not_measured():
    rng = np.random.default_rng(6)
    inside = np.arange(500)[:, None] < 60
    hits = rng.random(500) < np.where(inside[:, 0], 0.2, 0.8)
    decisions = Decisions(hits, np.ones(500), np.zeros(500), np.arange(500))
    one = Candidate(0, 0, "precision", 1e-9, 1e-8, 0.01)
    kept_back = measure(one, inside, decisions, np.arange(500) % 10 > 0)
    assert kept_back.elsewhere == hits[60:].mean()
    assert kept_back.gap.low < 0.6 < kept_back.gap.high
    # All of the slice was searched: nothing had no say in the choice.
    searched = measure(one, inside, decisions, np.arange(500) < 450)
    assert searched == (hits[60:].mean(), Estimate(None))
    few = measure(one, np.arange(500)[:, None] < 9, decisions, np.arange(500) % 5 > 0)
    assert few.gap == Estimate(None)
    nothing = Decisions(hits * 0, np.arange(500) < 60, np.zeros(500), np.arange(500))
    assert measure(one, inside, nothing, np.arange(500) % 10 > 0) == (None, Estimate(None))


def test_a_project_stays_in_its_part_whatever_else_there_is():
    names = [f"project {i}" for i in range(3000)]
    part = finding_part(names)
    assert 0.88 < part.mean() < 0.92
    assert (finding_part(names[::-1]) == part[::-1]).all()
    assert finding_part([]).shape == (0,)
