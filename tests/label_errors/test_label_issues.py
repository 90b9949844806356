from dataclasses import replace

import numpy as np
import pytest

from tagifai.data import Project, Tag
from tagifai.errors import TagifaiError
from tagifai.label_errors.label_issues import describe_issues, issue_pairs, suspect_labels
from tagifai.predictions import Predictions

N = 120
TAGS = {"cats": Tag("cats", ("cat",)), "dogs": Tag("dogs", ("dog",))}
LEFT_OUT = [4, 50, 88]  # about cats, not tagged
WRONGLY = [7, 61]  # about dogs, tagged as cats too


@pytest.fixture(scope="module")
def projects() -> dict[str, Project]:
    found = {}
    for i in range(N):
        word, tag = ("cat", "cats") if i % 2 == 0 else ("dog", "dogs")
        tags = [] if i in LEFT_OUT else [tag]
        tags += ["cats"] if i in WRONGLY else []
        found[f"p{i}"] = Project(f"p{i}", f"A {word} story", f"{word} number w{i % 9}", tuple(tags))
    return found


@pytest.fixture(scope="module")
def predictions(projects) -> Predictions:
    rng = np.random.default_rng(1)
    about_cats = np.arange(N) % 2 == 0
    prob = np.stack([np.where(about_cats, 0.9, 0.1), np.where(about_cats, 0.1, 0.9)], axis=1)
    truth = [[tag in p.tags for tag in ("cats", "dogs")] for p in projects.values()]
    split = ["test" if i % 5 == 0 else "train" for i in range(N)]
    noisy = np.clip(prob + rng.normal(0, 0.05, prob.shape), 0, 1)
    return Predictions.of(projects, split, ["cats", "dogs"], truth, noisy)


@pytest.fixture(scope="module")
def found(predictions, projects):
    return suspect_labels(predictions, projects, TAGS)


def named(predictions, pairs):
    return [(predictions.ids[row], predictions.tags[column]) for row, column in pairs]


def test_planted_errors_come_first_in_their_queues(found, predictions):
    missing = named(predictions, issue_pairs(found, "missing"))
    wrong = named(predictions, issue_pairs(found, "wrong"))
    assert set(missing[:3]) == {(f"p{i}", "cats") for i in LEFT_OUT}
    assert set(wrong[:2]) == {(f"p{i}", "cats") for i in WRONGLY}


def test_the_queues_hold_every_pair_once(found):
    pairs = [tuple(pair) for kind in ("missing", "wrong") for pair in issue_pairs(found, kind)]
    assert len(pairs) == len(set(pairs)) == N * 2


def test_by_probability_alone_the_order_is_that_of_the_probability(found, predictions):
    pairs = issue_pairs(found, "missing", rank="probability")
    prob = predictions.y_prob[pairs[:, 0], pairs[:, 1]]
    assert (np.diff(prob) <= 0).all()
    assert not predictions.y_true[pairs[:, 0], pairs[:, 1]].any()


def test_filters_by_tag_and_split(found, predictions):
    pairs = named(predictions, issue_pairs(found, "missing", tag="cats", split="test"))
    assert pairs[0] == ("p50", "cats")
    assert {tag for _, tag in pairs} == {"cats"}
    assert all(int(one[1:]) % 5 == 0 for one, _ in pairs)


def test_an_issue_comes_with_its_evidence(found, projects):
    pairs = issue_pairs(found, "missing", tag="cats", split="test")[:1]
    (issue,) = describe_issues(found, pairs, projects, TAGS)
    assert (issue.id, issue.tag, issue.kind, issue.split) == ("p50", "cats", "missing", "test")
    assert issue.named == "cat"
    assert issue.probability > 0.7
    assert issue.neighbour_share > 0.6
    assert issue.neighbours[0].tags == ("cats",)
    assert issue.y_true == ()


def test_errors_do_not_teach_that_evidence_means_little():
    """A fifth of the cats lack their tag; learnt from all labels they would score 0.89."""
    n, rng = 200, np.random.default_rng(4)
    about_cats = np.arange(n) % 2 == 0
    left_out = np.arange(0, n, 10)
    projects = {}
    for i in range(n):
        word = "cat" if about_cats[i] else "dog"
        tags = () if i in left_out else (f"{word}s",)
        projects[f"p{i}"] = Project(f"p{i}", f"A {word} story", f"{word} number w{i % 9}", tags)
    prob = np.where(np.stack([about_cats, ~about_cats], axis=1), 0.7, 0.2)
    noisy = np.clip(prob + rng.normal(0, 0.1, prob.shape), 0, 1)
    truth = [[tag in p.tags for tag in ("cats", "dogs")] for p in projects.values()]
    p = Predictions.of(projects, ["train"] * n, ["cats", "dogs"], truth, noisy)
    assert suspect_labels(p, projects, TAGS).score[left_out, 0].min() > 0.97


def test_wrong_labels_do_not_teach_that_evidence_means_little():
    """A thirtieth of the dogs are tagged as cats, too; learnt from all they would score 0.01."""
    n, rng = 300, np.random.default_rng(4)
    kind, names = np.arange(n) % 3, ["cats", "dogs", "birds"]
    wrongly = np.arange(1, n, 3)[::30]
    projects = {}
    for i in range(n):
        tags = (names[kind[i]], *(["cats"] if i in wrongly else []))
        word = names[kind[i]][:-1]
        projects[f"p{i}"] = Project(f"p{i}", f"A {word} story", f"{word} number w{i % 9}", tags)
    prob = np.where(kind[:, None] == np.arange(3), 0.97, 0.005)
    noisy = np.clip(prob * np.exp(rng.normal(0, 0.2, prob.shape)), 0, 1)
    truth = [[tag in p.tags for tag in names] for p in projects.values()]
    p = Predictions.of(projects, ["train"] * n, names, truth, noisy)
    tags = TAGS | {"birds": Tag("birds", ("bird",))}
    assert suspect_labels(p, projects, tags).score[wrongly, 0].max() < 0.003


def test_gone_projects_and_changed_labels_are_counted_and_left_out(predictions, projects):
    projects = {one: project for one, project in projects.items() if one != "p4"}
    projects["p50"] = Project("p50", "A cat story", "cat", ("cats",))
    found = suspect_labels(predictions, projects, TAGS)
    assert (found.num_gone, found.num_changed) == (1, 1)
    missing = named(predictions, issue_pairs(found, "missing"))
    assert ("p4", "cats") not in missing
    assert ("p50", "cats") not in missing
    assert ("p50", "cats") not in named(predictions, issue_pairs(found, "wrong"))
    assert missing[0] == ("p88", "cats")


def test_few_projects_with_one_kind_of_label_are_ranked_by_probability():
    p = Predictions.of("ab", ["train"] * 2, ["t"], [[0], [0]], [[0.2], [0.6]])
    projects = {one: Project(one, "x", "", ()) for one in "ab"}
    assert named(p, issue_pairs(suspect_labels(p, projects, {}), "missing")) == [
        ("b", "t"),
        ("a", "t"),
    ]


@pytest.mark.parametrize("said", ["no", "unknown"])
def test_where_the_model_saw_the_project_nothing_is_suspected(predictions, projects, said):
    """In-sample probabilities repeat the labels, errors among them: they say nothing."""
    train = predictions.split == "train"
    prob = np.where(train[:, None], 0.01 + 0.98 * predictions.y_true, predictions.y_prob)
    memorised = Predictions.of(
        predictions.ids, predictions.split, predictions.tags, predictions.y_true, prob
    )
    memorised = replace(memorised, out_of_fold=said)
    found = suspect_labels(memorised, projects, TAGS)
    assert not found.open[train].any()
    every = {kind: issue_pairs(found, kind) for kind in ("missing", "wrong")}
    assert sum(map(len, every.values())) == 2 * 24
    for pairs in every.values():
        assert set(predictions.split[pairs[:, 0]]) == {"test"}
    assert named(predictions, every["missing"])[0] == ("p50", "cats")
    # What evidence weighs is learnt from the same projects alone, whatever the model memorised.
    honest = suspect_labels(replace(predictions, out_of_fold=said), projects, TAGS)
    test = ~train
    np.testing.assert_array_equal(found.score[test], honest.score[test])
    with pytest.raises(
        TagifaiError, match=rf"split 'train': .*out_of_fold: {said}\), so val and t"
    ):
        issue_pairs(found, "missing", split="train")
    (issue,) = describe_issues(found, np.array([[1, 0]]), projects, TAGS)
    assert (issue.split, issue.held_out) == ("train", False)
    (issue,) = describe_issues(found, every["missing"][:1], projects, TAGS)
    assert issue.held_out


def test_what_cannot_be_answered_is_said(found, predictions):
    with pytest.raises(TagifaiError, match="unknown kind of label error 'mising': did you mean"):
        issue_pairs(found, "mising")
    with pytest.raises(TagifaiError, match="unknown tag 'cat': did you mean 'cats'"):
        issue_pairs(found, "missing", tag="cat")
    with pytest.raises(TagifaiError, match="no project and tag in the predictions"):
        suspect_labels(Predictions.of([], [], ["t"], np.zeros((0, 1)), np.zeros((0, 1))), {}, {})
