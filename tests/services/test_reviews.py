import json
import shutil
from pathlib import Path

import pytest

from tagifai.errors import TagifaiError
from tagifai.permissions import Visit, WriteRules
from tagifai.reviews import ReviewStore
from tagifai.reviews.files import read_reviews
from tagifai.reviews.queues import QueueChoice
from tagifai.services.data import DataService
from tagifai.services.reviews import ReviewDesk, apply_commands
from tagifai.services.versions import VersionService
from tagifai.settings import Settings
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource

HERE = Visit(host="127.0.0.1:7860", client="127.0.0.1")
MISSING = QueueChoice("v0.2.0")


def desk_on(data, models, path, rules=None):
    versions = VersionService(
        FolderSource(models), ContentCache(open_memory(None)), DataService(data)
    )
    return ReviewDesk(versions, path, rules)


@pytest.fixture
def desk(small_data, small_models, tmp_path):
    return desk_on(small_data, small_models, tmp_path / "reviews.sqlite")


def pairs(desk, choice=MISSING, reader="local"):
    found = desk.page(choice, reader=reader, size=1_000)
    assert found.num_found == len(found.items)
    return [(item["id"], item["tag"]) for item in found.items]


def test_a_page_ranks_pairs_without_the_tag_and_writes_no_file(desk):
    data = desk.versions.data.get().by_id
    listed = pairs(desk)
    assert len(listed) == len(set(listed)) == 80 * 4 - sum(len(p.tags) for p in data.values())
    assert not any(tag in data[one].tags for one, tag in listed)
    wrong = pairs(desk, QueueChoice("v0.2.0", "wrong"))
    assert all(tag in data[one].tags for one, tag in wrong)
    scores = [item["score"] for item in desk.page(MISSING, size=1_000).items]
    assert scores == sorted(scores, reverse=True)
    assert desk.events() == ()
    assert desk.counts() == {"add": 0, "remove": 0, "right": 0, "conflict": 0, "skipped": 0}
    assert not desk.path.exists()


def test_a_version_whose_model_saw_train_is_judged_on_the_other_splits(
    small_data, small_models, tmp_path
):
    shutil.copytree(small_models, tmp_path / "model")
    info = tmp_path / "model/v0.2.0/version.json"
    desk = desk_on(small_data, tmp_path / "model", tmp_path / "reviews.sqlite")
    before = {one for one, _ in pairs(desk)}
    assert desk.changes_since("v0.2.0") == ""
    info.write_text(json.dumps(json.loads(info.read_text()) | {"out_of_fold": "no"}))
    after = {one for one, _ in pairs(desk)}
    split = desk.versions.predictions("v0.2.0")
    assert after == {one for one in before if split.split[split.row_of[one]] != "train"} != before
    assert desk.changes_since("v0.2.0") == (
        "Probabilities of train projects come from a model that saw them (out_of_fold: no), so "
        "val and test alone are used."
    )
    with pytest.raises(TagifaiError, match="split 'train': probabilities of train projects"):
        desk.page(QueueChoice("v0.2.0", split="train"))
    info.write_text(json.dumps(json.loads(info.read_text()) | {"out_of_fold": "maybe"}))
    with pytest.raises(
        TagifaiError,
        match=r"v0\.2\.0/version\.json: out_of_fold: one of yes, no, unknown is needed, got",
    ):
        desk.page(MISSING)


def test_filters_narrow_the_queue(desk):
    listed = pairs(desk, QueueChoice("v0.2.0", tag="transformers", split="test"))
    split = desk.versions.predictions("v0.2.0")
    assert listed
    assert {tag for _, tag in listed} == {"transformers"}
    assert {str(split.split[split.row_of[one]]) for one, _ in listed} == {"test"}


def test_a_decision_takes_the_pair_away_and_the_next_comes_up(desk):
    first, second, third = pairs(desk)[:3]
    assert desk.after(MISSING, None) == first
    kept = desk.decide(HERE, "v0.2.0", second, "add", "named in the title")
    assert (kept.reviewer, kept.project, kept.tag) == ("local", *second)
    assert (kept.version, kept.data_digest) == ("v0.2.0", desk.versions.data.get().dataset.digest)
    assert desk.after(MISSING, second, reader="local") == third
    assert pairs(desk)[:2] == [first, third]
    assert pairs(desk, QueueChoice("v0.2.0", state="decided")) == [second]
    described = desk.describe("v0.2.0", second)
    assert described["status"] == "add"
    assert [review["note"] for review in described["reviews"]] == ["named in the title"]

    undone = desk.undo(HERE)
    assert (undone.project, undone.tag) == second
    assert pairs(desk)[:3] == [first, second, third]
    with pytest.raises(TagifaiError, match="nothing to undo for 'local'"):
        desk.undo(HERE)


def test_a_queue_is_the_same_until_somebody_reviews(desk):
    stamp = desk.stamp("v0.2.0")
    first = pairs(desk)[0]
    assert desk.stamp("v0.2.0") == stamp != desk.stamp("v0.1.0")
    desk.decide(HERE, "v0.2.0", first, "add")
    decided = desk.stamp("v0.2.0")
    desk.undo(HERE)
    assert len({stamp, decided, desk.stamp("v0.2.0")}) == 3


def test_the_page_with_a_pair_is_found(desk):
    listed = pairs(desk)
    found = desk.page_with(MISSING, listed[25])
    assert (found.number, found.items[5]["id"], found.items[5]["tag"]) == (3, *listed[25])
    assert desk.page_with(MISSING, ("gone", "nlp")).number == 1


def test_reviews_are_on_the_disk_when_they_are_acknowledged(desk):
    pair = pairs(desk)[0]
    desk.decide(HERE, "v0.2.0", pair, "right")
    other = ReviewStore(desk.path, journal="delete")
    assert [(e.project, e.tag, e.decision) for e in other.events()] == [(*pair, "right")]
    # And what another process writes is seen here.
    other.submit(reviewer="ben", project=pair[0], tag=pair[1], decision="add")
    assert desk.counts()["conflict"] == 1
    assert pairs(desk, QueueChoice("v0.2.0", state="conflicts")) == [pair]
    assert [path.name for path in desk.path.parent.iterdir()] == ["reviews.sqlite"]


def test_two_reviewers_who_disagree_change_nothing(small_data, small_models, tmp_path):
    rules = WriteRules(local=False, reviewers=frozenset({"ann", "ben"}))
    desk = desk_on(small_data, small_models, tmp_path / "r.sqlite", rules)
    pair = pairs(desk, reader="ann")[0]
    desk.decide(Visit(user="ann"), "v0.2.0", pair, "add")
    assert pair not in pairs(desk, QueueChoice("v0.2.0", state="not by me"), "ann")
    assert pair in pairs(desk, QueueChoice("v0.2.0", state="not by me"), "ben")
    before = desk.preview("v0.2.0")
    assert before["num_changed"] + before["num_elsewhere"] == 1
    desk.decide(Visit(user="ben"), "v0.2.0", pair, "right")
    assert desk.describe("v0.2.0", pair)["status"] == "conflict"
    after = desk.preview("v0.2.0")
    assert after["num_changed"] + after["num_elsewhere"] == 0
    # Each undoes their own.
    desk.undo(Visit(user="ann"))
    assert desk.describe("v0.2.0", pair)["status"] == "right"


@pytest.mark.parametrize(
    ("visit", "message"),
    [
        (Visit(user="eve", host="x"), "'eve' is not among the reviewers"),
        (Visit(host="x"), "reviewers who logged in"),
        (Visit(user="ann", host="x", origin="http://evil.example"), "another site"),
    ],
)
def test_who_may_not_write_writes_nothing(small_data, small_models, tmp_path, visit, message):
    rules = WriteRules(local=False, reviewers=frozenset({"ann"}))
    desk = desk_on(small_data, small_models, tmp_path / "r.sqlite", rules)
    pair = pairs(desk)[0]
    with pytest.raises(TagifaiError, match=message):
        desk.decide(visit, "v0.2.0", pair, "add")
    with pytest.raises(TagifaiError, match=message):
        desk.undo(visit)
    assert not desk.path.exists()


@pytest.mark.parametrize(
    ("pair", "decision", "message"),
    [
        (("gone", "transformers"), "add", "project 'gone' is not in the data"),
        (
            ("0", "transformer"),
            "add",
            r"1 unknown tag: 'transformer' \(did you mean 'transformers'",
        ),
        (("0", "transformers"), "sell", "unknown decision 'sell'"),
        (("0", "computer-vision"), "remove", "does not carry 'computer-vision'"),
        (("0", "natural-language-processing"), "add", "'0' carries 'natural-language-processing'"),
    ],
)
def test_what_cannot_be_decided_is_said(desk, pair, decision, message):
    with pytest.raises(TagifaiError, match=message):
        desk.decide(HERE, "v0.2.0", pair, decision)
    assert desk.events() == ()


def test_a_pair_is_described_with_its_evidence(desk):
    one, tag = pairs(desk)[0]
    found = desk.describe("v0.2.0", (one, tag))
    project = desk.versions.data.get().by_id[one]
    assert (found["id"], found["tag"], found["kind"]) == (one, tag, "missing")
    assert found["text"] == project.text
    assert found["tags"] == list(project.tags)
    assert 0 <= found["probability"] <= 1
    assert len(found["neighbours"]) <= 10
    named = next(
        desk.describe("v0.2.0", pair)
        for pair in pairs(desk, QueueChoice("v0.2.0", "wrong"))
        if desk.describe("v0.2.0", pair)["named"]
    )
    (start, stop), *_ = named["marks"]
    assert named["text"][start:stop].lower().replace("-", " ") == named["named"]


def test_what_cannot_be_described_is_said(desk):
    with pytest.raises(TagifaiError, match="project 'gone' is not in the data and the version"):
        desk.describe("v0.2.0", ("gone", "transformers"))
    with pytest.raises(TagifaiError, match="unknown tag 'rl'"):
        desk.describe("v0.2.0", ("0", "rl"))
    with pytest.raises(TagifaiError, match=r"unknown version 'v9'"):
        desk.page(QueueChoice("v9"))


def test_the_preview_scores_the_same_predictions_against_other_labels(desk):
    predictions = desk.versions.predictions("v0.2.0")
    test = [i for i, s in zip(predictions.ids, predictions.split, strict=True) if s == "test"]
    choice = QueueChoice("v0.2.0", split="test")
    chosen = [pair for pair in pairs(desk, choice) if pair[0] in test][:3]
    for pair in chosen:
        desk.decide(HERE, "v0.2.0", pair, "add")
    found = desk.preview("v0.2.0")
    assert found["num_changed"] == 3
    assert found["now"] == desk.versions.load("v0.2.0").performance["overall"]
    assert found["then"]["recall"] != found["now"]["recall"]


def test_applied_reviews_are_left_out_of_the_old_versions_queue(small_data, small_models, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small_data, data)
    desk = desk_on(data, small_models, tmp_path / "r.sqlite")
    one, tag = pairs(desk)[0]
    assert desk.changes_since("v0.2.0") == ""
    rows = json.loads((data / "projects.json").read_text())
    for row in rows:
        row["tags"] += [tag] if row["id"] == one else []
    (data / "projects.json").write_text(json.dumps(rows[:-1]))
    assert (one, tag) not in pairs(desk)
    assert desk.changes_since("v0.2.0") == (
        "Changed since this version was made, so left out: 1 project gone from the data, "
        "1 label changed."
    )


def test_an_export_is_read_again(desk):
    pair = pairs(desk)[0]
    desk.decide(HERE, "v0.2.0", pair, "skip", "später")
    assert read_reviews(desk.export().encode(), "jsonl").reviews == desk.events()


def test_a_reader_is_named_or_told_why_not(desk):
    assert desk.reader_of(HERE) == ("local", "")
    name, why = desk.reader_of(Visit(client="10.0.0.9", host="10.0.0.1"))
    assert name == ""
    assert why.startswith("read-only: ")


def test_the_commands_can_be_pasted():
    settings = Settings(data=Path("my data"), models="git:x y", reviews="r.sqlite")
    assert apply_commands(settings) == [
        "python -m tagifai reviews apply --data 'my data' --reviews r.sqlite --to "
        "'my data-reviewed'",
        "python -m tagifai train --data 'my data-reviewed' --models 'git:x y'",
    ]
