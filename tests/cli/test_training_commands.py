"""Commands on small folders of other people's kind, from the files to the figures."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tagifai.cli import parser as cli
from tagifai.services.data import DataService
from tagifai.services.inspection import InspectionService
from tagifai.services.reviews import ReviewService
from tagifai.services.slices import SliceService
from tagifai.services.versions import VersionService
from tagifai.slices import Conditions
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource

QUICK = [
    "--set=min_tag_freq=5", "--set=folds=2", "--set=word_ngrams=1", "--set=char_ngrams=0",
    "--set=aliases=none", "--set=estimator=logistic", "--set=log_count_ratio=false",
]  # fmt: skip
SPAM = ["prize lottery winner", "winner claims prize", "free prize lottery", "claim free winner"]
HAM = ["meeting agenda notes", "project meeting monday", "notes on agenda", "monday project plan"]


def projects(num_spam: int = 40, num_untagged: int = 80) -> list[dict[str, object]]:
    """Make mails: some tagged spam, all others without a tag."""
    return [
        {
            "id": number,
            "title": f"mail {number}",
            "description": (SPAM if number < num_spam else HAM)[number % 4],
            "tags": ["spam"] if number < num_spam else [],
        }
        for number in range(num_spam + num_untagged)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    write(path / "projects.json", projects())
    return path


@pytest.fixture
def run(folder, tmp_path, capsys):
    """Run a command on the folder; give its status, standard output and standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        words = [*map(str, arguments), "--data", str(folder), "--models", str(tmp_path / "model")]
        status = cli.main(words)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def run_json(run):
    def run_json(*arguments: object):
        status, out, err = run(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    return run_json


@pytest.fixture
def desk(folder, tmp_path) -> VersionService:
    cache = ContentCache(open_memory(None))
    return VersionService(FolderSource(tmp_path / "model"), cache, DataService(folder))


def write(path: Path, content: object) -> None:
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def info(tmp_path: Path, version: str = "workspace") -> dict[str, object]:
    return json.loads((tmp_path / "model" / version / "version.json").read_text())


def test_untagged_projects_are_learned_from_and_tested_on(run, run_json, desk, tmp_path):
    status, out, _ = run("train", *QUICK)
    assert status == 0
    assert "120 projects, 80 of them without a learned tag: negatives of every tag" in out
    predictions = desk.predictions("workspace")
    assert len(predictions.ids) == 120
    untagged = predictions.y_true.sum(axis=1) == 0
    assert {name: int((untagged & (predictions.split == name)).sum()) for name in
            ("train", "val", "test")} == {"train": 56, "val": 12, "test": 12}  # fmt: skip
    assert run_json("performance", "workspace")["overall"]["num_samples"] == 18
    answers = run_json("predict", "--version", "workspace", *SPAM, *HAM)["predictions"]
    assert [answer["tags"] for answer in answers] == [["spam"]] * 4 + [[]] * 4
    made = info(tmp_path)
    assert (made["untagged"], made["num_projects"], made["num_negatives"]) == ("negative", 120, 80)


def test_false_positives_among_untagged_projects_count(run, run_json, folder):
    rows = [
        {"id": row["id"], "split": "test", "probabilities": {"spam": 0.9}} for row in projects()
    ]
    write(folder / "all_spam.jsonl", "\n".join(map(json.dumps, rows)))
    overall = run_json("import-predictions", "v1.0.0", folder / "all_spam.jsonl")["overall"]
    assert overall["num_samples"] == 120
    assert overall["precision"] == pytest.approx(40 / 120)
    assert overall["recall"] == 1.0


def test_unlabelled_projects_are_left_out_and_every_figure_says_so(
    run, run_json, desk, folder, tmp_path
):
    write(folder / "data.toml", 'untagged = "unlabelled"')
    write(folder / "projects.json", [
        {**row, "tags": row["tags"] or (["ham"] if number % 2 else [])}
        for number, row in enumerate(projects())
    ])  # fmt: skip
    note = "40 unlabelled projects are left out"
    for name in ("v1.0.0", "v2.0.0"):
        status, out, _ = run("train", *QUICK)
        assert (status, note in out) == (0, True)
        assert run("release", name)[0] == 0
    predictions = desk.predictions("v1.0.0")
    assert len(predictions.ids) == 80
    assert predictions.y_true.any(axis=1).all()
    assert run_json("performance", "v1.0.0")["note"] == note
    assert f"{note}." in run("performance", "v1.0.0")[1]
    assert f"v1.0.0: {note}." in run("versions")[1]
    assert run_json("versions")[0]["note"] == f"{note}."
    assert f"v1.0.0 and v2.0.0: {note}." in run("diff", "v1.0.0", "v2.0.0")[2]
    assert info(tmp_path)["left_out"]["unlabelled"] == 40
    for words in (["v1.0.0"], ["v1.0.0", "v2.0.0"]):
        page = tmp_path / "report.html"
        assert run("report", *words, "-o", page)[0] == 0
        assert f"{note}." in page.read_text()
    picture = tmp_path / "history.png"
    assert f"v1.0.0: {note}." in run("plot", "history", "-o", picture)[1]
    assert note in " ".join(InspectionService(desk).notes("v1.0.0"))
    measured = SliceService(desk).measure("v1.0.0", Conditions(any_words=("prize", "agenda")))
    assert (measured.num_projects, measured.num_scored) == (70, 30)
    assert measured.note == f"{note}."
    assert note in ReviewService(desk, tmp_path / "reviews.sqlite").changes_since("v1.0.0")
    rows = [{"id": row["id"], "split": "test", "probabilities": {"spam": 0.9, "ham": 0.1}}
            for row in projects()]  # fmt: skip
    write(folder / "predictions.jsonl", "\n".join(map(json.dumps, rows)))
    status, out, _ = run("import-predictions", "v3.0.0", folder / "predictions.jsonl")
    assert (status, note in out) == (0, True)
    assert out.startswith("v3.0.0: 80 projects, 2 tags, ")
    assert "on 80 test projects" in out
    assert run_json("performance", "v3.0.0")["note"] == note


def test_a_project_whose_tags_are_all_too_rare_is_labelled(run, desk, folder):
    write(folder / "data.toml", 'untagged = "unlabelled"\nexcluded = ["boring"]')
    rows = projects()
    for number, row in enumerate(rows[40:], start=40):
        row["tags"] = {0: [], 1: [f"rare{number}"], 2: ["boring"], 3: ["boring"]}[number % 4]
    write(folder / "projects.json", rows)
    status, out, _ = run("train", *QUICK)
    assert status == 0
    assert "100 projects, 60 of them without a learned tag: negatives of every tag" in out
    assert "20 unlabelled projects are left out" in out
    assert "excluded by data.toml: boring 40" in out
    assert len(desk.predictions("workspace").ids) == 100


def test_nothing_but_unlabelled_test_projects_is_refused(run, folder, tmp_path):
    write(folder / "data.toml", 'untagged = "unlabelled"')
    rows = [
        {"id": row["id"], "split": "train" if row["tags"] else "test", "probabilities": {"spam": 0}}
        for row in projects()
    ]
    write(folder / "predictions.jsonl", "\n".join(map(json.dumps, rows)))
    status, _, err = run("import-predictions", "v1.0.0", folder / "predictions.jsonl")
    assert (status, err.count("\n")) == (1, 1)
    assert "every test project is unlabelled" in err
    assert not (tmp_path / "model").exists()


def test_an_untagged_project_can_miss_a_tag(run, desk, folder, tmp_path):
    rows = projects()
    rows[0]["tags"] = []  # a mail that reads like spam, and is not tagged
    write(folder / "projects.json", rows)
    assert run("train", *QUICK)[0] == 0
    from tagifai.reviews.queues import QueueChoice

    reviews = ReviewService(desk, tmp_path / "reviews.sqlite")
    missing = reviews.page(QueueChoice("workspace", "missing"))
    wrong = reviews.page(QueueChoice("workspace", "wrong"))
    assert missing.items[0].pair == ("0", "spam")
    assert (missing.num_found, wrong.num_found) == (81, 39)


def test_excluded_and_unlisted_tags_are_named(run, run_json, folder, tmp_path):
    rows = [
        {**row, "tags": ["mail", *row["tags"], *(["odd"] if number < 7 else [])]}
        for number, row in enumerate(projects())
    ]
    write(folder / "projects.json", rows)
    write(folder / "tags.json", [{"tag": "spam"}, {"tag": "mail"}])
    write(folder / "data.toml", 'excluded = ["mail", "mial"]')
    told = ["excluded by data.toml: mail 120, mial 0", "not in the tag file, so not learned: odd 7"]
    for words in (["data", "check"], ["train", *QUICK]):
        status, out, _ = run(*words)
        assert status == 0
        assert [line for line in told if line in out] == told
    assert info(tmp_path)["left_out"] == {
        "excluded": {"mail": 120, "mial": 0}, "unlisted": {"odd": 7}, "unlabelled": 0,
    }  # fmt: skip
    assert run_json("train", *QUICK)["left_out"]["excluded"] == {"mail": 120, "mial": 0}


def test_nothing_is_excluded_where_the_data_says_nothing(run_json, folder, tmp_path):
    names = ["python", "r", "machine-learning", "wandb"]
    write(folder / "projects.json", [
        {**row, "tags": [names[number % 4]]} for number, row in enumerate(projects())
    ])  # fmt: skip
    left_out = run_json("train", *QUICK)["left_out"]
    assert left_out == {"excluded": {}, "unlisted": {}, "unlabelled": 0}
    assert info(tmp_path)["tags"] == sorted(names)


def test_slices_are_those_of_the_folder_for_train_and_import_alike(run, run_json, folder, desk):
    write(folder / "slices.json", [{"name": "prizes", "any_words": ["prize"]}])
    assert run("train", *QUICK)[0] == 0
    predictions = desk.predictions("workspace")
    rows = [
        {"id": one, "split": str(split), "probabilities": {"spam": float(prob)}}
        for one, split, (prob,) in zip(
            predictions.ids, predictions.split, predictions.y_prob, strict=True
        )
    ]
    write(folder / "predictions.jsonl", "\n".join(map(json.dumps, rows)))
    threshold = desk.thresholds("workspace")["spam"]
    words = ("import-predictions", "v1.0.0", folder / "predictions.jsonl")
    assert run(*words, "--threshold", threshold)[0] == 0
    trained, imported = (
        run_json("performance", name, "--filter", "slices")["slices"]
        for name in ("workspace", "v1.0.0")
    )
    assert list(trained["class"]) == ["prizes"]
    assert imported == trained
    assert trained["class"]["prizes"]["num_samples"] > 0


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        (
            "slices.json",
            [{"name": "s", "all_of": ["Spam"], "any_words": ["prize"]}],
            "slices.json: row 1, all_of: 1 unknown tag: 'Spam' (did you mean 'spam'?)",
        ),
        (
            "behavioral.json",
            [{"type": "MFT", "group": "g", "cases": [{"text": "a", "expected": ["spams"]}]}],
            "behavioral.json: row 1, cases: 1 unknown tag: 'spams' (did you mean 'spam'?)",
        ),
    ],
)
def test_names_that_the_data_does_not_have_stop_before_the_work(
    run, folder, tmp_path, file, content, told
):
    write(folder / file, content)
    for words in (["train", *QUICK], ["train", *QUICK, "--repeat", "2"], ["demo-versions"]):
        status, out, err = run(*words)
        assert (status, out, err) == (1, "", f"tagifai: {folder}/{told}\n")
    assert not (tmp_path / "model").exists()


def test_the_demonstrations_slices_and_tests_appear_on_its_own_data_alone(run, run_json):
    assert run("train", *QUICK)[0] == 0
    performance = run_json("performance", "workspace")
    assert performance["slices"]["class"] == {}
    groups = performance["behavioral"]["by_group"]
    assert not [name for name in groups if re.match("written-|basic-", name)]
    assert performance["behavioral"]["skipped"] == 0


def test_training_warns_of_tags_that_differ_in_spelling_alone(run, folder, desk):
    rows = projects()
    for number, row in enumerate(rows):
        row["tags"] = [["café", "cafe\u0301"][number % 2], ["Big mail", "big-mail"][number % 2]]
    write(folder / "projects.json", rows)
    status, _, err = run("train", *QUICK)
    assert status == 0
    warned = "warning: tags that differ in spelling alone: "
    assert f"{warned}'cafe\\u0301' 60 projects, 'café' 60 projects\n" in err
    assert f"{warned}'Big mail' 60 projects, 'big-mail' 60 projects\n" in err
    assert desk.predictions("workspace").tags == ("Big mail", "big-mail", "café")


def test_folds_and_splits_spread_untagged_projects(run, desk):
    assert run("train", *QUICK, "--set=train_size=0.5", "--set=val_size=0.25")[0] == 0
    predictions = desk.predictions("workspace")
    untagged = predictions.y_true.sum(axis=1) == 0
    shares = [np.mean(untagged[predictions.split == name]) for name in ("train", "val", "test")]
    assert shares == pytest.approx([2 / 3] * 3, abs=0.02)


def test_a_version_that_counts_untagged_projects_otherwise_says_so(run, desk, folder, tmp_path):
    assert run("train", *QUICK)[0] == 0
    assert desk.note("workspace") == ""
    write(folder / "data.toml", 'untagged = "unlabelled"')
    assert desk.note("workspace") == (
        "Untagged projects count as negative in this version, and are unlabelled by data.toml "
        "now: make the version again."
    )
    path = tmp_path / "model" / "workspace" / "version.json"
    before = {key: value for key, value in json.loads(path.read_text()).items()
              if key != "untagged"}  # fmt: skip
    write(path, before)
    assert desk.note("workspace") == (
        "Made when projects without a learned tag were left out: make the version again to "
        "count them."
    )
