"""A version of a predictor that nobody here wrote."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from small_corpus import TAGS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.models.adapters import as_predictor
from tagifai.models.predictor import CheckedPredictor
from tagifai.store.score_cache import open_scores
from tagifai.training.adding import Choices, decide_version, score_projects, truth_of

DATA = small_dataset()
NAMES = sorted(TAGS)
SPLITS = {p.id: ("train", "train", "val", "test")[i % 4] for i, p in enumerate(DATA.projects)}
Y = truth_of(DATA.projects, NAMES)


def said(scored):
    return [one.message for one in scored.warnings]


class Counting:
    """A predictor that counts what it is asked, and stops after some texts."""

    tags = NAMES
    batch_size = 10

    def __init__(self, most=10_000):
        self.asked = []
        self.most = most

    def predict_proba(self, texts):
        if len(self.asked) + len(texts) > self.most:
            raise ConnectionError("gone")
        self.asked += texts
        return [[(7 * len(text) + place) % 100 / 100 for place in range(4)] for text in texts]


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    broken, whole, again = Counting(most=45), Counting(), Counting()
    texts = [project.text for project in DATA.projects]
    with (
        pytest.raises(TagifaiError, match="Counting: raised ConnectionError: gone"),
        open_scores(tmp_path, "a", NAMES) as scores,
    ):
        score_projects(CheckedPredictor(broken), DATA.projects, scores)
    assert broken.asked == texts[:40]
    seen = []
    with open_scores(tmp_path, "a", NAMES) as scores:
        found = score_projects(
            CheckedPredictor(again), DATA.projects, scores, lambda *told: seen.append(told)
        )
    assert again.asked == texts[40:]
    assert seen[0] == (40, 160, "texts")
    assert seen[-1] == (160, 160, "texts")
    np.testing.assert_array_equal(found, score_projects(CheckedPredictor(whole), DATA.projects))


def test_a_text_that_comes_twice_is_asked_once():
    projects = [*DATA.projects[:3], replace(DATA.projects[0], id="twin")]
    predictor = Counting()
    found = score_projects(CheckedPredictor(predictor), projects)
    assert len(predictor.asked) == 3
    np.testing.assert_array_equal(found[0], found[3])


def pipeline():
    train = [row for row, p in enumerate(DATA.projects) if SPLITS[p.id] == "train"]
    made = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=0.1)))
    return made.fit([DATA.projects[row].text for row in train], Y[train])


def test_thresholds_are_chosen_on_projects_that_the_predictor_did_not_see():
    predictor = CheckedPredictor(as_predictor(pipeline(), NAMES))
    y_prob = score_projects(predictor, DATA.projects)
    choices = Choices(splits=SPLITS)
    scored = decide_version(y_prob, NAMES, DATA, choices)
    assert scored.predictions.split.tolist() == list(SPLITS.values())
    assert scored.predictions.out_of_fold == "unknown"
    # Weak coefficients keep probabilities low: 0.5 misses nearly all of the rare tags.
    assert scored.thresholds["segmentation"] < 0.4
    # What the predictor learned from has no say.
    other = y_prob.copy()
    other[np.array(list(SPLITS.values())) == "train"] = 0.5
    assert decide_version(other, NAMES, DATA, choices).thresholds == scored.thresholds
    trusting = replace(choices, out_of_fold="yes")
    assert decide_version(other, NAMES, DATA, trusting).thresholds != scored.thresholds


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_probabilities_are_calibrated_on_projects_that_the_predictor_did_not_see(kind):
    odds = np.where(Y, 2.0, -2.0) + np.random.default_rng(0).normal(0, 2, Y.shape)
    scored = decide_version(
        expit(3 * odds).astype(np.float32), NAMES, DATA, Choices(splits=SPLITS, calibrate=kind)
    )
    assert scored.calibration.kind == kind
    test = scored.predictions.select("test")
    raw = expit(3 * odds)[scored.predictions.rows_by_split["test"]]
    assert np.mean((test.y_prob - test.y_true) ** 2) < np.mean((raw - test.y_true) ** 2)


def test_given_thresholds_are_kept():
    y_prob = np.full(Y.shape, 0.5, np.float32)
    fixed = decide_version(y_prob, NAMES, DATA, Choices(0.25, splits=SPLITS))
    assert set(fixed.thresholds.values()) == {0.25}
    own = decide_version(y_prob, NAMES, DATA, Choices({"segmentation": 0.1}, splits=SPLITS))
    assert own.thresholds == dict.fromkeys(NAMES, 0.5) | {"segmentation": 0.1}
    for thresholds, message in (
        ({"segmentatoin": 0.1}, "unknown tag of a threshold 'segmentatoin'"),
        ({"segmentation": 1.5}, "threshold of 'segmentation': a number from 0 to 1 is needed"),
        (-1, "threshold: a number from 0 to 1 is needed, got -1"),
        ("best", "tuned, a number or a file is needed, got 'best'"),
    ):
        with pytest.raises(TagifaiError, match=message):
            decide_version(y_prob, NAMES, DATA, Choices(thresholds, splits=SPLITS))


def test_decisions_have_nothing_to_move():
    decisions = Y.astype(np.float32)
    scored = decide_version(
        decisions, NAMES, DATA, Choices(splits=SPLITS, calibrate="platt"), decisions_only=True
    )
    assert set(scored.thresholds.values()) == {0.5}
    assert scored.calibration is None
    assert [one.kind for one in scored.warnings] == ["decisions_only"]
    assert "no threshold to move and nothing to calibrate (--calibrate had" in said(scored)[0]
    assert scored.predictions.decisions_only
    assert scored.predictions.select("test").decisions_only


def test_without_a_validation_split_thresholds_stay():
    splits = {one: "train" if split == "val" else split for one, split in SPLITS.items()}
    scored = decide_version(np.full(Y.shape, 0.5, np.float32), NAMES, DATA, Choices(splits=splits))
    assert "val" not in scored.predictions.split
    assert set(scored.thresholds.values()) == {0.5}
    assert "nothing can be tuned on 0 projects" in said(scored)[0]


def test_what_is_in_no_split_may_have_been_learned_from():
    splits = {one: split for one, split in SPLITS.items() if split == "test"}
    scored = decide_version(np.full(Y.shape, 0.5, np.float32), NAMES, DATA, Choices(splits=splits))
    assert set(scored.predictions.split) == {"train", "test"}
    # All of train is out of fold, or seen by no predictor: then it may choose thresholds.
    zero_shot = Choices(splits=splits, out_of_fold="yes")
    y_prob = np.where(Y, 0.3, 0.1).astype(np.float32)
    scored = decide_version(y_prob, NAMES, DATA, zero_shot)
    assert all(0.1 < one <= 0.3 for one in scored.thresholds.values())


def test_a_split_that_is_drawn_now_says_what_it_may_hide():
    scored = decide_version(np.full(Y.shape, 0.25, np.float32), NAMES, DATA, Choices())
    assert set(scored.predictions.split) == {"train", "val", "test"}
    assert "the data states no test split, so one was drawn" in said(scored)[0]
    assert set(scored.thresholds.values()) == {0.5}


def test_rows_that_sum_to_one_are_noticed():
    softmax = np.full(Y.shape, 0.25, np.float32)
    scored = decide_version(softmax, NAMES, DATA, Choices(splits=SPLITS))
    assert "sum to 1, as a softmax makes them" in said(scored)[0]


def test_a_tag_that_the_data_lacks_is_refused_by_name():
    with pytest.raises(TagifaiError, match=r"segmentatoin.*segmentation"):
        decide_version(
            np.full((160, 1), 0.5, np.float32), ["segmentatoin"], DATA, Choices(splits=SPLITS)
        )
    with pytest.raises(TagifaiError, match="no test project of this data"):
        decide_version(
            np.full(Y.shape, 0.5, np.float32), NAMES, DATA, Choices(splits={"0": "train"})
        )


def test_a_val_split_that_the_predictor_saw_is_warned_of():
    rng = np.random.default_rng(0)
    splits = np.array(list(SPLITS.values()))
    y_prob = np.where(Y, 0.8, 0.2) * np.ones(Y.shape)
    noise = rng.random(Y.shape)
    y_prob[splits == "test"] = noise[splits == "test"]
    scored = decide_version(y_prob.astype(np.float32), NAMES, DATA, Choices(splits=SPLITS))
    assert [one.kind for one in scored.warnings] == ["val_exceeds_test"]
    assert (scored.tuned_on, scored.calibrated_on) == (40, 0)


def test_the_message_of_a_strange_tag_says_how_to_leave_it_out():
    with pytest.raises(TagifaiError, match=r"--map FILE, .* or null, which leaves the column out"):
        decide_version(np.full((160, 1), 0.5, np.float32), ["spam"], DATA, Choices(splits=SPLITS))
