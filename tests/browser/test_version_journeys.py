import re
import shutil

import numpy as np
import orjson
import pytest
from browser_corpus import HOSTILE_TAG
from pages import choose, field, go_to, open_tab, options_of
from playwright.sync_api import expect

from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version


@pytest.fixture
def thresholds_of(corpus):
    """Read a version's thresholds from its file."""
    return lambda version: orjson.loads(
        (corpus / "model" / version / "thresholds.json").read_bytes()
    )


@pytest.fixture
def decided(corpus, thresholds_of):
    """Return a version's outcomes on its test split, straight from its files."""

    def of(version, tag, outcome):
        predictions = load_version(FolderSource(corpus / "model"), version).load_predictions()
        predictions = predictions.select("test")
        threshold = thresholds_of(version)[tag]
        column = predictions.tags.index(tag)
        true = predictions.y_true[:, column] == 1
        above = predictions.y_prob[:, column] >= threshold
        rows = {"tp": true & above, "fp": ~true & above, "fn": true & ~above}[outcome]
        return [predictions.ids[row] for row in np.flatnonzero(rows)]

    return of


def test_a_report_is_saved_and_read_without_a_server(shared_page, browser, tmp_path):
    page = shared_page
    open_tab(page, "Performance")
    button = page.locator("#export-report")
    with page.expect_download() as download:
        button.click()
    expect(button).to_have_text("Save a report to send (HTML)")
    expect(button).to_be_enabled()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "v0.2.0-workspace.html"
    asked = []
    with browser.new_context(offline=True) as context:
        report = context.new_page()
        report.on("request", lambda request: asked.append(request.url))
        report.goto(file.as_uri())
        expect(report.locator("h1")).to_have_text("workspace compared with v0.2.0")
        for width, scheme in ((1280, "light"), (390, "dark")):
            report.set_viewport_size({"width": width, "height": 900})
            report.emulate_media(color_scheme=scheme)
            assert report.evaluate("document.documentElement.scrollWidth") <= width
            ground = report.evaluate("getComputedStyle(document.body).backgroundColor")
            assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 24, 29)")
    assert asked == [file.as_uri()]


def test_a_broken_version_is_named_and_the_others_go_on(shared_page, corpus):
    page = shared_page
    broken = corpus / "model" / "v0.3.0"
    broken.mkdir()
    (broken / "performance.json").write_text("{")
    try:
        page.get_by_role("tab", name="Inspection").click()
        # The latest that has something to inspect.
        expect(field(page, "#inspect-version")).to_have_value("v0.2.0")
        choose(page, "#inspect-version", "v0.3.0")
        expect(page.get_by_role("alert").filter(visible=True)).to_contain_text(
            "v0.3.0/performance.json: not JSON"
        )
        choose(page, "#inspect-version", "v0.2.0")
        expect(page.locator("#tag-metrics tbody tr")).to_have_count(6)
        expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
        open_tab(page, "Performance")
        expect(page.get_by_role("alert").filter(visible=True)).to_contain_text(
            "v0.3.0/performance.json: not JSON"
        )
        assert options_of(page, "#version-b") == ["workspace", "v0.2.0", "v0.1.0"]
    finally:
        shutil.rmtree(broken)


def test_versions_are_compared(shared_page):
    page = shared_page
    open_tab(page, "Performance")
    history = page.locator("#metric-history")
    expect(history.locator(".legend")).to_have_text(
        [
            "overall f1", "overall precision", "overall recall", "slices f1",
            "slices precision", "slices recall",
        ]
    )  # fmt: skip
    expect(history.locator("circle title").filter(has_text="overall f1")).to_have_count(3)
    expect(history.locator("circle title").filter(has_text="overall f1, v0.1.0: 0.")).to_have_count(
        1
    )
    assert options_of(page, "#version-a") == ["workspace", "v0.2.0", "v0.1.0"]

    choose(page, "#version-a", "v0.1.0")
    expect(page.locator("#verdict")).to_contain_text(
        "Unchanged: workspace decides as v0.1.0 does, on 36 shared test projects."
    )
    expect(page.locator("#params-diff")).to_have_text(
        "The two versions have the same hyperparameters."
    )
    expect(page.locator("#improvements")).to_contain_text("Nothing is higher.")
    expect(page.locator("#regressions")).to_contain_text("Nothing is lower.")

    choose(page, "#version-b", "v0.2.0")
    expect(page.locator("#metric-diff figcaption")).to_contain_text("Overall f1: v0.2.0 − v0.1.0")
    expect(page.locator("#metric-diff g").filter(has_text="weighted by support")).to_contain_text(
        "↗ +4.6 (0.907 → 0.953)"
    )
    expect(page.locator("#params-diff tbody tr").filter(has_text="estimator")).to_have_text(
        'estimator "logistic" "svc"', use_inner_text=True
    )
    expect(page.locator("#verdict")).to_contain_text(
        "Can't tell v0.2.0 from v0.1.0: F1 +4.6 points, 95 % interval -2.9 to +11.3"
    )
    expect(page.locator("#improvements h4")).to_contain_text("Improvements in f1: 0 (")
    expect(page.locator("#improvements tbody tr").filter(has_text="attention")).to_have_text(
        "by tag attention ↗ +13.9 0.750 → 0.889 too few 5", use_inner_text=True
    )
    expect(page.locator("#regressions h4")).to_contain_text("Regressions in f1: 0 (")
    expect(page.locator("#regressions tbody tr").filter(has_text="transformers")).to_have_text(
        "by tag transformers ↘ -1.8 (-18.4 to +15.7) 0.818 → 0.800 can't tell 12",
        use_inner_text=True,
    )
    expect(page.locator("#version-a-card")).to_contain_text("Version A: v0.1.0")

    page.locator("#diff-metric").get_by_text("recall").click()
    expect(page.locator("#tag-diff figcaption")).to_contain_text("recall by tag")
    expect(page.locator("#improvements h4")).to_contain_text("in recall")

    page.locator("#tag-diffs tbody tr").filter(has_text="transformers").click()
    flips = page.locator("#flips")
    expect(flips.locator("caption")).to_contain_text(
        "Decisions on transformers that B fixed, broke or left wrong: 6"
    )
    expect(flips.locator("tbody tr").first).to_contain_text("▼ broke")
    page.locator("#tag-diffs tbody tr").filter(has_text=HOSTILE_TAG).press("Enter")
    expect(flips.locator("tbody tr")).to_contain_text(["▲ fixed"] * 3)

    page.locator("#behavioral").get_by_role("button").first.click()
    page.locator("#show-behavioral").click()
    tests = page.locator("#behavioral-results")
    expect(tests.locator(".headline")).to_contain_text("behavioral tests pass, on the tests of now")
    expect(tests.locator(".headline")).to_contain_text("A name matcher, which learns nothing")
    expect(tests.locator("tbody td").filter(has_text="name recognition").first).to_be_visible()
    expect(tests.locator("summary")).to_have_text(
        [re.compile("By group: "), re.compile(r"Failed: \d+"), re.compile("Passed: ")]
    )
    expect(tests.locator("details[open] tbody tr").first).to_be_visible()

    choose(page, "#version-b", "v0.1.0")
    expect(page.locator("#verdict [role=alert]")).to_have_text(
        "choose two different versions, got 'v0.1.0' twice"
    )
    expect(page.locator("#regressions")).to_have_text("")


def test_a_text_is_tagged(shared_page):
    page = shared_page
    open_tab(page, "Inference")
    text, read = field(page, "#inference-text"), field(page, "#inference-preprocessed")
    predicted, rows = page.locator("#inference-predicted"), page.locator("#inference-tags tbody tr")
    assert options_of(page, "#inference-version") == ["workspace", "v0.2.0", "v0.1.0"]
    expect(field(page, "#inference-version")).to_have_value("v0.2.0")

    text.fill("Vision: the pixels of camera images, with masks and regions")
    expect(read).to_have_value("vision pixels camera images masks regions")
    expect(predicted.locator(".chip")).to_have_text(["computer-vision", "segmentation"])
    expect(rows).to_have_count(6)
    expect(rows.first).to_contain_text("✔ predicted")

    text.fill("")
    expect(predicted).to_contain_text("there is no word to predict from")
    expect(rows).to_have_count(0)
    text.fill("the of and !!")
    expect(read).to_have_value("")
    expect(predicted).to_contain_text("there is no word to predict from")
    text.fill("zzzz qqqq")
    expect(predicted).to_contain_text("No word of this text occurred in training, so")
    choose(page, "#inference-version", "v0.1.0")
    text.fill("grammar of dialogue")
    expect(predicted.locator(".chip")).to_have_text(["natural-language-processing"])

    text.fill("language " * 2_000)
    expect(predicted.locator(".chip")).to_have_text(["natural-language-processing"])
    text.fill("language " * 3_000)
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text(
        "the text has 27,000 characters; at most 20,000 are read"
    )
    text.fill("language")
    expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)


def test_a_decision_is_led_back_to_words_and_training_projects(shared_page):
    page = shared_page
    open_tab(page, "Inspection")
    page.locator("#tag-metrics tbody tr").filter(has_text="transformers").click()
    expect(page.locator("#samples [data-count]")).to_contain_text("of transformers")
    expect(page.locator("#samples .word.raises").first).to_be_visible()
    with page.expect_download() as saved:
        page.locator("#samples-json").click()
    rows = orjson.loads(saved.value.path().read_bytes())
    assert saved.value.suggested_filename == "v0.2.0-transformers-fp.json"
    ids = page.locator("#samples tbody tr td:first-child").all_inner_texts()
    assert [row["id"] for row in rows] == ids

    page.locator("#samples .why").first.click()
    panel = page.locator("#influence-shares")
    expect(panel.locator("figcaption")).to_contain_text("for transformers: ")
    expect(panel.locator("svg[role=img]")).to_contain_text("what no project gave")
    page.locator("#influence-left-out input").first.check()
    page.locator("#influence-refit").click()
    expect(page.locator("#influence-refitted")).to_contain_text("Refitted without 1 project")
    page.locator("#tag-metrics tbody tr").filter(has_text="segmentation").click()
    expect(panel).to_contain_text("Choose “Training projects behind it”")


def test_a_tags_errors_are_inspected(shared_page, decided):
    page = shared_page
    open_tab(page, "Inspection")
    samples, tag = page.locator("#samples"), field(page, "#inspect-tag")
    ids = samples.locator("tbody tr td:first-child")
    tags = page.locator("#tag-metrics tbody tr td:first-child")
    f1 = [float(value) for value in page.locator("#tag-metrics .share").all_inner_texts()]
    assert f1 == sorted(f1, reverse=True)
    expect(tags).to_have_count(6)
    assert set(tags.all_inner_texts()) >= {"transformers", HOSTILE_TAG}

    page.locator("#tag-metrics tbody tr").filter(has_text="transformers").click()
    expect(tag).to_have_value("transformers")
    expect(page.locator("#tag-figures")).to_contain_text("12projects with the tag")
    expect(samples.locator("[data-count]")).to_have_attribute("data-count", "3")
    assert sorted(ids.all_inner_texts()) == sorted(decided("v0.2.0", "transformers", "fp"))
    expect(page.locator("#outcome-help")).to_contain_text("missing labels")
    page.locator("#inspect-outcome").get_by_text("false negatives").click()
    expect(page.locator("#outcome-help")).to_contain_text("needs more examples")
    expect(samples.locator("[data-count]")).to_contain_text("2 false negatives of transformers")
    assert sorted(ids.all_inner_texts()) == sorted(decided("v0.2.0", "transformers", "fn"))

    choose(page, "#inspect-tag", "computer-vision")
    page.locator("#inspect-outcome").get_by_text("true positives").click()
    expect(samples.locator("[data-count]")).to_have_text(
        "18 true positives of computer-vision; page 1 of 2"
    )
    first = ids.all_inner_texts()
    field(page, "#samples-page").fill("2")
    field(page, "#samples-page").press("Tab")  # leaving the field says its value once more
    expect(samples.locator("[data-count]")).to_contain_text("page 2 of 2")
    page.wait_for_timeout(500)
    assert sorted(first + ids.all_inner_texts()) == sorted(
        decided("v0.2.0", "computer-vision", "tp")
    )
    choose(page, "#samples-order", "longest")
    expect(samples.locator("[data-count]")).to_contain_text("page 1 of 2")
    field(page, "#samples-search").fill(first[0])
    expect(ids).to_have_text([first[0]])

    expect(page.locator("#slice-metrics tbody tr")).to_have_count(2)
    expect(page.locator("#calibration-note a")).to_have_attribute(
        "href", "https://arxiv.org/abs/1706.04599"
    )
    choose(page, "#inspect-version", "v0.1.0")
    expect(tag).to_have_value("computer-vision")


def test_what_is_chosen_before_an_answer_comes_stays(shared_page):
    page = shared_page
    open_tab(page, "Inspection")
    choose(page, "#inspect-tag", "transformers")
    listed, figures = page.locator("#samples [data-count]"), page.locator("#tag-figures")
    expect(listed).to_contain_text("of transformers")
    held = []
    page.route("**/gradio_api/run/**", lambda request: held.append(request))
    choose(page, "#inspect-version", "v0.1.0")
    choose(page, "#inspect-tag", "segmentation")
    page.unroute("**/gradio_api/run/**")  # lets what was held go on
    expect(listed).to_contain_text("of segmentation")
    expect(field(page, "#inspect-version")).to_have_value("v0.1.0")
    expect(field(page, "#inspect-tag")).to_have_value("segmentation")

    before = figures.inner_text()
    page.route("**/gradio_api/run/**", lambda request: held.append(request))
    page.locator("#tag-metrics tbody tr").filter(has_text="computer-vision").click()
    page.locator("#inspect-outcome").get_by_text("true positives").click()
    page.unroute("**/gradio_api/run/**")
    expect(figures).not_to_have_text(before, use_inner_text=True)
    expect(listed).to_contain_text("true positives of computer-vision")
    expect(field(page, "#inspect-tag")).to_have_value("computer-vision")


def test_what_follows_a_version_is_asked_for_once(open_page, app_url):
    page = open_page(f"{app_url}?tab=inspection&part=slices&all_of=segmentation&min_words=3")
    measured = page.locator("#slice-measured tbody tr")
    expect(measured).to_have_count(3)
    page.get_by_role("tab", name="Suspected label errors").click()
    expect(page.locator("#issues tbody tr").first).to_be_visible()
    page.get_by_role("tab", name="Tags", exact=True).click()
    expect(page.locator("#samples [data-count]")).to_be_visible()
    page.wait_for_timeout(500)

    asked = []
    targets = {
        one["id"]: one["targets"] for one in page.evaluate("window.gradio_config.dependencies")
    }

    def note(request):
        if "/queue/join" in request.url or "/run/" in request.url:
            asked.append(request.post_data_json["fn_index"])

    def following(least):
        """Return what followed another answer, once there are so many and no more come."""
        for _ in range(200):
            found = [one for one in asked if all(event == "then" for _, event in targets[one])]
            if len(found) >= least:
                break
            page.wait_for_timeout(100)
        page.wait_for_timeout(500)
        return [one for one in asked if all(event == "then" for _, event in targets[one])]

    page.on("request", note)
    # What is in the tabs that are not in view, what is folded away, and what reviews change.
    choose(page, "#inspect-version", "v0.1.0")
    found = following(least=4)
    assert len(found) == len(set(found)) == 4

    asked.clear()
    page.locator("#tag-metrics tbody tr").filter(has_text="segmentation").click()
    expect(page.locator("#samples [data-count]")).to_contain_text("of segmentation")
    assert len(following(least=1)) == 1


def test_a_slice_that_a_link_fills_in_is_measured_once_in_the_version_of_the_link(shared_page):
    page = shared_page
    open_tab(page, "Inspection")
    page.get_by_role("tab", name="Slices").click()
    expect(page.locator("#slice-measured")).to_contain_text("Choose at least one condition")
    measured = []

    def note(request):
        if "/run/" in request.url:
            sent = request.post_data_json["data"]
            if "segmentation" in (sent[1] if len(sent) == 10 and sent[1] else []):
                measured.append(sent)

    page.on("request", note)
    link = "?tab=inspection&part=slices&version=v0.1.0&all_of=segmentation&min_words=3"
    go_to(page, link + "&max_words=900")
    expect(page.locator("#slice-measured tbody tr")).to_have_count(3)
    expect(field(page, "#inspect-version")).to_have_value("v0.1.0")
    page.wait_for_timeout(500)
    page.remove_listener("request", note)
    assert [sent[0] for sent in measured] == ["v0.1.0"]
    page.get_by_role("tab", name="Tags", exact=True).click()


def test_figures_follow_whatever_sets_a_threshold(shared_page, thresholds_of):
    page = shared_page
    open_tab(page, "Inspection")
    page.locator("#thresholds").get_by_role("button").first.click()
    figures, threshold = page.locator("#tag-figures"), field(page, "#tag-threshold")
    field(page, "#common-threshold").fill("0.9")
    expect(threshold).to_have_value("0.9")
    expect(figures).to_contain_text("0.900threshold")
    threshold.fill("0.123")
    expect(figures).to_contain_text("0.123threshold")
    page.locator("#best-f1").click()
    expect(threshold).not_to_have_value("0.123")
    expect(figures).to_contain_text(f"{float(threshold.input_value()):.3f}threshold")
    threshold.fill("0.123")
    expect(figures).to_contain_text("0.123threshold")
    page.locator("#own-threshold").click()
    own = thresholds_of(field(page, "#inspect-version").input_value())
    expected = own[field(page, "#inspect-tag").input_value()]
    expect(figures).to_contain_text(f"{expected:.3f}threshold")
    assert float(threshold.input_value()) == pytest.approx(expected, abs=1e-9)
