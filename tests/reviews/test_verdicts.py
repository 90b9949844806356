import pytest

from tagifai.predictions import Predictions
from tagifai.reviews import Review
from tagifai.reviews.verdicts import accepted_changes, preview_changes, reach_verdicts


def review(number, reviewer, project, tag, decision, undoes=""):
    at = f"2026-01-01T00:00:{number:02}.000000Z"
    return Review(f"u{number}", at, reviewer, project, tag, decision, undoes=undoes)


def statuses(*events):
    return {pair: v.status for pair, v in reach_verdicts(events).items()}


def test_reviewers_who_agree_reach_a_verdict():
    events = [review(1, "ann", "p", "cv", "add"), review(2, "bob", "p", "cv", "add")]
    assert statuses(*events) == {("p", "cv"): "add"}


@pytest.mark.parametrize(("one", "other"), [("add", "right"), ("right", "remove")])
def test_two_who_disagree_are_a_conflict_whoever_came_last(one, other):
    first, second = review(1, "ann", "p", "cv", one), review(2, "bob", "p", "cv", other)
    assert statuses(first, second) == statuses(second, first) == {("p", "cv"): "conflict"}
    assert accepted_changes(reach_verdicts([first, second])) == {}


def test_one_person_may_change_their_mind_or_take_it_back():
    events = [
        review(1, "ann", "p", "cv", "add"),
        review(2, "bob", "p", "cv", "right"),
        review(3, "ann", "p", "cv", "right"),
    ]
    assert statuses(*events) == {("p", "cv"): "right"}
    assert statuses(*events[:2], review(4, "bob", "p", "cv", "undo", undoes="u2")) == {
        ("p", "cv"): "add"
    }


def test_a_skip_is_no_opinion():
    assert statuses(review(1, "ann", "p", "cv", "skip")) == {("p", "cv"): "skipped"}
    events = [review(1, "ann", "p", "cv", "remove"), review(2, "bob", "p", "cv", "skip")]
    assert statuses(*events) == {("p", "cv"): "remove"}


def test_a_verdict_carries_each_reviewer_s_latest_in_order():
    events = [review(1, "ann", "p", "cv", "add"), review(2, "bob", "p", "cv", "right")]
    changed = review(3, "ann", "p", "cv", "remove")
    (verdict,) = reach_verdicts([*events, changed]).values()
    assert verdict.reviews == (events[1], changed)


def test_changes_are_gathered_by_project():
    events = [
        review(1, "ann", "p", "nlp", "add"),
        review(2, "ann", "p", "cv", "remove"),
        review(3, "ann", "p", "bert", "add"),
        review(4, "ann", "q", "cv", "right"),
    ]
    assert accepted_changes(reach_verdicts(events)) == {
        "p": {"add": ["bert", "nlp"], "remove": ["cv"]}
    }


def test_the_preview_scores_the_same_predictions_against_changed_labels():
    p = Predictions.of(
        ["a", "b", "c"],
        ["test", "test", "train"],
        ["cv"],
        [[0], [1], [0]],
        [[0.9], [0.8], [0.7]],
    )
    changes = {
        "a": {"add": ["cv", "unheard"]},
        "b": {"add": ["cv"]},
        "c": {"add": ["cv"]},
        "gone": {"remove": ["cv"]},
    }
    preview = preview_changes(p, {"cv": 0.5}, changes)
    assert preview.now.micro.precision == 0.5
    assert preview.then.micro.precision == 1.0
    assert (preview.num_changed, preview.num_same) == (1, 1)
    assert (preview.num_elsewhere, preview.num_unknown) == (1, 2)
    assert p.y_true[0, 0] == 0
