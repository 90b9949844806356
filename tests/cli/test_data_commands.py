import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from small_corpus import small_dataset

from tagifai.cli import parser as cli
from tagifai.data.columns import ColumnsFile
from tagifai.data.files import KINDS
from tagifai.data.json_files import MAX_JSON_BYTES
from tagifai.data.validation import MAX_TEXT

ROOT = Path(__file__).parent.parent.parent
TOXIC = (
    "id,comment_text,toxic,obscene,threat,lang\n"
    "a1,You are a fine person.,0,0,0,en\n"
    "a2,You are a damned fool.,1,1,0,en\n"
    "a3,Nobody has read this one.,-1,-1,-1,en\n"
)
SHOWN = """\
train.csv: CSV, UTF-8, separated by commas, 3 rows
  id        id
  title     none
  text      comment_text
  tags      3 columns of 0 and 1: toxic, obscene, threat
  kept      lang
2 projects, 2 labels, 2 tags: obscene 1, toxic 1
note: 1 row left out: nobody decided on their tags (-1)
note: 1 project without a tag: negatives of every tag, unless data.toml says \
untagged = "unlabelled" (--untagged unlabelled writes it)
note: columns without a project: threat
"""
IN_PLACE = """\
To read it in place instead, in data.toml:

[columns]
file = "train.csv"
id = "id"
title = "none"
text = "comment_text"
one_hot = ["toxic", "obscene", "threat"]
unlabelled = "leave-out"

"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in a folder with `train.csv`; give status, standard output and error."""
    monkeypatch.chdir(tmp_path)
    Path("train.csv").write_text(TOXIC)

    def run(*words):
        status = cli.main(list(map(str, words)))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_the_program_says_what_it_understood(tmp_path):
    (tmp_path / "train.csv").write_text(TOXIC)
    command = [sys.executable, "-m", "tagifai", "data", "import", "train.csv", "--to", "data"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    table, rest = done.stdout.removeprefix(SHOWN), done.stdout.partition("To read")
    assert done.stdout.startswith(SHOWN)
    assert "│ a2 │ You are a damned fool. │ toxic, obscene │" in table
    assert "".join(rest[1:]) == (
        f"{IN_PLACE}written: data/projects.jsonl\nnext: python -m tagifai data check --data data\n"
    )
    lines = (tmp_path / "data" / "projects.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": "a1", "title": "", "description": "You are a fine person.", "tags": [],
         "lang": "en"},
        {"id": "a2", "title": "", "description": "You are a damned fool.",
         "tags": ["toxic", "obscene"], "lang": "en"},
    ]  # fmt: skip


def test_a_dry_run_writes_nothing(run, tmp_path):
    status, out, err = run("data", "import", "train.csv", "--dry-run")
    assert (status, err) == (0, "")
    assert out.startswith(SHOWN)
    assert out.endswith(f"{IN_PLACE}nothing was written (--dry-run)\n")
    assert run("data", "import", "train.csv", "--dry-run", "--to", "data")[1] == out
    assert [path.name for path in tmp_path.iterdir()] == ["train.csv"]
    status, out, err = run("data", "import", "train.csv")
    assert (status, out) == (1, "")
    assert err == "tagifai: --to DIR names the folder to write; --dry-run writes nothing\n"


def test_what_was_understood_as_json(run):
    status, out, err = run("data", "import", "train.csv", "--to", "data", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["files"] == [
        {"path": "train.csv", "kind": "csv", "written": ["UTF-8", "separated by commas"],
         "rows": 3, "split": None}
    ]  # fmt: skip
    assert found["columns"]["tags"] == "3 columns of 0 and 1: toxic, obscene, threat"
    counts = ("projects", "left_out", "labels", "untagged", "without_text")
    assert [found[name] for name in counts] == [2, 1, 2, 1, 0]
    assert (found["tags"], found["splits"]) == ({"obscene": 1, "toxic": 1}, {})
    assert [row["id"] for row in found["first"]] == ["a1", "a2"]
    assert found["written"] == ["data/projects.jsonl"]


def test_what_no_tag_means_is_written_where_it_is_told(run, tmp_path):
    words = ["data", "import", "train.csv", "--to", "data", "--untagged", "unlabelled", "--json"]
    status, out, _ = run(*words)
    assert status == 0
    assert json.loads(out)["written"] == ["data/projects.jsonl", "data/data.toml"]
    assert (tmp_path / "data" / "data.toml").read_text().endswith('untagged = "unlabelled"\n')
    status, out, _ = run("data", "check", "--data", "data")
    assert status == 0
    assert "1 unlabelled project is left out" in out


def test_a_folder_with_projects_stays_as_it_is(run, tmp_path):
    taken = tmp_path / "data"
    taken.mkdir()
    (taken / "projects.json").write_text("[]")
    message = "tagifai: data: has projects.json already, which stays; name another folder\n"
    assert run("data", "import", "train.csv", "--to", "data") == (1, "", message)
    assert [path.name for path in taken.iterdir()] == ["projects.json"]
    (tmp_path / "file").write_text("x")
    status, _, err = run("data", "import", "train.csv", "--to", "file")
    assert (status, err.startswith("tagifai: file: not a folder")) == (1, True)


def test_a_folder_without_projects_gets_them(run, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "tags.json").write_text('[{"tag": "toxic"}]')
    (data / "data.toml").write_text('language = "german"\n')
    (data / "train.csv").write_text(TOXIC)
    status, _, err = run("data", "import", "data/train.csv", "--to", "data")
    assert (status, err) == (0, "")
    assert sorted(path.name for path in data.iterdir()) == [
        "data.toml", "projects.jsonl", "tags.json", "train.csv",
    ]  # fmt: skip
    (data / "projects.jsonl").unlink()
    status, _, err = run("data", "import", "train.csv", "--to", "data", "--untagged", "negative")
    assert (status, "data.toml: is there already, and stays" in err) == (1, True)
    (data / "data.toml").write_text('[columns]\ntext = "comment_text"\none_hot = ["toxic"]\n')
    status, _, err = run("data", "import", "train.csv", "--to", "data")
    assert (status, "data.toml: has [columns], which read other files" in err) == (1, True)
    assert not (data / "projects.jsonl").exists()


def test_what_cannot_be_written_leaves_nothing_behind(run, tmp_path):
    Path("late.csv").write_text(
        "id,text,tag\n" + "".join(f"{k},t,a\n" for k in range(99)) + "7,t,a\n"
    )
    status, _, err = run("data", "import", "late.csv", "--to", "new/data")
    assert (status, "row 100, id: '7' is already the id of row 8" in err) == (1, True)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "late.csv", "new", "train.csv",
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["one-hot", "separated", "lines"])
def test_what_was_imported_is_checked_and_trained_on(run, tmp_path, form):
    dataset = small_dataset(80)
    tags = sorted(dataset.tags)
    if form == "lines":
        rows = [json.dumps({"text": p.text, "labels": list(p.tags)}) for p in dataset.projects]
    elif form == "separated":
        rows = ["text\tgenre", *(f"{p.text}\t{'|'.join(p.tags)}" for p in dataset.projects)]
    else:
        rows = [",".join(["text", *tags])]
        for project in dataset.projects:
            cells = [str(float(tag in project.tags)) for tag in tags]
            rows.append(",".join([project.text, *cells]))
    file = "a.jsonl" if form == "lines" else "a.csv"
    Path(file).write_text("\n".join(rows))
    status, out, _ = run("data", "import", file, "--to", "data", "--json")
    assert status == 0
    counts = {tag: sum(tag in p.tags for p in dataset.projects) for tag in tags}
    assert json.loads(out)["tags"] == counts
    status, out, _ = run("data", "check", "--data", "data")
    assert status == 0
    assert out.startswith(f"80 projects, {sum(counts.values())} labels, ")
    quick = [
        "--set=min_tag_freq=10", "--set=folds=2", "--set=word_ngrams=1", "--set=char_ngrams=0",
        "--set=aliases=none", "--set=estimator=logistic", "--set=log_count_ratio=false",
    ]  # fmt: skip
    status, out, _ = run("train", "--data", "data", "--models", "model", "--json", *quick)
    assert status == 0
    performance = json.loads((tmp_path / "model" / "workspace" / "performance.json").read_text())
    assert sorted(performance["class"]) == tags
    assert performance["overall"]["f1"] > 0.8
    # The same files in place train the same model.
    Path("place").mkdir()
    Path(file).rename(Path("place") / file)
    in_place = run("data", "import", f"place/{file}", "--dry-run", "--json")[1]
    Path("place/data.toml").write_text(json.loads(in_place)["in_place"])
    status, out, _ = run("train", "--data", "place", "--models", "other", "--json", *quick)
    assert status == 0
    again = json.loads((tmp_path / "other" / "workspace" / "performance.json").read_text())
    assert again == performance


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tags", "a,a"], "--tags: a name is blank, or comes twice: a,a"),
        (["--one-hot", "a,,b"], "--one-hot: a name is blank, or comes twice: a,,b"),
        (["--header", '"a'], "--header: names separated by commas are needed (unexpected end"),
        (["--text", "text", "--tags", "text"], "arguments: 'text' is both text and tags"),
        (["--names", "0=a,1=a"], "--names: a name comes twice"),
        (["--names", "x=a,y=b"], "--names: a whole number is needed for each name, got 'x'"),
        (["--names", "empty.txt"], "empty.txt: a name a line is needed, or a JSON list of names"),
        (["--names", "odd.json"], "odd.json: a name a line is needed, or a JSON list of names"),
        (["--names", "latin.txt"], "latin.txt: not UTF-8 text (byte 1)"),
        (["--multi-hot"], "arguments: multi_hot needs names, one for each place"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_named(run, words, message):
    Path("empty.txt").write_text("\n")
    Path("odd.json").write_text("3")
    Path("latin.txt").write_bytes(b"\xe9\n")
    status, out, err = run("data", "import", "train.csv", "--to", "data", *words)
    assert (status, out) == (1, "")
    assert err.startswith(f"tagifai: {message}")


def test_names_with_commas_stand_in_quotes(run, tmp_path):
    Path("b.csv").write_text('text,"a, b",c\nOne text,1,0\n')
    status, out, _ = run("data", "import", "b.csv", "--to", "d", "--one-hot", '"a, b",c', "--json")
    assert (status, json.loads(out)["tags"]) == (0, {"a, b": 1})


def test_the_guide_names_every_flag_key_and_kind_of_file():
    guide = (ROOT / "docs" / "data.md").read_text("utf-8")
    options = cli.build_parser().parse_args(["data", "import", "x.csv"])
    shared = cli.build_parser().parse_args(["data", "check"])
    own = set(vars(options)) - set(vars(shared)) - {"files", "to"}
    assert {name for name in own if f"`--{name.replace('_', '-')}" not in guide} == set()
    assert "--to my-data" in guide
    keys = set(ColumnsFile.model_fields)
    assert {key for key in keys if f"`{key}`" not in guide} == set()
    assert {kind for kind in KINDS if f"`{kind}`" not in guide} == set()
    assert (f"{MAX_TEXT:,}" in guide, MAX_JSON_BYTES) == (True, 2_000_000_000)


def test_the_guides_example_is_what_the_program_prints(run):
    names = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
    header = ",".join(["id", "comment_text", *names, "lang"])
    Path("train.csv").write_text(f"{header}\n1,A text,1,0,0,0,0,0,en\n")
    guide = (ROOT / "docs" / "data.md").read_text("utf-8")
    out = run("data", "import", "train.csv", "--dry-run")[1].splitlines()
    for line in out[1:6]:
        assert line in guide
    told = tomllib.loads(guide.partition("```toml\n[columns]")[2].partition("```")[0])
    printed = json.loads(run("data", "import", "train.csv", "--dry-run", "--json")[1])["in_place"]
    assert tomllib.loads(printed)["columns"] == told | {"title": "none"}
