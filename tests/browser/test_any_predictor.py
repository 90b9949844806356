"""The Inference tab with models that nobody of tagifai made."""

import re
import shutil

import pytest
import skops.io
from foreign_models import NAMES, write_versions
from pages import choose, field, open_tab, watching
from playwright.sync_api import expect

TEXT = "Segmentation of camera images by transformers"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_versions(folder)
    for name, after in (("broken", "broken"), ("gone", "gone")):
        of = {"broken": ("v1", ":slow"), "gone": ("v3", "pipe.skops")}[name]
        shutil.copytree(folder / "model" / of[0], folder / "model" / name)
        described = folder / "model" / name / "predictor.json"
        instead = {"broken": ":broken", "gone": "gone.skops"}[after]
        described.write_text(described.read_text().replace(of[1], instead))
    return folder


@pytest.fixture(scope="module")
def page(foreign, context, serve):
    flags = [
        word
        for name in ("slow", "broken")
        for word in ("--allow-predictor", f"python:foreign_module:{name}")
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(foreign))
        with (
            serve(foreign / "data", foreign / "model", foreign / "cache", *flags) as url,
            watching(context) as opened,
        ):
            shown = opened(url)
            shown.get_by_role("tab", name="Inference").click()
            expect(field(shown, "#inference-version")).not_to_have_value("")
            yield shown


def ask(page, version, text=TEXT):
    if field(page, "#inference-version").input_value() != version:
        choose(page, "#inference-version", version)
    field(page, "#inference-text").fill(text)


def shares_of(page):
    cells = page.locator("#inference-tags tbody tr")
    return {
        row.get_attribute("data-key"): float(row.locator("td").nth(1).inner_text())
        for row in cells.all()
    }


def test_a_pipeline_tells_tags_and_exact_reasons(page, foreign):
    ask(page, "v3")
    expect(page.locator("#inference-sum .method")).to_have_text(
        "Exact: the parts sum to the log-odds."
    )
    expected = skops.io.load(foreign / "pipe.skops").predict_proba([TEXT])[0]
    shown = shares_of(page)
    assert [shown[tag] for tag in NAMES] == pytest.approx(expected.tolist(), abs=6e-4)
    predicted = [tag for tag, value in zip(NAMES, expected, strict=True) if value >= 0.4]
    expect(page.locator("#inference-predicted")).to_contain_text(predicted[0])
    expect(page.locator("#inference-why .as-typed .word")).to_have_text(TEXT.split())
    numbers = [float(b.inner_text()) for b in page.locator("#inference-sum .sum b").all()]
    *parts, log_odds, _ = numbers
    assert sum(parts) == pytest.approx(log_odds, abs=0.02)
    expect(page.locator("#inference-notice")).to_be_empty()
    # Choosing a word drops it, and what that changes follows.
    page.locator("#inference-why .word", has_text="Segmentation").click()
    expect(field(page, "#inference-edited")).to_have_value(TEXT.removeprefix("Segmentation "))
    expect(page.locator("#inference-flips table")).to_be_visible()
    field(page, "#inference-edited").fill("")


def test_a_graph_of_onnx_tells_tags_and_shapley_values(page):
    ask(page, "v2", "segmentation of masks by an encoder")
    expect(page.locator("#inference-sum .method")).to_have_text(
        re.compile(
            r"^Shapley values of words, \d+ texts asked; the sum misses the log-odds by 0\.00"
        )
    )
    expect(page.locator("#inference-predicted")).to_contain_text("segmentation")
    choose(page, "#inference-tag", "segmentation")
    expect(page.locator("#inference-sum .sum")).to_contain_text("log-odds of segmentation")
    raised = page.locator("#inference-why .word", has_text=re.compile("^masks$"))
    expect(raised).to_have_class("word raises")
    page.locator("#inference-smallest").click()
    expect(page.locator("#inference-changes caption")).to_contain_text("of at most 200 changed")
    choose(page, "#inference-tag", "the likeliest")


def test_a_slow_predictor_answers_with_progress_and_can_be_cancelled(page):
    ask(page, "v1", "segmentation " + " ".join(f"word{i}" for i in range(30)))
    expect(page.locator("#inference-predicted")).to_contain_text("segmentation")
    cancel = page.locator("#inference-cancel")
    expect(page.locator("#inference-working progress")).to_be_visible()
    cancel.click()
    expect(page.locator("#inference-working")).to_contain_text("Cancelled")
    expect(cancel).to_be_hidden()
    # What was known by then stays, and the next text is answered.
    expect(page.locator("#inference-predicted")).to_contain_text("segmentation")
    ask(page, "v1", "transformers")
    expect(page.locator("#inference-predicted")).to_contain_text("transformers")
    expect(page.locator("#inference-sum .method")).to_contain_text("Shapley values")
    expect(page.locator("#inference-working")).to_be_empty()


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("broken", "raised RuntimeError: out of <b>memory</b>"),
        ("gone", "gone.skops: cannot be read"),
    ],
)
def test_a_predictor_that_fails_says_so_and_the_rest_goes_on(page, version, message):
    ask(page, version, "segmentation of masks")
    expect(page.locator("#inference-notice")).to_contain_text(message)
    expect(page.locator("#inference-predicted")).to_be_empty()
    expect(page.locator("#inference-similar table")).to_contain_text("segmentation")
    ask(page, "v3", "segmentation of masks")
    expect(page.locator("#inference-predicted")).to_contain_text("segmentation")
    expect(page.locator("#inference-notice")).to_be_empty()


def test_behavioral_tests_of_a_slow_predictor_show_progress_until_they_are_cancelled(page):
    open_tab(page, "Performance")
    choose(page, "#version-b", "v1")
    results, cancel = page.locator("#behavioral-results"), page.locator("#behavioral-cancel")
    page.locator("#behavioral").get_by_role("button").first.click()
    page.locator("#show-behavioral").click()
    expect(page.locator("#behavioral-working progress")).to_be_visible()
    cancel.click()
    expect(results).to_contain_text("Cancelled")
    expect(cancel).to_be_hidden()
    # What was found for one version is not shown beside another.
    choose(page, "#version-b", "v3")
    expect(results).to_be_empty()
    page.locator("#show-behavioral").click()
    expect(results.locator(".headline")).to_contain_text("v3: ")
