import io
import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from foreign_corpus import foreign_dataset

from tagifai.cli import parser as cli
from tagifai.reviews import ReviewStore

ROOT = Path(__file__).parent.parent.parent
# What trains in a moment.
SETTINGS = [
    "--set=min_tag_freq=10", "--set=folds=2", "--set=word_ngrams=1", "--set=char_ngrams=0",
    "--set=aliases=none", "--set=estimator=logistic", "--set=log_count_ratio=false",
]  # fmt: skip
NEAREST = "unknown parameter 'min_tag_frq': did you mean 'min_tag_freq'?"


@pytest.fixture
def run(small_data, small_models, capsys):
    """Run a command; give its status, standard output and standard error."""

    def run(*arguments: object, data: Path = small_data, models: object = small_models):
        words = [str(word) for word in (*arguments, "--data", data, "--models", models)]
        status = cli.main(words)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def run_json(run):
    """Run a command with --json that succeeds; give what it printed, parsed."""

    def run_json(*arguments: object, **places: object):
        status, out, err = run(*arguments, "--json", **places)
        assert (status, err) == (0, "")
        return json.loads(out)

    return run_json


@pytest.fixture
def refused(run):
    """Run a command that the user has to mend; give its one line, with and without --json."""

    def refused(*arguments: object, **places: object) -> str:
        status, out, err = run(*arguments, **places)
        assert (status, out) == (1, "")
        assert run(*arguments, "--json", **places) == (1, "", err)
        assert err.startswith("tagifai: ")
        assert err.count("\n") == 1
        return err.removeprefix("tagifai: ").removesuffix("\n")

    return refused


def program(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tagifai", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, **options
    )


def test_the_program_tells_a_mistake_in_one_line():
    done = program("train", "--data", "no/such/folder")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tagifai: no/such/folder: no such data folder\n"


def test_the_program_answers_on_standard_output():
    done = program("preprocess", "Conditional generation using Variational Autoencoders.")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "conditional generation using variational autoencoders\n"


@pytest.mark.parametrize(
    "arguments", [["--sed"], ["trian"], ["diff", "v0.1.0"], ["train", "--sed", "1"]]
)
def test_a_wrong_command_line_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: python -m tagifai" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "variable", "message"),
    [
        (["versions", "--allow-predictor", "pyton:a:b"], "", "unknown kind of predictor 'pyton'"),
        (["predict", "x"], "http:tags.example", "an address with http:// or https:// is needed"),
        (["app", "--allow-predictor", "type:Tree"], "", "the full name of a type is needed"),
        (["serve-api"], "python:a:b private:a:1", "the name of a host is needed"),
        (["add-version", "v1", "--predictor", "python:a:b", "--allow-predictor", "x"], "", "'x'"),
    ],
)
def test_a_permission_that_permits_nothing_is_told_at_the_start(
    words, variable, message, monkeypatch, capsys
):
    monkeypatch.setenv("TAGIFAI_ALLOW_PREDICTOR", variable)
    assert cli.main(words) == 2
    out, err = capsys.readouterr()
    assert err.startswith("tagifai: --allow-predictor or TAGIFAI_ALLOW_PREDICTOR: ")
    assert message in err
    assert (out, err.count("\n")) == ("", 1)


def test_the_app_tells_it_too():
    words = ["gradio_app.py", "--allow-predictor", "pyton:a:b"]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tagifai: --allow-predictor or TAGIFAI_ALLOW_PREDICTOR: unknown")
    assert done.stderr.count("\n") == 1


def test_versions_lists_the_key_metrics_of_each(run_json):
    rows = run_json("versions")
    assert [row["version"] for row in rows] == ["v0.1.0", "v0.2.0", "workspace"]
    assert list(rows[0]) == [
        "version", "error", "overall f1", "overall precision", "overall recall",
        "slices f1", "slices precision", "slices recall",
    ]  # fmt: skip
    assert rows[0]["overall recall"] == pytest.approx(17 / 19)
    assert rows[1]["overall f1"] == 1.0


def test_versions_draws_a_table(run, small_models):
    status, out, err = run("versions")
    assert (status, err) == (0, "")
    assert out.splitlines()[0].strip() == str(small_models)
    assert "│ v0.1.0    │      0.921 │" in out


def test_a_version_that_cannot_be_read_does_not_hide_the_others(run_json, small_models, tmp_path):
    models = shutil.copytree(small_models, tmp_path / "model")
    (models / "v0.1.0" / "performance.json").write_text("{")
    first, second, _ = run_json("versions", models=models)
    assert first["error"].startswith("v0.1.0/performance.json: ")
    assert first["overall f1"] is None
    assert (second["error"], second["overall f1"]) == (None, 1.0)


def test_params_are_those_of_the_latest_release_or_of_one_named(run_json, run):
    latest = run_json("params")
    assert (latest["C"], latest["estimator"], latest["class_weight"]) == (10.0, "logistic", None)
    assert run_json("params", "v0.1.0", "C") == {"C": 1.0}
    assert run("params", "v0.1.0", "calibration")[1] == '"none"\n'


def test_performance_is_that_of_the_file(run_json, run, small_models):
    kept = json.loads((small_models / "v0.1.0" / "performance.json").read_text())
    assert run_json("performance", "v0.1.0") == kept
    assert run_json("performance", "v0.1.0", "--filter", "class") == {"class": kept["class"]}
    table = run("performance", "v0.1.0", "--filter", "overall")[1]
    assert "│ overall │ weighted │ f1 " in table
    cells = [[cell.strip() for cell in row.split("│")] for row in table.splitlines()]
    samples = {(row[2], row[3]): row[5] for row in cells if len(row) > 5}
    # Twelve test projects of four tags: F1 rests on projects, the Brier score on pairs.
    assert (samples["weighted", "f1"], samples["weighted", "brier"]) == ("12", "48")


def test_diff_is_b_minus_a(run_json):
    diff = run_json("diff", "v0.1.0", "v0.2.0")
    assert (diff["a"], diff["b"], diff["basis"], diff["shared"]) == (
        "v0.1.0", "v0.2.0", "paired", 12,
    )  # fmt: skip
    (recall,) = [
        row for row in diff["overall"] if (row["name"], row["metric"]) == ("weighted", "recall")
    ]
    assert recall["diff"] == pytest.approx(1 - 17 / 19)
    assert recall["low"] <= recall["diff"] <= recall["high"]
    assert recall["verdict"] in ("can't tell", "better")
    changed = {
        row["name"]: (row["a"], row["b"]) for row in diff["params"] if row["status"] != "same"
    }
    assert changed == {
        "C": (1.0, 10.0), "calibration": ("none", "platt"), "thresholds": ("fixed", "per-tag"),
    }  # fmt: skip


def write_predictions(path: Path, data: Path, right: bool) -> Path:
    projects = json.loads((data / "projects.json").read_text())
    tags = ("computer-vision", "segmentation")
    rows = [
        {
            "id": project["id"],
            "split": "test",
            "probabilities": {
                tag: 0.9 if (tag in project["tags"]) == right else 0.1 for tag in tags
            },
        }
        for project in projects
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_predictions_of_another_program_become_a_version(run_json, run, small_data, tmp_path):
    models = tmp_path / "model"
    right = write_predictions(tmp_path / "right.jsonl", small_data, right=True)
    wrong = write_predictions(tmp_path / "wrong.jsonl", small_data, right=False)
    made = run_json("import-predictions", "right", right, models=models)
    assert made["version"] == "right"
    assert (made["overall"]["f1"], made["overall"]["num_samples"]) == (1.0, 80)
    status, out, _ = run("import-predictions", "wrong", wrong, models=models)
    assert (status, out) == (
        0,
        "wrong: 80 projects, 2 tags, weighted F1 0.000 on 80 test projects\n"
        "1 tag of the data, frequent enough to learn, is not predicted: "
        "natural-language-processing 40\n",
    )

    status, out, err = run("diff", "right", "wrong", models=models)
    assert status == 0
    assert "By tag, in f1: 0 better, 2 worse, 0 can't tell, 0 too few, 0 unchanged." in out + err
    assert "Test projects that both have: only 80." in out + err
    assert run("diff", "right", "wrong", "--fail-on", "worse", models=models)[0] == 3
    assert run("diff", "wrong", "right", "--fail-on", "worse", models=models)[0] == 0


def test_versions_of_predictions_alone_give_a_clear_line_everywhere(
    run, run_json, refused, small_data, small_models, tmp_path
):
    models = tmp_path / "model"
    right = write_predictions(tmp_path / "right.jsonl", small_data, right=True)
    wrong = write_predictions(tmp_path / "wrong.jsonl", small_data, right=False)
    run("import-predictions", "workspace", right, models=models)
    assert run("release", "v2.0.0", models=models)[0] == 0
    run("import-predictions", "bert", wrong, models=models)
    none = (
        f"no version in {models} keeps a model, so none can predict "
        "(there: bert, v2.0.0, workspace); `train` and `add-version --predictor` make one that "
        "does"
    )
    assert refused("predict", "x", models=models) == none
    assert refused("predict", "x", "--version", "v1", models=models) == none
    assert refused("evaluate-behavioral", models=models) == none
    nobody = "version 'bert' keeps no model, so it cannot predict; versions that can: none"
    assert refused("predict", "x", "--version", "bert", models=models) == nobody
    assert refused("evaluate-behavioral", "--version", "bert", models=models) == nobody

    assert [row["version"] for row in run_json("versions", models=models)] == [
        "bert", "v2.0.0", "workspace",
    ]  # fmt: skip
    assert run_json("params", models=models) == {"threshold": 0.5}
    assert run("performance", models=models)[1].startswith("v2.0.0")
    assert run_json("diff", "v2.0.0", "bert", models=models)["basis"] == "paired"
    for pair in (["bert"], ["v2.0.0", "bert"]):
        assert run("report", *pair, "-o", tmp_path / "r.html", models=models)[0] == 0
        assert "computer-vision" in (tmp_path / "r.html").read_text()
    assert run("plot", "diff", "v2.0.0", "bert", "-o", tmp_path / "d.svg", models=models)[0] == 0

    for name in ("v0.1.0", "v0.2.0"):
        shutil.copytree(small_models / name, models / name)
    assert run_json("predict", "camera pixels", models=models)["version"] == "v0.2.0"
    told = refused("predict", "x", "--version", "v2.0.0", models=models)
    assert told.endswith("cannot predict; versions that can: v0.1.0, v0.2.0")
    told = refused("predict", "x", "--version", "v0.3.0", models=models)
    assert told.endswith("allowed: v0.1.0, v0.2.0")
    told = refused("evaluate-behavioral", "--version", "v0.3.0", models=models)
    assert told.endswith("allowed: v0.1.0, v0.2.0")
    rows = run_json("evaluate-behavioral", models=models)
    assert [(row["version"], row["error"]) for row in rows if row["error"]] == [
        (name, "the version keeps no model, so it cannot be tested")
        for name in ("bert", "v2.0.0", "workspace")
    ]
    assert all(row["fresh"] for row in rows if not row["error"])


def test_an_import_is_refused_before_the_file_is_read(refused, small_data, tmp_path):
    models, file = tmp_path / "model", tmp_path / "none.jsonl"
    (models / "v1").mkdir(parents=True)
    given = {"models": models}
    assert "a number from 0 to 1 is needed, got 7" in refused(
        "import-predictions", "v2", file, "--threshold", "7", **given
    )
    assert "version 'v1' exists in" in refused("import-predictions", "v1", file, **given)
    assert refused("import-predictions", "../v2", file, **given).startswith("version '../v2': a na")
    told = refused("import-predictions", "v2", file, **given)
    assert told == f"{file}: cannot be read (No such file or directory)"
    right = write_predictions(tmp_path / "right.jsonl", small_data, right=True)
    told = refused("import-predictions", "v2", right, "--max-predictions", "0", **given)
    assert told == "--max-predictions must be 1 or more, got 0"
    told = refused("train", *SETTINGS, "--max-unpacked", "0", **given)
    assert told == "--max-unpacked must be 1 or more, got 0"
    (tmp_path / "file").touch()
    told = refused("train", *SETTINGS, models=tmp_path / "file")
    assert told == f"{tmp_path / 'file'}: a file, not a folder of versions"
    assert [path.name for path in models.iterdir()] == ["v1"]


def test_what_is_out_of_fold_and_in_which_split_is_recorded(run, run_json, small_data, tmp_path):
    models = tmp_path / "model"
    projects = json.loads((small_data / "projects.json").read_text())
    rows = [
        {
            "id": project["id"],
            "split": ("train", "val", "test", "test", "train")[number % 5],
            "probabilities": {
                "computer-vision": 0.9
                if (number % 5 in (2, 3) and number % 3 == 0)
                != ("computer-vision" in project["tags"])
                else 0.1
            },
        }
        for number, project in enumerate(projects)
    ]
    file = tmp_path / "p.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for said in ("yes", "no", None):
        flags = ["--out-of-fold", said] if said else []
        name = f"v{said or 'unknown'}"
        made = run_json("import-predictions", name, file, *flags, models=models)
        info = json.loads((models / name / "version.json").read_text())
        assert info["out_of_fold"] == made["out_of_fold"] == (said or "unknown")
        assert info["warnings"] == made["warnings"]
        messages = {one["kind"]: one["message"] for one in made["warnings"]}
        warning = messages["train_exceeds_test"]
        assert warning.startswith("weighted F1 is 1.000 on train and 0.")
        assert ("though they are said to be" in warning) == (said == "yes")
    status, _, err = run("import-predictions", "again", file, models=models)
    assert status == 0
    assert err.splitlines() == [f"warning: {message}" for message in messages.values()]


def test_predict_answers_each_text(run_json):
    answer = run_json("predict", "pixels and masks of photos", "")
    assert answer["version"] == "v0.2.0"
    first, second = answer["predictions"]
    assert list(first) == [
        "text", "tags", "probabilities", "preprocessed", "reason", "thresholds",
    ]  # fmt: skip
    assert first["tags"] == ["computer-vision", "segmentation"]
    assert first["preprocessed"] == "pixels masks photos"
    assert set(first["probabilities"]) == set(first["thresholds"])
    assert (second["tags"], second["preprocessed"], second["reason"]) == ([], "", "empty")


def test_predict_reads_lines_of_standard_input(run_json, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("sentences of a corpus\nmasks\n"))
    answer = run_json("predict", "--version", "v0.1.0")
    assert answer["version"] == "v0.1.0"
    assert [row["text"] for row in answer["predictions"]] == ["sentences of a corpus", "masks"]


def test_preprocess_takes_each_argument(run_json):
    words = ("preprocess", "The Running of GANs, again")
    assert run_json(*words) == {"preprocessed": "running gans"}
    assert run_json(*words, "--no-lower", "--stem") == {"preprocessed": "Run GAN"}
    assert run_json(*words, "--filters", "[aeiou]", "--stopwords", "th f") == {
        "preprocessed": "r nn ng g ns, g n"
    }


def test_preprocess_reads_standard_input_and_the_language_of_the_data(
    run_json, refused, tmp_path, monkeypatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO("A\u0308rzte öffnen das Büro\n"))
    assert run_json("preprocess") == {"preprocessed": "ärzte öffnen das büro"}
    (tmp_path / "data.toml").write_text('language = "de"')
    words = ("preprocess", "Die Häuser, the houses")
    assert run_json(*words, data=tmp_path) == {"preprocessed": "häuser the houses"}
    assert run_json(*words, "--stem", data=tmp_path) == {"preprocessed": "haus the hous"}
    assert run_json(*words, "--language", "english") == {"preprocessed": "die häuser houses"}
    assert "did you mean 'german'" in refused(*words, "--language", "germn")
    (tmp_path / "data.toml").write_text('language = "germn"')
    assert refused(*words, data=tmp_path).startswith(f"{tmp_path / 'data.toml'}: unknown language")


def write_foreign(folder: Path, language: str) -> Path:
    dataset = foreign_dataset(language)
    folder.mkdir()
    rows = [
        {"id": p.id, "title": p.title, "description": p.description, "tags": list(p.tags)}
        for p in dataset.projects
    ]
    (folder / "projects.json").write_text(json.dumps(rows), "utf-8")
    (folder / "data.toml").write_text(f'language = "{language}"')
    return folder


@pytest.mark.parametrize(
    ("language", "text", "words", "tag"),
    [
        ("german", "Das ist für die Bäume und Blumen", "baum blum", "garten"),
        ("chinese", "我们在花园，对于树木和草地", "花园 树木 草地", "花园"),
    ],
)
def test_a_version_reads_as_the_language_it_was_trained_with(
    language, text, words, tag, run_json, refused, tmp_path
):
    places = {"data": write_foreign(tmp_path / "data", language), "models": tmp_path / "model"}
    run_json("train", *SETTINGS, "--set=stem=true", **places)
    assert run_json("params", "workspace", "language", **places) == {"language": language}
    run_json("release", "v1.0.0", **places)
    asked = ("predict", text, "--version", "v1.0.0")
    (answer,) = run_json(*asked, **places)["predictions"]
    assert (answer["preprocessed"], answer["tags"], answer["reason"]) == (words, [tag], None)

    # Whatever data.toml says later; what is trained then follows it.
    (tmp_path / "data" / "data.toml").write_text('language = "english"')
    assert run_json(*asked, **places)["predictions"] == [answer]
    run_json("train", *SETTINGS, **places)
    diff = run_json("diff", "v1.0.0", "workspace", **places)
    changed = {row["name"]: (row["a"], row["b"]) for row in diff["params"] if row["a"] != row["b"]}
    assert changed == {"language": (language, "english"), "stem": (True, False)}
    assert run_json("train", *SETTINGS, "--set=language=de", "--set=seed=1", **places)
    assert run_json("params", "workspace", "language", **places) == {"language": "german"}
    assert "unknown language 'xx'" in refused("train", "--set=language=xx", **places)


def test_versions_that_read_texts_in_other_ways_are_compared(run_json, run, tmp_path):
    places = {"data": write_foreign(tmp_path / "data", "german"), "models": tmp_path / "model"}
    changes = {
        "v1.0.0": ("--set=language=german",),
        "v2.0.0": ("--set=stem=true", "--set=stopwords=false"),
        "v3.0.0": (r"--set=filters=[.,]", "--set=lower=false", "--set=language=zh"),
    }
    for name, given in changes.items():
        run_json("train", *SETTINGS, *given, **places)
        run_json("release", name, **places)
    # As it was written before there were languages.
    path = tmp_path / "model" / "v1.0.0" / "params.json"
    params = json.loads(path.read_text())
    del params["language"]
    path.write_text(json.dumps(params))
    for a, b, changed in [
        ("v1.0.0", "v2.0.0", {"language", "stem", "stopwords"}),
        ("v2.0.0", "v3.0.0", {"filters", "language", "lower", "stem", "stopwords"}),
    ]:
        diff = run_json("diff", a, b, **places)
        told = {row["name"]: row for row in diff["params"] if row["status"] != "same"}
        assert set(told) == changed
        assert diff["basis"] == "paired"
        assert run("diff", a, b, **places)[0] == 0
    assert (told["language"]["a"], told["language"]["b"]) == ("german", "chinese")
    old = run_json("diff", "v1.0.0", "v2.0.0", **places)["params"]
    (row,) = [row for row in old if row["name"] == "language"]
    assert (row["a"], row["b"]) == ("english", "german")


@pytest.mark.parametrize("command", ["train", "optimize"])
@pytest.mark.parametrize("changes", [(), ("--set=word_ngrams=0", "--set=char_ngrams=3")])
def test_texts_of_stopwords_alone_are_refused(command, changes, refused, tmp_path):
    tags = (["a"], ["b"], ["a", "b"])
    rows = [
        {"id": i, "title": "The", "description": "of and it", "tags": tags[i % 3]}
        for i in range(60)
    ]
    (tmp_path / "projects.json").write_text(json.dumps(rows))
    told = refused(command, *SETTINGS, *changes, data=tmp_path, models=tmp_path / "model")
    assert told.startswith("no text has a word left after preprocessing")


def test_a_vocabulary_that_is_left_empty_is_refused(refused, tmp_path):
    told = refused("train", *SETTINGS, "--set=min_df=1000", models=tmp_path / "model")
    assert told.startswith("no word stands in min_df 1000 of the ")


def test_training_writes_the_workspace_and_release_freezes_it(run_json, run, refused, tmp_path):
    models = tmp_path / "model"
    trained = run_json("train", *SETTINGS, "--notes", "A try.", models=models)
    assert (trained["version"], trained["models"]) == ("workspace", str(models))
    assert trained["metrics"]["num_samples"] == 12
    assert sorted(path.name for path in (models / "workspace").iterdir()) == [
        "model.skops", "params.json", "performance.json", "predictions.parquet", "thresholds.json",
        "version.json",
    ]  # fmt: skip
    assert run_json("params", "workspace", models=models)["min_tag_freq"] == 10

    status, out, _ = run("release", "v0.1.0", "--notes", "The first.", models=models)
    assert (status, out) == (0, f"released v0.1.0 to {models}\n")
    info = json.loads((models / "v0.1.0" / "version.json").read_text())
    assert (info["name"], info["notes"]) == ("v0.1.0", "The first.")
    assert refused("release", "v0.1.0", models=models) == (
        f"version 'v0.1.0' exists in {models}; a release is never changed"
    )
    elsewhere, link = tmp_path / "elsewhere", "run=https://example.org/7?a=1"
    assert run_json("release", "v0.1.0", "--to", elsewhere, "--link", link, models=models) == {
        "version": "v0.1.0", "models": str(elsewhere),
    }  # fmt: skip
    info = json.loads((elsewhere / "v0.1.0" / "version.json").read_text())
    assert info["links"] == {"run": "https://example.org/7?a=1"}
    assert refused("release", "v0.2.0", "--link", "run=file:///etc", models=models) == (
        "a link is an address with http or https, got 'file:///etc'"
    )
    assert refused("release", "v0.2.0", "--link", "run", models=models) == (
        "--link takes NAME=ADDRESS, got 'run'"
    )


@pytest.fixture
def rare_data(small_data, tmp_path):
    """Write the small data with a tag that no test project has, and a split that says so."""
    folder = tmp_path / "rare"
    shutil.copytree(small_data, folder)
    rows = json.loads((folder / "projects.json").read_text())
    for place, row in enumerate(rows):
        row["split"] = "test" if place % 3 == 0 else "train"
        if place in (1, 2):
            row["tags"].append("rare")
    (folder / "projects.json").write_text(json.dumps(rows))
    tags = json.loads((folder / "tags.json").read_text())
    (folder / "tags.json").write_text(json.dumps([*tags, {"tag": "rare"}]))
    return folder


def test_a_tag_without_a_test_project_is_undefined_and_left_out_of_averages(
    run, run_json, rare_data, tmp_path
):
    models = tmp_path / "model"
    words = ("train", *SETTINGS, "--set=min_tag_freq=2")
    status, out, _ = run(*words, data=rare_data, models=models)
    assert status == 0
    (line,) = [line for line in out.splitlines() if "macro_f1" in line]
    assert re.fullmatch(r".*macro_f1 +│ +\d\.\d{3} │ 4 of 5 tags +│", line)
    assert (
        "1 of 5 tags is in no project of the test split and predicted for none: its figures are "
        "undefined (–), and averages leave it out: rare"
    ) in out
    told = run_json(*words, data=rare_data, models=models)
    assert (told["undefined_tags"], told["averaged_over"]["f1"]) == (["rare"], "4 of 5 tags")

    kept = run_json("performance", data=rare_data, models=models)
    figures = ("precision", "recall", "f1")
    assert {kept["class"]["rare"][name] for name in figures} == {None}
    others = [row["f1"] for tag, row in kept["class"].items() if tag != "rare"]
    assert kept["overall"]["macro"]["f1"] == pytest.approx(sum(others) / 4)
    assert kept["overall"]["macro"]["num_tags"]["f1"] == 4
    _, out, _ = run("performance", "--filter", "class", data=rare_data, models=models)
    assert [re.split(r" *│ *", line)[2:5] for line in out.splitlines() if "rare" in line] == [
        ["rare", name, "–"] for name in (*figures, "average_precision")
    ]


def test_a_model_no_better_than_the_rates_says_so_wherever_it_is_shown(
    run, run_json, small_data, tmp_path
):
    data, models = tmp_path / "data", tmp_path / "model"
    shutil.copytree(small_data, data)
    rows = json.loads((data / "projects.json").read_text())
    # Tags of other projects: nothing in a text tells them.
    tags = [row["tags"] for row in rows]
    random.Random(0).shuffle(tags)
    shuffled = [{**row, "tags": own} for row, own in zip(rows, tags, strict=True)]
    (data / "projects.json").write_text(json.dumps(shuffled))

    status, _, err = run("train", *SETTINGS, data=data, models=models)
    assert status == 0
    sentence = (
        r"warning: no better than the tags' rates: average precision, weighted by support, is "
        r"0\.\d{3} on 12 test projects, and 0\.\d{3} where projects are put in random order "
    )
    assert re.search(sentence, err)
    warnings = run_json("train", *SETTINGS, data=data, models=models)["warnings"]
    assert warnings[0]["kind"] == "no_better_than_rates"
    kept = json.loads((models / "workspace" / "version.json").read_text())
    assert kept["warnings"] == warnings
    for words in (("performance",), ("versions", "workspace")):
        _, _, err = run(*words, data=data, models=models)
        assert err.splitlines() == [f"warning: {one['message']}" for one in warnings]
    assert run_json("versions", "workspace", data=data, models=models)["warnings"] == warnings

    constant = tmp_path / "constant.jsonl"
    constant.write_text(
        "".join(
            json.dumps({"id": row["id"], "split": "test", "probabilities": {"segmentation": 0.3}})
            + "\n"
            for row in rows
        )
    )
    made = run_json("import-predictions", "v1", constant, data=data, models=models)
    assert "no_better_than_rates" in [one["kind"] for one in made["warnings"]]


def test_a_version_is_described(run, run_json, refused):
    card = run_json("versions", "v0.2.0")
    assert (card["name"], card["notes"]) == ("v0.2.0", "The second.")
    assert [warning["kind"] for warning in card["warnings"]] == ["near_duplicates"]
    status, out, err = run("versions", "v0.2.0")
    told = "2 of 12 test projects (16.7 %) have a near-duplicate in train or val"
    assert status == 0
    assert err.startswith(f"warning: {told}")
    assert re.search(r"│ notes +│ The second\. +│", out)
    assert (
        refused("versions", "v0.2")
        == "unknown version 'v0.2': did you mean 'v0.2.0'? allowed: v0.1.0, v0.2.0, workspace"
    )


def test_training_over_seeds_keeps_nothing(run_json, tmp_path):
    models = tmp_path / "model"
    table = run_json("train", *SETTINGS, "--repeat", "2", models=models)
    assert list(table) == ["seeds", "runs", "mean", "std", "support", "num_runs", "left_out"]
    assert table["seeds"] == [0, 1]
    first, second = (run["f1"] for run in table["runs"])
    assert table["mean"]["f1"] == pytest.approx((first + second) / 2)
    assert not models.exists()


def test_optimize_remembers_its_trials(run_json, tmp_path):
    words = ("optimize", *SETTINGS, "--trials", "2", "--trials-file", tmp_path / "trials.sqlite")
    trials = run_json(*words)
    assert len(trials) == 2
    assert trials[0]["f1"] >= trials[1]["f1"]
    assert run_json(*words) == trials


def test_demo_versions_are_made_once(run_json, refused, tmp_path):
    models = tmp_path / "model"
    words = ("demo-versions", "--set=min_tag_freq=10", "--set=folds=2", "--jobs=1")
    rows = run_json(*words, models=models)
    names = ["v0.1.0", "v0.2.0", "v0.3.0", "v0.4.0", "v0.5.0"]
    assert [row["version"] for row in rows] == [*names, "workspace"]
    assert sorted(path.name for path in models.iterdir()) == [*names, "workspace"]
    assert refused("demo-versions", models=models).startswith(", ".join(names))


def test_data_check_tells_which_rules_are_broken(run_json, run, small_data, tmp_path):
    data = shutil.copytree(small_data, tmp_path / "data")
    projects = json.loads((data / "projects.json").read_text())
    projects[3]["tags"] = ["unheard-of"]
    (data / "projects.json").write_text(json.dumps(projects))
    report = run_json("data", "check", data=data)
    assert list(report) == ["counts", "findings", "rules", "passed", "agreement"]
    assert report["counts"]["projects"] == 80
    assert report["passed"] is False
    assert "unknown-tag" in [finding["rule"] for finding in report["findings"]]
    assert "unheard-of" in run("data", "check", data=data)[1]
    assert run("data", "check", "--strict", data=data)[0] == 3


def test_download_says_where_it_stopped(refused, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (there / "mine.txt").write_text("mine")
    assert str(there) in refused("data", "download", "--to", there)
    assert (there / "mine.txt").read_text() == "mine"


def test_missing_data_is_told(refused, tmp_path):
    missing = tmp_path / "nowhere"
    for command in (["data", "check"], ["train"], ["optimize"], ["demo-versions"]):
        assert refused(*command, data=missing) == f"{missing}: no such data folder"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[{]", "not JSON: "),
        ("{}", "a list of objects is needed, got dict"),
        ('[{"id": 1, "title": "t", "description": "d"}]', "row 1, tags: Field required"),
        (
            '[{"id": 1, "title": "t", "description": "d", "tags": "a, b"}]',
            "row 1, tags: tags given as one string 'a, b'; "
            'give a list of strings, as in ["computer-vision", "segmentation"]',
        ),
        (
            '[{"id": 1, "title": "t", "description": "d", "tags": []},'
            ' {"id": "1", "title": "t", "description": "d", "tags": []}]',
            "row 2, id: '1' is already the id of row 1; ids are unique",
        ),
    ],
)
def test_a_malformed_file_is_told_by_row_and_field(content, told, refused, tmp_path):
    (tmp_path / "projects.json").write_text(content)
    message = refused("train", data=tmp_path)
    assert message.startswith(f"{tmp_path / 'projects.json'}: {told}")


def test_a_model_of_another_kind_is_refused(refused, small_models, tmp_path):
    models = shutil.copytree(small_models, tmp_path / "model")
    (models / "v0.2.0" / "model.skops").write_bytes(b"cbuiltins\nprint\n(S'run'\ntR.")
    assert refused("predict", "masks", models=models).startswith("v0.2.0/model")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["params", "v0.3.0"],
            "unknown version 'v0.3.0': did you mean 'v0.2.0'? allowed: v0.1.0, v0.2.0, workspace",
        ),
        (
            ["predict", "masks", "--version", "nothing"],
            "unknown version 'nothing': allowed: v0.1.0, v0.2.0, workspace",
        ),
        (["diff", "v0.1.0", "v0.1.0"], "choose two different versions, got 'v0.1.0' twice"),
        (
            ["performance", "--filter", "slice"],
            "unknown group 'slice': did you mean 'slices'? "
            "allowed: overall, class, slices, behavioral",
        ),
        (["train", "--set", "C"], "--set: NAME=VALUE is needed, got 'C'"),
        (["train", "--set", "C=many"], "C: a number is needed, got 'many'"),
        (["train", "--set", "min_tag_freq=0"], "min_tag_freq: a number from 1 to 1e+06 is needed"),
        (["train", "--set", "min_tag_frq=3"], NEAREST),
        (["params", "v0.1.0", "min_tag_frq"], NEAREST),
        (["train", "--set", "min_tag_freq=500"], "no tag reaches min_tag_freq 500"),
        (["train", "--params", "nowhere.json"], "nowhere.json: cannot be read"),
        (["train", "--repeat", "0"], "--repeat must be 1 or more, got 0"),
        (["train", "--jobs", "0"], "jobs must be 1 or more, got 0"),
        (["optimize", "--jobs", "-1"], "jobs must be 1 or more, got -1"),
        (["release", "workspace"], "'workspace' is the version being worked on"),
        (["release", "../out"], "version '../out': a name is "),
        (["release", "v0.3.0", "--notes", "two\nlines"], "notes are one line"),
        (["preprocess", "a", "--filters", "("], "filters: "),
    ],
)  # fmt: skip
def test_mistakes_are_told(arguments, told, refused):
    assert refused(*arguments).startswith(told)


def test_no_version_yet_is_told(refused, tmp_path):
    assert refused("versions", models=tmp_path) == (
        f"no version in {tmp_path}: the folder is empty; `python -m tagifai train` makes the first"
    )


def test_old_versions_are_scored_on_tests_saved_since(run_json, run, small_data, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small_data, data)
    before = run_json("evaluate-behavioral", data=data)
    case = {"text": "masks of photos", "expected": ["transformers"]}
    saved = [{"type": "MFT", "group": "saved", "cases": [case]}]
    (data / "behavioral.json").write_text(json.dumps(saved))
    after = run_json("evaluate-behavioral", data=data)
    assert [row["num_samples"] for row in after] == [row["num_samples"] + 1 for row in before]
    row = run_json("evaluate-behavioral", "--version", "v0.2.0", data=data)
    failed = [test["texts"] for test in row["results"]["failed"] if test["group"] == "saved"]
    assert (row["version"], failed) == ("v0.2.0", [["masks of photos"]])
    status, out, _ = run("evaluate-behavioral", "--version", "v0.2.0", data=data)
    assert status == 0
    assert "masks of photos" in out


def test_plots_are_saved(run_json, refused, tmp_path):
    picture = tmp_path / "history.svg"
    assert run_json("plot", "history", "-o", picture) == {"file": str(picture)}
    assert "<svg" in picture.read_text("utf-8")
    picture = tmp_path / "diff.png"
    answer = run_json("plot", "diff", "v0.1.0", "v0.2.0", "-o", picture)
    assert answer["file"] == str(picture)
    assert answer["notes"][0].startswith("Test projects that both have: only 12.")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert refused("plot", "diff", "v0.1.0", "-o", picture) == (
        "diff: two versions are needed, got 1"
    )


def test_reviews_go_out_come_in_and_are_applied(run, run_json, refused, small_data, tmp_path):
    data = shutil.copytree(small_data, tmp_path / "data")
    kept = data / "reviews.sqlite"
    assert refused("reviews", "list", data=data).startswith(f"{kept}: no reviews yet")
    store = ReviewStore(kept)
    store.submit(reviewer="ann", project="0", tag="transformers", decision="add", note="said")
    store.submit(reviewer="ann", project="1", tag="computer-vision", decision="right")
    store.close()

    rows = run_json("reviews", "list", data=data)
    assert [(row["project"], row["tag"]) for row in rows] == [
        ("0", "transformers"),
        ("1", "computer-vision"),
    ]
    file = tmp_path / "reviews.jsonl"
    told = run_json("reviews", "export", "-o", file, data=data)
    assert told == {"format": "jsonl", "reviews": 2, "to": str(file)}
    assert run("reviews", "export", data=data)[1] == file.read_text("utf-8")

    elsewhere = shutil.copytree(small_data, tmp_path / "elsewhere")
    assert run("reviews", "import", file, data=elsewhere)[1].startswith("2 new reviews, 0 known")
    assert run_json("reviews", "import", file, data=elsewhere)["num_known"] == 2

    corrected = tmp_path / "corrected"
    applied = run_json("reviews", "apply", "--to", corrected, data=data)
    assert (applied["num_added"], applied["num_removed"]) == (1, 0)
    before = json.loads((small_data / "projects.json").read_text())
    after = json.loads((corrected / "projects.json").read_text())
    assert [new["id"] for old, new in zip(before, after, strict=True) if old != new] == ["0"]
    assert set(after[0]["tags"]) == {*before[0]["tags"], "transformers"}


def test_label_studio_gets_its_interface(run):
    status, out, _ = run("reviews", "config")
    assert status == 0
    assert all(f'"{tag}"' in out for tag in ("computer-vision", "segmentation", "transformers"))


def test_users_are_added_listed_and_removed(tmp_path, capsys, monkeypatch):
    file = ["--auth-file", str(tmp_path / "users.json")]
    added = program("users", "add", "ann", *file, input="correct horse battery\n")
    assert (added.returncode, added.stderr) == (0, "")
    assert cli.main(["users", "list", "--json", *file]) == 0
    assert json.loads(capsys.readouterr().out) == ["ann"]
    assert "correct horse" not in (tmp_path / "users.json").read_text()
    assert cli.main(["users", "remove", "ann", *file]) == 0
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert cli.main(["users", "add", "ben", *file]) == 1
    short = capsys.readouterr()
    assert short.out == ""
    assert short.err.startswith("tagifai: ")
