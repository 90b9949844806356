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
from tagifai.services.reviews import ReviewService, apply_commands
from tagifai.services.versions import VersionService
from tagifai.settings import Settings
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource

HERE = Visit(host="127.0.0.1:7860", client="127.0.0.1", owner=True)
MISSING = QueueChoice("v0.2.0")


def service_on(data, models, path, rules=None):
    versions = VersionService(
        FolderSource(models), ContentCache(open_memory(None)), DataService(data)
    )
    return ReviewService(versions, path, rules)


@pytest.fixture
def service(small_data, small_models, tmp_path):
    return service_on(small_data, small_models, tmp_path / "reviews.sqlite")


def pairs(service, choice=MISSING, reader="local"):
    found = service.page(choice, reader=reader, size=1_000)
    assert found.num_found == len(found.items)
    return [item.pair for item in found.items]


def test_a_page_ranks_pairs_without_the_tag_and_writes_no_file(service):
    data = service.versions.data.get().by_id
    listed = pairs(service)
    assert len(listed) == len(set(listed)) == 80 * 4 - sum(len(p.tags) for p in data.values())
    assert not any(tag in data[one].tags for one, tag in listed)
    wrong = pairs(service, QueueChoice("v0.2.0", "wrong"))
    assert all(tag in data[one].tags for one, tag in wrong)
    scores = [item.score for item in service.page(MISSING, size=1_000).items]
    assert scores == sorted(scores, reverse=True)
    assert service.events() == ()
    assert service.counts() == {"add": 0, "remove": 0, "right": 0, "conflict": 0, "skipped": 0}
    assert not service.path.exists()


def test_a_version_whose_model_saw_train_is_judged_on_the_other_splits(
    small_data, small_models, tmp_path
):
    shutil.copytree(small_models, tmp_path / "model")
    info = tmp_path / "model/v0.2.0/version.json"
    service = service_on(small_data, tmp_path / "model", tmp_path / "reviews.sqlite")
    before = {one for one, _ in pairs(service)}
    assert service.changes_since("v0.2.0") == ""
    info.write_text(json.dumps(json.loads(info.read_text()) | {"out_of_fold": "no"}))
    after = {one for one, _ in pairs(service)}
    split = service.versions.predictions("v0.2.0")
    assert after == {one for one in before if split.split[split.row_of[one]] != "train"} != before
    assert service.changes_since("v0.2.0") == (
        "Probabilities of train projects come from a model that saw them (out_of_fold: no), so "
        "val and test alone are used."
    )
    with pytest.raises(TagifaiError, match="split 'train': probabilities of train projects"):
        service.page(QueueChoice("v0.2.0", split="train"))
    info.write_text(json.dumps(json.loads(info.read_text()) | {"out_of_fold": "maybe"}))
    with pytest.raises(
        TagifaiError,
        match=r"v0\.2\.0/version\.json: out_of_fold: one of yes, no, unknown is needed, got",
    ):
        service.page(MISSING)


def test_filters_narrow_the_queue(service):
    listed = pairs(service, QueueChoice("v0.2.0", tag="transformers", split="test"))
    split = service.versions.predictions("v0.2.0")
    assert listed
    assert {tag for _, tag in listed} == {"transformers"}
    assert {str(split.split[split.row_of[one]]) for one, _ in listed} == {"test"}


def test_a_decision_takes_the_pair_away_and_the_next_comes_up(service):
    first, second, third = pairs(service)[:3]
    assert service.after(MISSING, None) == first
    kept = service.decide(HERE, "v0.2.0", second, "add", "named in the title")
    assert (kept.reviewer, kept.project, kept.tag) == ("local", *second)
    assert (kept.version, kept.data_digest) == (
        "v0.2.0",
        service.versions.data.get().dataset.digest,
    )
    assert service.after(MISSING, second, reader="local") == third
    assert pairs(service)[:2] == [first, third]
    assert pairs(service, QueueChoice("v0.2.0", state="decided")) == [second]
    described = service.describe("v0.2.0", second)
    assert described.status == "add"
    assert [review.note for review in described.reviews] == ["named in the title"]

    undone = service.undo(HERE)
    assert (undone.project, undone.tag) == second
    assert pairs(service)[:3] == [first, second, third]
    with pytest.raises(TagifaiError, match="nothing to undo for 'local'"):
        service.undo(HERE)


def test_a_queue_is_the_same_until_somebody_reviews(service):
    stamp = service.stamp("v0.2.0")
    first = pairs(service)[0]
    assert service.stamp("v0.2.0") == stamp != service.stamp("v0.1.0")
    service.decide(HERE, "v0.2.0", first, "add")
    decided = service.stamp("v0.2.0")
    service.undo(HERE)
    assert len({stamp, decided, service.stamp("v0.2.0")}) == 3


def test_the_page_with_a_pair_is_found(service):
    listed = pairs(service)
    found = service.page_with(MISSING, listed[25])
    assert (found.number, found.items[5].pair) == (3, listed[25])
    assert service.page_with(MISSING, ("gone", "nlp")).number == 1


def test_reviews_are_on_the_disk_when_they_are_acknowledged(service):
    pair = pairs(service)[0]
    service.decide(HERE, "v0.2.0", pair, "right")
    other = ReviewStore(service.path, journal="delete")
    assert [(e.project, e.tag, e.decision) for e in other.events()] == [(*pair, "right")]
    # And what another process writes is seen here.
    other.submit(reviewer="ben", project=pair[0], tag=pair[1], decision="add")
    assert service.counts()["conflict"] == 1
    assert pairs(service, QueueChoice("v0.2.0", state="conflicts")) == [pair]
    assert [path.name for path in service.path.parent.iterdir()] == ["reviews.sqlite"]


def test_two_reviewers_who_disagree_change_nothing(small_data, small_models, tmp_path):
    rules = WriteRules(local=False, reviewers=frozenset({"ann", "ben"}))
    service = service_on(small_data, small_models, tmp_path / "r.sqlite", rules)
    pair = pairs(service, reader="ann")[0]
    service.decide(Visit(user="ann"), "v0.2.0", pair, "add")
    assert pair not in pairs(service, QueueChoice("v0.2.0", state="not by me"), "ann")
    assert pair in pairs(service, QueueChoice("v0.2.0", state="not by me"), "ben")
    before = service.preview("v0.2.0")
    assert before.num_changed + before.num_elsewhere == 1
    service.decide(Visit(user="ben"), "v0.2.0", pair, "right")
    assert service.describe("v0.2.0", pair).status == "conflict"
    after = service.preview("v0.2.0")
    assert after.num_changed + after.num_elsewhere == 0
    # Each undoes their own.
    service.undo(Visit(user="ann"))
    assert service.describe("v0.2.0", pair).status == "right"


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
    service = service_on(small_data, small_models, tmp_path / "r.sqlite", rules)
    pair = pairs(service)[0]
    with pytest.raises(TagifaiError, match=message):
        service.decide(visit, "v0.2.0", pair, "add")
    with pytest.raises(TagifaiError, match=message):
        service.undo(visit)
    assert not service.path.exists()


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
def test_what_cannot_be_decided_is_said(service, pair, decision, message):
    with pytest.raises(TagifaiError, match=message):
        service.decide(HERE, "v0.2.0", pair, decision)
    assert service.events() == ()


def test_a_pair_is_described_with_its_evidence(service):
    one, tag = pairs(service)[0]
    found = service.describe("v0.2.0", (one, tag))
    project = service.versions.data.get().by_id[one]
    assert (found.issue.id, found.issue.tag, found.issue.kind) == (one, tag, "missing")
    assert found.text == project.text
    assert found.tags == project.tags
    assert 0 <= found.issue.probability <= 1
    assert len(found.issue.neighbours) <= 10
    named = next(
        service.describe("v0.2.0", pair)
        for pair in pairs(service, QueueChoice("v0.2.0", "wrong"))
        if service.describe("v0.2.0", pair).issue.named
    )
    (start, stop), *_ = named.marks
    assert named.text[start:stop].lower().replace("-", " ") == named.issue.named


def test_what_cannot_be_described_is_said(service):
    with pytest.raises(TagifaiError, match="project 'gone' is not in the data and the version"):
        service.describe("v0.2.0", ("gone", "transformers"))
    with pytest.raises(TagifaiError, match="unknown tag 'rl'"):
        service.describe("v0.2.0", ("0", "rl"))
    with pytest.raises(TagifaiError, match=r"unknown version 'v9'"):
        service.page(QueueChoice("v9"))


def test_the_preview_scores_the_same_predictions_against_other_labels(service):
    predictions = service.versions.predictions("v0.2.0")
    test = [i for i, s in zip(predictions.ids, predictions.split, strict=True) if s == "test"]
    choice = QueueChoice("v0.2.0", split="test")
    chosen = [pair for pair in pairs(service, choice) if pair[0] in test][:3]
    for pair in chosen:
        service.decide(HERE, "v0.2.0", pair, "add")
    found = service.preview("v0.2.0")
    assert found.num_changed == 3
    assert found.now.to_json() == service.versions.load("v0.2.0").performance["overall"]
    assert found.then.weighted.values["recall"] != found.now.weighted.values["recall"]


def test_applied_reviews_are_left_out_of_the_old_versions_queue(small_data, small_models, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small_data, data)
    service = service_on(data, small_models, tmp_path / "r.sqlite")
    one, tag = pairs(service)[0]
    assert service.changes_since("v0.2.0") == ""
    rows = json.loads((data / "projects.json").read_text())
    for row in rows:
        row["tags"] += [tag] if row["id"] == one else []
    (data / "projects.json").write_text(json.dumps(rows[:-1]))
    assert (one, tag) not in pairs(service)
    assert service.changes_since("v0.2.0") == (
        "Changed since this version was made, so left out: 1 project gone from the data, "
        "1 label changed."
    )


def test_an_export_is_read_again(service):
    pair = pairs(service)[0]
    service.decide(HERE, "v0.2.0", pair, "skip", "später")
    assert read_reviews(service.export().encode(), "jsonl").reviews == service.events()


def test_a_reader_is_named_or_told_why_not(service):
    assert service.reader_of(HERE) == ("local", "")
    name, why = service.reader_of(Visit(client="10.0.0.9", host="10.0.0.1"))
    assert name == ""
    assert why.startswith("read-only: ")


def test_the_commands_can_be_pasted():
    settings = Settings(data=Path("my data"), models="git:x y", reviews="r.sqlite")
    assert apply_commands(settings) == [
        "python -m tagifai reviews apply --data 'my data' --reviews r.sqlite --to "
        "'my data-reviewed'",
        "python -m tagifai train --data 'my data-reviewed' --models 'git:x y'",
    ]
