import io
import json
import shutil
from xml.etree import ElementTree

import pytest

from tagifai.cli import parser as cli
from tagifai.cli.review_commands import guess_format
from tagifai.data import load_dataset
from tagifai.errors import TagifaiError
from tagifai.reviews import ReviewStore
from tagifai.services.users import load_users


@pytest.fixture
def data(small_data, tmp_path):
    """A data folder of one's own, project 0 reviewed by two, project 1 by one of them."""
    folder = tmp_path / "data"
    shutil.copytree(small_data, folder)
    store = ReviewStore(folder / "reviews.sqlite", journal="delete")
    for reviewer, project, tag, decision, note in (
        ("ann", "0", "segmentation", "add", "=masks"),
        ("ben", "0", "segmentation", "right", ""),
        ("ann", "1", "computer-vision", "remove", "no picture"),
        ("ann", "1", "natural-language-processing", "add", ""),
        ("ann", "gone", "segmentation", "add", ""),
        ("ann", "2", "segmentation", "skip", ""),
    ):
        store.submit(
            reviewer=reviewer, project=project, tag=tag, decision=decision, note=note,
            version="v0.2.0", data_digest="d",
        )  # fmt: skip
    store.close()
    return folder


@pytest.fixture
def run(data, small_models, capsys):
    def run(*words, data=data):
        arguments = [str(word) for word in words]
        status = cli.main([*arguments, "--data", str(data), "--models", str(small_models)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def run_json(run):
    def run_json(*words, **where):
        status, out, err = run(*words, "--json", **where)
        assert (status, err) == (0, "")
        return json.loads(out)

    return run_json


def test_the_list_says_what_the_reviews_come_to(run, run_json):
    rows = run_json("reviews", "list")
    assert [(row["project"], row["tag"], row["status"]) for row in rows] == [
        ("0", "segmentation", "conflict"),
        ("1", "computer-vision", "remove"),
        ("1", "natural-language-processing", "add"),
        ("gone", "segmentation", "add"),
        ("2", "segmentation", "skipped"),
    ]
    status, out, _ = run("reviews", "list")
    assert status == 0
    assert "ann: add, ben: right" in out
    assert "no picture" in out


@pytest.mark.parametrize("kind", ["jsonl", "csv", "label-studio", "argilla"])
def test_what_is_exported_is_imported_again(run, run_json, small_data, tmp_path, kind):
    suffix = {"jsonl": "jsonl", "csv": "csv"}.get(kind, "json")
    file = tmp_path / f"reviews.{suffix}"
    told = run_json("reviews", "export", "--format", kind, "-o", file)
    assert (told["reviews"], told["to"]) == (6, str(file))
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(small_data, elsewhere)
    brought = run_json("reviews", "import", file, data=elsewhere)
    assert {key: value for key, value in brought.items() if value} == {
        "format": kind, "num_new": 6, "num_other_data": 6, "num_unknown": 1,
    }  # fmt: skip
    first = run_json("reviews", "list")
    assert run_json("reviews", "list", data=elsewhere) == first
    assert run("reviews", "import", file)[1].startswith("0 new reviews, 6 known before")


def test_more_than_is_read_back_is_not_written(run, data, tmp_path):
    store = ReviewStore(data / "reviews.sqlite", journal="delete")
    for number in range(600):
        store.submit(
            reviewer=f"r{number}", project="0", tag="segmentation", decision="skip",
            note="x" * 2_000, version="v0.2.0", data_digest="d",
        )  # fmt: skip
    store.close()
    file = tmp_path / "reviews.jsonl"
    status, _, err = run("reviews", "export", "-o", file, "--max-reviews", 1)
    assert status == 1
    assert "the reviews as jsonl: 1," in err
    assert "at most 1,048,576 (1 MB: --max-reviews or TAGIFAI_MAX_REVIEWS) are read" in err
    assert not file.exists()
    assert run("reviews", "export", "-o", file)[0] == 0
    status, _, err = run("reviews", "import", file, "--max-reviews", 1)
    assert status == 1
    assert err.startswith(f"tagifai: {file}: 1,")
    assert run("reviews", "import", file)[0] == 0


def test_without_a_file_an_export_is_printed(run):
    status, out, err = run("reviews", "export")
    assert (status, err) == (0, "")
    assert [json.loads(line)["project"] for line in out.splitlines()] == [
        "0", "0", "1", "1", "gone", "2",
    ]  # fmt: skip


def test_suspicious_pairs_are_asked_about(run_json, small_data, tmp_path):
    empty = tmp_path / "empty"
    shutil.copytree(small_data, empty)
    told = run_json("reviews", "export", "--format", "label-studio", "--ask", "3", data=empty)
    tasks = json.loads(told["content"])
    asked = [(task["data"]["project_id"], tag) for task in tasks for tag in task["data"]["asked"]]
    assert len(asked) == 6
    assert all(task["predictions"] for task in tasks)
    tags = {p.id: p.tags for p in load_dataset(empty).projects}
    assert sum(tag in tags[one] for one, tag in asked) == 3
    assert not (empty / "reviews.sqlite").exists()


def test_apply_writes_a_corrected_copy_and_says_what_changed(run, run_json, data, tmp_path):
    before = (data / "projects.json").read_bytes()
    to = tmp_path / "corrected"
    told = run_json("reviews", "apply", "--to", to)
    assert (data / "projects.json").read_bytes() == before
    assert {key: told[key] for key in ("num_projects", "num_added", "num_removed")} == {
        "num_projects": 1, "num_added": 1, "num_removed": 1,
    }  # fmt: skip
    assert (told["unknown"], told["num_conflicts"]) == (["gone"], 1)
    tags = {p.id: p.tags for p in load_dataset(to).projects}
    old = {p.id: p.tags for p in load_dataset(data).projects}
    assert set(tags["1"]) == set(old["1"]) - {"computer-vision"} | {"natural-language-processing"}
    assert {one: own for one, own in tags.items() if own != old[one]} == {"1": tags["1"]}
    # Reviews travel along, so that nobody is asked twice.
    assert sorted(path.name for path in to.iterdir()) == [
        "projects.json", "reviews.sqlite", "tags.json",
    ]  # fmt: skip
    assert run_json("reviews", "list", data=to) == run_json("reviews", "list")
    again = run_json("reviews", "apply", "--to", tmp_path / "again", data=to)
    assert (again["num_projects"], again["num_same"]) == (0, 2)


def test_apply_tells_people_what_to_do_next(run, tmp_path):
    to = tmp_path / "corrected"
    status, out, _ = run("reviews", "apply", "--to", to)
    assert status == 0
    assert "1 label added and 1 removed, in 1 project;" in out
    assert "Left out, as the data does not have them: 1 project" in out
    assert "Waiting until the reviewers agree: 1 conflict" in out
    assert f"python -m tagifai train --data {to}" in out


def test_reviews_kept_elsewhere_stay_there(run_json, data, small_data, tmp_path):
    file = tmp_path / "mine.sqlite"
    shutil.move(data / "reviews.sqlite", file)
    to = tmp_path / "corrected"
    told = run_json("reviews", "apply", "--to", to, "--reviews", file, data=small_data)
    assert told["num_added"] == 1
    assert not (to / "reviews.sqlite").exists()


def test_label_studio_is_told_the_tags(run):
    status, out, _ = run("reviews", "config")
    assert status == 0
    choices = [e.get("value") for e in ElementTree.fromstring(out).iter("Choice")]
    assert choices == [
        "computer-vision", "natural-language-processing", "segmentation", "transformers",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list"], "no reviews yet; the page keeps them, or `reviews import`"),
        (["export"], "no reviews yet"),
        (["apply", "--to", "x"], "no reviews yet"),
        (["export", "--ask", "2"], "--ask: for label-studio and argilla, got jsonl"),
        (["export", "--format", "argilla", "--ask", "2", "--version", "v9"], "unknown version"),
        (["import", "nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
    ],
)
def test_a_mistake_is_one_line(run, small_data, words, message):
    status, out, err = run("reviews", *words, data=small_data)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert message in err


def test_nothing_accepted_leaves_a_copy_as_it_was(run, small_data, tmp_path):
    file = tmp_path / "r.sqlite"
    store = ReviewStore(file, journal="delete")
    store.submit(reviewer="ann", project="0", tag="segmentation", decision="right")
    store.close()
    to = tmp_path / "x"
    status, out, err = run("reviews", "apply", "--to", to, "--reviews", file, data=small_data)
    assert (status, err) == (0, "")
    assert f"{file}: no accepted change in it, so both are the same" in out
    assert (to / "projects.json").read_bytes() == (small_data / "projects.json").read_bytes()


def labelled(data, run_json, chosen, **given):
    """Export a task, and give the file of what an annotator chose there."""
    told = run_json("reviews", "export", "--format", "label-studio", data=data)
    (task,) = (one for one in json.loads(told["content"]) if one["data"]["project_id"] == "2")
    task |= {"id": 4, "annotations": [{
        "unique_id": "a", "completed_by": 7, "updated_at": "2026-05-01T10:00:00Z",
        "result": [{"from_name": "tags", "type": "choices", "value": {"choices": chosen}}],
        **given,
    }]}  # fmt: skip
    file = data / "back.json"
    file.write_text(json.dumps([task]))
    return file


def test_a_new_tag_is_taken_where_the_command_allows_it(run, run_json, data, tmp_path):
    own = next(p.tags for p in load_dataset(data).projects if p.id == "2")
    file = labelled(data, run_json, [*own, "gardening"])
    status, out, err = run("reviews", "import", file)
    assert (status, out) == (1, "")
    assert err.startswith(f"tagifai: {file}: row 1, annotation a: 1 unknown tag: 'gardening'; ")
    assert err.endswith("; --new-tags takes what is added as a new tag\n")
    before = (data / "tags.json").read_text()
    assert "New tags: 'gardening'" in run("reviews", "import", file, "--new-tags")[1]
    # From now on it is offered, and known.
    assert '<Choice value="gardening"/>' in run("reviews", "config")[1]
    assert run("reviews", "import", file)[1].startswith("0 new reviews")
    to = tmp_path / "corrected"
    out = run("reviews", "apply", "--to", to)[1]
    assert "New tags, which the data did not have: 'gardening'" in out
    told = run_json("reviews", "apply", "--to", tmp_path / "again")
    assert told["new_tags"] == ["gardening"]
    after = load_dataset(to)
    assert next(p.tags for p in after.projects if p.id == "2") == (*own, "gardening")
    assert list(after.tags)[-1] == "gardening"
    # The tag file is as it was, and one entry longer.
    changed = (to / "tags.json").read_text()
    end = next(at for at in range(len(before)) if before[at] != changed[at])
    assert changed.endswith(before[end:])
    assert len(changed) > len(before)


def test_another_spelling_is_no_new_tag(run, run_json, data):
    file = labelled(data, run_json, ["Computer Vision"])
    status, out, err = run("reviews", "import", file, "--new-tags")
    assert (status, out) == (1, "")
    assert "'Computer Vision' is another spelling of 'computer-vision', and no new tag" in err


def test_reviews_of_a_misspelt_tag_are_refused(run, data, tmp_path):
    review = {"uid": "u", "at": "2026-05-01T10:00:00.000000Z", "reviewer": "ann", "project": "1"}
    file = tmp_path / "r.jsonl"
    for decision, tag in (("remove", "Segmentation"), ("right", "transformer")):
        file.write_text("\n" + json.dumps({**review, "tag": tag, "decision": decision}))
        for flags in ((), ("--new-tags",)):
            status, out, err = run("reviews", "import", file, *flags)
            assert (status, out) == (1, "")
            assert err.startswith(f"tagifai: {file}: row 2: 1 unknown tag: {tag!r} (did you mean ")
    assert len(ReviewStore(data / "reviews.sqlite", journal="delete").events()) == 6


def test_an_import_says_what_it_did_not_use(run, run_json, data):
    run("reviews", "import", labelled(data, run_json, ["segmentation"]))
    later = {"updated_at": "2026-05-02T10:00:00Z"}
    out = run("reviews", "import", labelled(data, run_json, [], was_cancelled=True, **later))[1]
    assert "No decisions: 1 × skipped annotation" in out
    assert "Replaced by a later state of their annotation: " in out
    file = labelled(data, run_json, [])
    file.write_text(file.read_text().replace('"unique_id": "a"', '"unique_id": "b"'))
    out = run("reviews", "import", file)[1]
    assert "Not in this file, though their tasks are: 1 annotation known before" in out
    assert "--take-back-missing takes them back" in out
    out = run("reviews", "import", file, "--take-back-missing")[1]
    assert "Taken back, as the file no longer has them: the decisions of 1 annotation" in out
    assert run_json("reviews", "import", file)["num_missing"] == 0


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("r.jsonl", b"", "jsonl"),
        ("R.CSV", b"", "csv"),
        ("r.json", b'[{"data": {}}]', "label-studio"),
        ("r.json", b'[{"fields": {}}]', "argilla"),
    ],
)
def test_a_format_is_told_by_the_file(tmp_path, name, content, kind):
    assert guess_format(tmp_path / name, content) == kind


@pytest.mark.parametrize("content", [b"[]", b"{}", b"{", b"[3]"])
def test_a_format_that_cannot_be_told_is_asked_for(tmp_path, content):
    with pytest.raises(TagifaiError, match="give it with --format"):
        guess_format(tmp_path / "r.json", content)


def test_users_are_added_listed_and_removed(tmp_path, capsys, monkeypatch):
    path = tmp_path / "users.json"

    def run(*words, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = cli.main(["users", *words, "--auth-file", str(path)])
        return status, *capsys.readouterr()

    assert run("add", "ann", typed="correct horse\n") == (0, f"ann added to {path}\n", "")
    assert run("add", "ann", typed="another one\n") == (
        0,
        f"ann has a new password in {path}\n",
        "",
    )
    assert run("list") == (0, "ann\n", "")
    assert run("add", "ben", typed="short\n")[0] == 1
    assert run("remove", "ben") == (1, "", "tagifai: unknown user 'ben': allowed: ann\n")
    assert run("remove", "ann") == (0, f"ann removed from {path}\n", "")
    assert load_users(path) == {}
