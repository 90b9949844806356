"""What the pages tell people to type is understood by the programs that they type it to."""

import json
import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import tagifai
from tagifai.cli.parser import build_parser, with_command
from tagifai.data.config import CONFIG_FILE, DataConfig, load_config
from tagifai.settings import load_settings

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in FILES}
FENCE = re.compile(r"^ *```(\w+)[^\n]*\n(.*?)^ *```$", re.M | re.S)
# What a command is written in: a line of a block, or code in a sentence.
COMMAND = re.compile(
    r"(?:^|[`$&;(] ?)(?:\S*/)?python (-m tagifai|gradio_app\.py)\b([^`|;&\n]*)", re.M
)
LEFT_TO_THE_READER = {"COMMAND": "versions", "…": ""}


def blocks(kind):
    return [
        (name, body)
        for name, page in PAGES.items()
        for language, body in FENCE.findall(page)
        if language == kind
    ]


def commands():
    return sorted({
        (program, words.strip())
        for page in PAGES.values()
        for program, words in COMMAND.findall(page.replace("\\\n", " "))
    })  # fmt: skip


@pytest.mark.parametrize(("program", "words"), commands())
def test_every_command_is_understood(program, words):
    for name, instead in LEFT_TO_THE_READER.items():
        words = words.replace(name, instead)
    words = words.replace("KIND:SOURCE", "python:module:Name")
    given = shlex.split(words, comments=True)
    if program == "gradio_app.py":
        load_settings(given, {})
    elif len(given) == 1:  # named in a sentence
        with pytest.raises(SystemExit) as ended:
            build_parser().parse_args([*given, "--help"])
        assert ended.value.code == 0
    elif given:
        build_parser().parse_args(with_command(given))


def test_every_recipe_exists():
    recipes = set(re.findall(r"^(\w[\w-]*)(?: \*ARGS)?:", (ROOT / "justfile").read_text(), re.M))
    named = {
        recipe
        for page in PAGES.values()
        for recipe in re.findall(r"`(?:\.venv/bin/)?just ([\w-]+)", page)
    }
    assert named
    assert named - recipes == set()


@pytest.mark.parametrize(("name", "body"), blocks("json"))
def test_json_is_json(name, body):
    for line in [body] if body.startswith("[") else body.splitlines():
        json.loads(line)


@pytest.mark.parametrize(("name", "body"), blocks("toml"))
def test_toml_is_toml(name, body):
    assert tomllib.loads(body)


def test_every_key_of_the_data_folder_is_shown_with_a_value_that_is_allowed(tmp_path):
    text = next(body for _, body in blocks("toml") if "untagged" in body)
    (tmp_path / CONFIG_FILE).write_text(text)
    assert load_config(tmp_path).excluded == ("machine-learning",)
    keys = {field.name for field in fields(DataConfig)} - {"columns"}
    assert set(tomllib.loads(text)) == keys


@pytest.mark.parametrize(("name", "body"), blocks("python"))
def test_python_is_python(name, body):
    compile(body, name, "exec")


def test_every_public_name_is_in_the_reference():
    page = PAGES["docs/python-reference.md"]
    names = [name for name in tagifai.__all__ if not name.startswith("__")]
    assert [name for name in names if f":: tagifai.{name}\n" not in page] == []


class Tagger:
    tags = ("computer-vision", "nlp")

    def predict_proba(self, texts):
        return [[0.9 if tag in text else 0.1 for tag in self.tags] for text in texts]


@pytest.mark.long
def test_the_notebooks_page_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    tags = ["computer-vision", "nlp"]
    texts = ["images, computer-vision", "words, nlp", "both: computer-vision, nlp", "none"] * 15
    y_true = np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 15)
    y_prob = y_true * 0.8 + 0.1
    frame = pd.DataFrame(
        {"body": texts, "labels": [[tags[i] for i in row.nonzero()[0]] for row in y_true],
         "part": ["test"] * 60}
    )  # fmt: skip
    callbacks = []
    found = {
        "texts": texts, "y_true": y_true, "y_prob": y_prob, "tags": tags, "frame": frame,
        "before": y_prob * 0.5, "after": y_prob, "pipeline": Tagger(), "epoch": 1,
        "run": SimpleNamespace(url="https://example.org/run"),
        "trainer": SimpleNamespace(add_callback=callbacks.append),
    }  # fmt: skip
    for name, prob in (("v1", y_prob * 0.5), ("v2", y_prob)):
        tagifai.add_version(name, prob, texts=texts, y_true=y_true, tags=tags, split=["test"] * 60)
    for _, body in (one for one in blocks("python") if one[0] == "docs/python.md"):
        exec(body, found)
    assert found["session"].closed
    assert (tmp_path / "model" / "epoch-1" / "performance.json").is_file()
    assert [type(one).__name__ for one in callbacks] == ["TagifaiCallback"]
