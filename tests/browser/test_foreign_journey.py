"""Somebody's CSV and pipeline, by the commands of the README, to the first wrong prediction."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_corpus import HOSTILE_TAG, NUM_PROJECTS, WORDS, project
from onnx_folders import write_bag_of_words
from pages import choose, field, open_tab, options_of
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
TAGS = sorted(tag for tag in WORDS if tag != HOSTILE_TAG)
LABELS = {
    "attention": "attention", "computer-vision": "vision", "natural-language-processing": "nlp",
    "segmentation": "segmentation", "transformers": "transformers",
}  # fmt: skip
TEXT = "An encoder of pretrained tokens reads camera images"
# As people train: nothing in it knows of this program but the last line.
TRAINING = """
import json
import sys

import pandas as pd
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MultiLabelBinarizer

table = pd.read_csv("reviews.csv", keep_default_na=False)
table = table[table["split"] == "train"]
binarizer = MultiLabelBinarizer()
y = binarizer.fit_transform(table["labels"].str.split("|").map(lambda one: [x for x in one if x]))
for name, C in (("first", 0.5), ("second", 30.0)):
    model = Pipeline([
        ("tfidf", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)),
        ("classifier", OneVsRestClassifier(LogisticRegression(C=C, class_weight="balanced"))),
    ])
    model.fit(table["text"], y)
    skops.io.dump(model, f"{name}.skops")
json.dump(binarizer.classes_.tolist(), open("tags.json", "w"))
"""


def write_csv(path: Path) -> None:
    """Write the corpus as one table of texts and labels, with a split."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["review_id", "text", "labels", "split"])
        for i in range(NUM_PROJECTS):
            one = project(i)
            tags = [LABELS[tag] for tag in one["tags"] if tag in LABELS]
            split = ("train", "train", "train", "val", "test")[i * 7 % 5]
            text = f"{one['title']} {one['description']}"
            writer.writerow([f"r{i}", text, "|".join(tags), split])


def run(folder: Path, *words: str) -> str:
    """Run a command in the folder; return what it printed."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("TAGIFAI_")}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(context: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("foreign")
    write_csv(made / "reviews.csv")
    run(made, "-c", TRAINING)
    names = sorted(LABELS.values())
    weights = {
        word: [4.0 * (LABELS[tag] == name) for name in names] for tag in TAGS for word in WORDS[tag]
    }
    write_bag_of_words(made / "onnx", weights, [-3.0] * len(names), names)
    homes = ("--data", "my-data", "--models", "my-models")
    tagifai = ("-m", "tagifai")
    run(made, *tagifai, "data", "import", "reviews.csv", "--to", "my-data")
    for version, predictor in (
        ("v1.0.0", "sklearn:first.skops"),
        ("v2.0.0", "sklearn:second.skops"),
        ("v3.0.0", "onnx:onnx"),
    ):
        names_of_columns = () if predictor.startswith("onnx") else ("--tags", "tags.json")
        run(made, *tagifai, "add-version", version, "--predictor", predictor, *names_of_columns,
            *homes)  # fmt: skip
    return made


@pytest.fixture(scope="module")
def url(folder: Path, serve: Callable[..., Any]) -> Iterator[str]:
    with serve(folder / "my-data", folder / "my-models", folder / "cache") as address:
        yield address


@pytest.fixture
def page(open_page: Callable[[str], Any], url: str) -> Any:
    return open_page(url)


def explained(page: Any, text: str, tag: str) -> None:
    """Type a text, and wait for the words that decided."""
    field(page, "#inference-text").fill(text)
    chips = page.locator("#inference-predicted .chip")
    expect(chips.filter(has_text=tag)).to_be_visible()
    choose(page, "#inference-tag", tag)
    expect(page.locator("#inference-why .word.raises").first).to_be_visible()
    expect(page.locator("#inference-sum .sum")).to_contain_text(f"log-odds of {tag}")


def first_wrong(page: Any, version: str) -> Any:
    """Choose a version, and return the first prediction that is wrong, explained."""
    open_tab(page, "Inspection")
    choose(page, "#inspect-version", version)
    expect(page.locator("#tag-metrics tbody tr")).to_have_count(len(TAGS))
    choose(page, "#inspect-tag", "transformers")
    page.locator("#inspect-outcome").get_by_text("false positives").click()
    expect(page.locator("#samples [data-count]")).to_contain_text("false positives of transformers")
    sample = page.locator("#samples tbody tr").first
    expect(sample.locator(".word.raises").first).to_be_visible()
    return sample


def test_a_pipeline_and_a_csv_fill_all_tabs(page: Any) -> None:
    open_tab(page, "Data")
    expect(page.locator("#projects-table [data-count]")).to_contain_text(f"{NUM_PROJECTS} projects")

    open_tab(page, "Performance")
    assert options_of(page, "#version-a") == ["v3.0.0", "v2.0.0", "v1.0.0"]
    choose(page, "#version-a", "v1.0.0")
    choose(page, "#version-b", "v2.0.0")
    expect(page.locator("#verdict")).to_contain_text("v2.0.0")
    expect(page.locator("#metric-diff figcaption")).to_contain_text("v2.0.0 − v1.0.0")

    open_tab(page, "Inference")
    choose(page, "#inference-version", "v2.0.0")
    explained(page, TEXT, "transformers")
    expect(page.locator("#inference-why .word.raises").first).to_be_visible()

    sample = first_wrong(page, "v2.0.0")
    expect(sample).to_contain_text("transformers")
    # What raised it is a word of the tag that the label does not bear out.
    raised = sample.locator(".word.raises").all_inner_texts()
    assert {word.lower().strip(".") for word in raised} & set(WORDS["transformers"])


def test_an_onnx_model_stands_beside_it(page: Any) -> None:
    open_tab(page, "Inference")
    expect(field(page, "#inference-version")).to_have_value("v3.0.0")
    explained(page, TEXT, "transformers")
    choose(page, "#inference-version", "v1.0.0")
    explained(page, TEXT, "transformers")

    first_wrong(page, "v3.0.0")

    open_tab(page, "Performance")
    choose(page, "#version-a", "v2.0.0")
    choose(page, "#version-b", "v3.0.0")
    expect(page.locator("#verdict")).to_contain_text("v3.0.0")


def test_the_endpoints_and_the_commands_answer_for_it(folder: Path) -> None:
    words = ("predict", TEXT, "--data", "my-data", "--models", "my-models", "--json")
    for version in ("v2.0.0", "v3.0.0"):
        answer = json.loads(run(folder, "-m", "tagifai", *words, "--version", version))
        assert "transformers" in answer["predictions"][0]["tags"]
