"""Replay the cases that once came out wrong, from the command line, where their folder is at hand.

The folder holds small inputs, each of a kind; `TAGIFAI_CASES` names it.
"""

import difflib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CASES = Path(os.environ.get("TAGIFAI_CASES", ROOT.parent / "shared" / "cases"))
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason=f"no cases in {CASES}; set TAGIFAI_CASES to their folder"
)
QUICK = ("folds=2", "word_ngrams=1", "char_ngrams=0", "aliases=none", "estimator=logistic",
         "log_count_ratio=false")  # fmt: skip


@pytest.fixture
def case(tmp_path, request):
    """Copy the case that the test names, or the plain data, into a folder to work in."""
    folder = tmp_path / "data"
    folder.mkdir()
    for path in (CASES / request.param).iterdir():
        shutil.copyfile(path, folder / path.name)
    if not (folder / "projects.json").exists():
        shutil.copyfile(CASES / "fruit-data" / "projects.json", folder / "projects.json")
    return folder


def run(
    *words: object, data: Path, status: int = 0, lines: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command on the data of a case, with a folder of versions beside it."""
    done = subprocess.run(
        [sys.executable, "-m", "tagifai", *map(str, words),
         "--data", str(data), "--models", str(data.parent / "models")],
        capture_output=True, text=True, check=False, cwd=ROOT, input=lines,
    )  # fmt: skip
    assert done.returncode == status, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done


def train(data: Path, *settings: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    sets = [word for setting in (*QUICK, *settings) for word in ("--set", setting)]
    return run("train", *sets, data=data, status=status)


def performance(data: Path, version: str = "workspace") -> dict:
    return json.loads((data.parent / "models" / version / "performance.json").read_text())


@pytest.mark.parametrize("case", ["tags-misspelt"], indirect=True)
def test_misspelt_tags_of_predictions_are_refused_with_the_nearest(case):
    told = run("import-predictions", "v1", case / "predictions.jsonl", data=case, status=1).stderr
    assert "'Apples'" in told
    assert "'apples'" in told
    assert "'boats '" in told
    assert "'boats'" in told
    assert not (case.parent / "models" / "v1").exists()
    mended = (case / "predictions.jsonl").read_text()
    mended = mended.replace('"Apples"', '"apples"').replace('"boats "', '"boats"')
    (case / "predictions.jsonl").write_text(mended)
    run("import-predictions", "v1", case / "predictions.jsonl", data=case)
    assert performance(case, "v1")["overall"]["micro"]["f1"] == pytest.approx(1, abs=5e-4)


@pytest.mark.parametrize("case", ["annotations"], indirect=True)
def test_what_an_annotator_takes_back_is_taken_back(case):
    for name in ("first", "corrected"):
        run("reviews", "import", case / f"label-studio-{name}.json", data=case)
    to = case.parent / "corrected"
    run("reviews", "apply", "--to", to, data=case)
    assert json.loads((to / "projects.json").read_text()) == json.loads(
        (case / "projects.json").read_text()
    )


@pytest.mark.parametrize("case", ["annotations"], indirect=True)
def test_an_added_label_is_applied_while_it_stands(case):
    run("reviews", "import", case / "label-studio-first.json", data=case)
    to = case.parent / "corrected"
    run("reviews", "apply", "--to", to, data=case)
    by_id = {row["id"]: row["tags"] for row in json.loads((to / "projects.json").read_text())}
    assert sorted(by_id[98]) == ["apples", "boats"]


@pytest.mark.parametrize("case", ["annotations"], indirect=True)
def test_a_choice_that_the_data_lacks_is_refused_or_becomes_a_new_tag(case):
    file = case / "label-studio-new-choice.json"
    assert "'gardening'" in run("reviews", "import", file, data=case, status=1).stderr
    run("reviews", "import", "--new-tags", file, data=case)
    to = case.parent / "corrected"
    run("reviews", "apply", "--to", to, data=case)
    by_id = {row["id"]: row["tags"] for row in json.loads((to / "projects.json").read_text())}
    assert sorted(by_id[98]) == ["boats", "gardening"]


@pytest.mark.parametrize("case", ["annotations"], indirect=True)
def test_a_renamed_control_is_refused_by_name(case):
    file = case / "label-studio-control-renamed.json"
    told = run("reviews", "import", file, data=case, status=1).stderr
    assert "'topic'" in told
    assert "'tags'" in told


@pytest.mark.parametrize("case", ["excluded-names"], indirect=True)
def test_nothing_is_excluded_unless_the_data_says_so(case):
    assert "4 to learn" in run("data", "check", data=case).stdout
    train(case)
    assert set(performance(case)["class"]) >= {"python", "r", "visualization"}
    (case / "data.toml").write_text('excluded = ["r"]\n')
    assert "excluded" in run("data", "check", data=case).stdout
    trained = train(case)
    assert "excluded" in trained.stdout + trained.stderr
    assert "r" not in performance(case)["class"]


@pytest.mark.parametrize("case", ["untagged"], indirect=True)
def test_untagged_projects_are_negatives(case):
    train(case)
    overall = performance(case)["overall"]
    projects = json.loads((case / "projects.json").read_text())
    untagged = [p for p in projects if not p["tags"]]
    assert len(untagged) == 200
    assert overall["num_samples"] == 60
    texts = "\n".join(f"{p['title']} {p['description']}" for p in untagged)
    answers = json.loads(run("predict", "--json", data=case, lines=texts).stdout)["predictions"]
    tagged = sum(bool(answer["tags"]) for answer in answers)
    assert tagged < 40


@pytest.mark.parametrize("case", ["undefined"], indirect=True)
def test_undefined_is_not_zero(case):
    run("train", "--set", "min_tag_freq=2", data=case)
    found = performance(case)
    assert found["class"]["rare"]["f1"] is None
    assert found["overall"]["macro"]["f1"] == 1
    assert found["overall"]["macro"]["num_tags"]["f1"] == 4
    assert found["slices"]["class"] == {}


@pytest.mark.parametrize("case", ["nfd"], indirect=True)
def test_both_unicode_forms_read_the_same(case):
    read = [
        run("preprocess", (case / name).read_text().strip(), data=case).stdout
        for name in ("nfc.txt", "nfd.txt")
    ]
    assert read[0] == read[1]
    assert read[0].startswith("ärzte öffnen")
    report = json.loads(run("data", "check", "--json", data=case).stdout)
    assert {"same-title", "near-duplicate"} & {found["rule"] for found in report["findings"]}


@pytest.mark.parametrize("case", ["spelling"], indirect=True)
def test_spellings_of_one_tag_are_found(case):
    told = run("data", "check", data=case).stdout
    for name in ("Apples", "apples", "time series", "time-series", "caf"):
        assert name in told
    report = json.loads(run("data", "check", "--json", data=case).stdout)
    rule = next(found for found in report["findings"] if "spelling" in found["rule"])
    assert rule["count"] == 3


@pytest.mark.parametrize("case", ["stopwords-only"], indirect=True)
def test_texts_of_stopwords_end_in_one_line(case):
    told = train(case, status=1).stderr
    assert "no text has a word left after preprocessing" in told


@pytest.mark.parametrize("case", ["slices-of-imports"], indirect=True)
def test_slices_are_scored_for_imports_as_for_training(case):
    file = case / "predictions.jsonl"
    told = run("import-predictions", "v1", file, data=case, status=1).stderr
    assert "'Apples'" in told
    assert "'apples'" in told
    slices = json.loads((case / "slices.json").read_text())
    (case / "slices.json").write_text(json.dumps(slices[1:]))
    run("import-predictions", "v1", file, data=case)
    by_name = performance(case, "v1")["slices"]["class"]
    assert list(by_name) == ["fruit2"]
    assert by_name["fruit2"]["num_samples"] > 0


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
@pytest.mark.parametrize("case", ["apply-format"], indirect=True)
def test_applying_a_review_changes_its_line_alone(case, form):
    rows = json.loads((CASES / "fruit-data" / "projects.json").read_text())
    (case / "projects.json").unlink()
    file = case / f"projects.{form}"
    if form == "csv":
        lines = ["id,title,description,tags"]
        for row in rows:
            cell = json.dumps(row["tags"]).replace('"', '""')
            lines.append(f'{row["id"]},{row["title"]},{row["description"]},"{cell}"')
        file.write_bytes(b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode())
    elif form == "jsonl":
        file.write_bytes("".join(f"{json.dumps(row)}\r\n" for row in rows).encode())
    else:
        body = ",\n".join(json.dumps(row) for row in rows)
        file.write_text(f"[\n{body}\n]\n")
    run("reviews", "import", "--new-tags", case / "rev.jsonl", data=case)
    to = case.parent / "corrected"
    run("reviews", "apply", "--to", to, data=case)
    old = file.read_bytes().splitlines(keepends=True)
    new = (to / file.name).read_bytes().splitlines(keepends=True)
    changed = [
        line for line in difflib.diff_bytes(difflib.unified_diff, old, new, n=0)
        if line[:1] in b"+-" and line[:3] not in (b"---", b"+++")
    ]  # fmt: skip
    assert len(changed) == 2
    assert b"gardening" in changed[1]
    assert changed[0][-2:] == changed[1][-2:]
