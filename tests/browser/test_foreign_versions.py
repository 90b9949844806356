"""Inspection of versions that nobody here wrote: why they decide so, and their thresholds."""

import json
import re
import shutil

import numpy as np
import pytest
import skops.io
from browser_corpus import TEXTS
from pages import choose, field, open_tab
from playwright.sync_api import expect
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tagifai.cli.parser import main
from tagifai.data import load_dataset

NAMES = sorted(TEXTS)
# A type that skops does not know, which the person confirms.
TREES = ("--allow-predictor", "type:sklearn.tree._tree.Tree")


@pytest.fixture(scope="module")
def foreign(corpus, serve, tmp_path_factory):
    """An app whose workspace is a linear pipeline, beside a forest that is slow to ask."""
    home = tmp_path_factory.mktemp("foreign")
    shutil.copytree(corpus / "data", home / "data")
    dataset = load_dataset(home / "data")
    projects = dataset.projects
    truth = np.array([[tag in p.tags for tag in NAMES] for p in projects], int)
    splits = ["train", "train", "train", "val", "test"]
    rows = json.loads((home / "data/projects.json").read_text())
    for i, row in enumerate(rows):
        row["split"] = splits[i % 5]
    (home / "data/projects.json").write_text(json.dumps(rows))
    train = [i for i in range(len(rows)) if splits[i % 5] == "train"]
    (home / "tags.json").write_text(json.dumps(NAMES))
    forest = RandomForestClassifier(150, random_state=0)
    for name, classifier in (("workspace", LogisticRegression(C=2)), ("forest", forest)):
        pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(classifier))
        pipeline.fit([projects[i].text for i in train], truth[train])
        file = home / f"{name}.skops"
        skops.io.dump(pipeline, file)
        words = ["add-version", name, "--predictor", f"sklearn:{file}"]
        places = ["--data", home / "data", "--models", home / "model", "--cache-dir", home / "c"]
        tags = ["--tags", home / "tags.json", "--thresholds", "0.3", *TREES]
        assert main([str(word) for word in (*words, *places, *tags)]) == 0
    with serve(home / "data", home / "model", home / "cache", *TREES) as url:
        yield home, url


def move_threshold(page, value):
    """Type a threshold; an answer that was under way may set the tag's own once more."""
    figures = page.locator("#tag-figures")
    for _ in range(4):
        field(page, "#tag-threshold").fill(value)
        try:
            expect(figures).to_contain_text(f"{float(value):.3f}threshold", timeout=5_000)
            return
        except AssertionError:
            continue
    raise AssertionError(f"the threshold stays: {figures.inner_text()!r}")


def test_a_linear_pipeline_is_explained_and_its_threshold_is_saved(foreign, open_page):
    home, url = foreign
    page = open_page(url)
    open_tab(page, "Inspection")
    choose(page, "#inspect-version", "workspace")
    page.locator("#tag-metrics tbody tr").filter(has_text="transformers").click()
    page.locator("#inspect-outcome").get_by_text("true positives").click()
    expect(page.locator("#samples .word.raises").first).to_be_visible()
    expect(page.locator("#samples-words")).to_contain_text("exact contributions")
    expect(page.locator("#samples-mark")).to_be_hidden()

    page.locator("#samples .why").first.click()
    panel = page.locator("#influence-shares")
    expect(panel.locator("caption")).to_contain_text("for transformers: ")
    expect(panel).to_contain_text("Pruthi et al. 2020")
    expect(panel.locator(".notice.warning")).to_have_count(0)
    page.locator("#influence-left-out input").first.check()
    page.locator("#influence-refit").click()
    expect(page.locator("#influence-refitted")).to_contain_text("Only the last layer was fitted")

    page.locator("#thresholds").get_by_role("button").first.click()
    move_threshold(page, "0.4")
    keep = page.locator("#keep-threshold")
    expect(keep).to_be_enabled()
    keep.click()
    expect(page.locator("#threshold-told")).to_contain_text(
        "Kept: workspace predicts transformers from 0.400 on, everywhere."
    )
    saved = json.loads((home / "model/workspace/thresholds.json").read_text())
    assert saved["transformers"] == 0.4
    assert json.loads((home / "model/workspace/performance.json").read_text())["behavioral"]
    row = page.locator("#tag-metrics tbody tr").filter(has_text="transformers")
    expect(row).to_contain_text("0.400")


def test_what_is_slow_is_marked_by_a_button_and_a_release_keeps_its_thresholds(foreign, open_page):
    _, url = foreign
    page = open_page(url)
    open_tab(page, "Inspection")
    choose(page, "#inspect-version", "forest")
    page.locator("#tag-metrics tbody tr").filter(has_text="computer-vision").click()
    page.locator("#inspect-outcome").get_by_text("true positives").click()
    expect(page.locator("#samples [data-count]")).to_contain_text("true positives of computer-v")
    mark = page.locator("#samples-mark")
    expect(mark).to_be_visible()
    # At most 320: what was answered before it took too long is not asked again.
    expect(page.locator("#samples-words")).to_contain_text(re.compile(r"about at most \d+ texts"))
    mark.click()
    expect(page.locator("#samples .word.raises").first).to_be_visible(timeout=60_000)
    expect(page.locator("#samples-words")).to_contain_text("leave-one-out")
    expect(mark).to_be_hidden()
    # Other tags of the same projects are known by now.
    page.locator("#samples .why").first.click()
    panel = page.locator("#influence-shares")
    expect(panel).to_contain_text("similar, not influential")
    expect(page.locator("#influence-left-out")).to_be_hidden()

    page.locator("#thresholds").get_by_role("button").first.click()
    expect(page.locator("#keep-threshold")).to_be_disabled()
    expect(page.locator("#threshold-fixed")).to_contain_text("a release is never changed")
