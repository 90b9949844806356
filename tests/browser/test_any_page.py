import json
import re

import pytest
from axe import load_axe, serious
from browser_corpus import HOSTILE, HOSTILE_TAG
from pages import TABS, choose, field, open_tab
from playwright.sync_api import expect

PARTS = {"Suspected label errors": "#issues tbody tr", "Slices": "#slice-measured .note"}
# The share of a page's words that stand out from their ground; 4.5 is WCAG's AA.
CONTRAST = """selector => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c; }
    return [255, 255, 255]; };
  const e = document.querySelector(selector), style = getComputedStyle(e);
  const a = light(parse(e.closest('svg') ? style.fill : style.color)), b = light(ground(e));
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
# Colours change by and by.
TURN = """async dark => {
  document.body.classList.toggle('dark', dark);
  await new Promise(requestAnimationFrame);
  const changing = document.getAnimations().filter(one => one instanceof CSSTransition);
  await Promise.allSettled(changing.map(one => one.finished));
}"""
OUTSIDE = """() => [...document.querySelectorAll('button, input, textarea, label, a')]
  .filter(e => e.checkVisibility() && !e.closest('.table-box'))
  .map(e => [e, e.getBoundingClientRect()])
  .filter(([e, box]) => box.width && (box.left < 0 || box.right > innerWidth))
  .map(([e]) => e.closest('[id]').id || e.outerHTML.slice(0, 200))"""

# The frame around a chart leaves a few pixels.
CUT_OFF = """() => [...document.querySelectorAll('.chart text')]
  .filter(e => e.checkVisibility())
  .map(e => [e, e.getBoundingClientRect(), e.closest('.chart').getBoundingClientRect()])
  .filter(([e, text, chart]) => text.left + 4 < chart.left)
  .map(([e]) => e.textContent)"""


@pytest.fixture
def page(shared_page):
    shared_page.set_viewport_size({"width": 1280, "height": 900})
    return shared_page


def test_pages_fit_a_phone_and_a_desk(page):
    for name, filled in {**TABS, **PARTS}.items():
        page.get_by_role("tab", name=name, exact=True).click()
        page.wait_for_selector(filled)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            assert page.evaluate(OUTSIDE) == [], (name, width)
            assert page.evaluate(CUT_OFF) == [], (name, width)
    page.get_by_role("tab", name="Tags", exact=True).click()


def test_words_stand_out_in_light_and_dark(page):
    for name, words in {
        "Inspection": "#tag-metrics td",
        "Inference": "#inference-tags th",
        "Performance": "#metric-history text",
        "Data": "#tag-distribution text",
    }.items():
        page.get_by_role("tab", name=name).click()
        expect(page.locator(words).first).to_be_visible()
        for dark in (True, False):
            page.evaluate(TURN, dark)
            assert page.evaluate(CONTRAST, words) >= 4.5, (name, words, dark)


def test_strangers_texts_are_shown_and_never_run_or_fetched(page):
    """The fixture fails on any dialog, outside request or console error."""
    open_tab(page, "Data")
    expect(page.locator("#projects-table tbody tr").first).to_contain_text(HOSTILE)
    expect(page.locator("#sample-project")).to_contain_text("${alert(1)}")
    page.locator("#min-tag-freq input[type=range]").press("Home")
    expect(page.locator("#tag-distribution")).to_contain_text(HOSTILE_TAG)
    choose(page, "#word-cloud-tag", HOSTILE_TAG)
    expect(page.locator("#word-cloud figcaption")).to_contain_text(HOSTILE_TAG)
    choose(page, "#data-tag", "computer-vision")
    expect(page.locator("#tag-metadata")).to_contain_text("<script>alert(1)</script>")

    open_tab(page, "Performance")
    page.locator("#tag-diffs tbody tr").filter(has_text=HOSTILE_TAG).click()
    expect(page.locator("#flips caption")).to_contain_text(f"Decisions on {HOSTILE_TAG}")
    expect(page.locator("#version-a-card")).to_contain_text("<script>alert(1)</script>")

    open_tab(page, "Inspection")
    page.locator("#tag-metrics tbody tr").filter(has_text=HOSTILE_TAG).click()
    page.locator("#inspect-outcome").get_by_text("true positives").click()
    expect(page.locator("#samples [data-count]")).to_contain_text(
        f"true positives of {HOSTILE_TAG}"
    )
    choose(page, "#inspect-tag", "natural-language-processing")
    field(page, "#samples-search").fill("{{value}}")
    expect(page.locator("#samples tbody tr").first).to_contain_text(HOSTILE)
    field(page, "#samples-search").fill(HOSTILE)
    expect(page.locator("#samples tbody tr").first).to_contain_text(HOSTILE)

    open_tab(page, "Inference")
    field(page, "#inference-text").fill(f"{HOSTILE} injection payload quoting")
    expect(page.locator("#inference-predicted .chip").filter(has_text=HOSTILE_TAG)).to_be_visible()
    assert page.locator("img[src*='outside'], img[src='x']").count() == 0


def test_an_answer_that_takes_long_is_waited_for_in_sight(page):
    open_tab(page, "Data")
    held = []
    page.route("**/gradio_api/run/**", lambda request: held.append(request))
    line = page.get_by_text("Waiting for an answer …")
    expect(line).to_be_hidden()
    field(page, "#preprocess-input").fill("Slow networks")
    expect(line).to_be_visible()
    for request in held:  # and what comes meanwhile
        request.continue_()
    page.unroute("**/gradio_api/run/**")
    expect(field(page, "#preprocess-output")).to_have_value("slow networks")
    expect(line).to_be_hidden()


@pytest.mark.long
@pytest.mark.realdata
def test_the_real_projects_are_shown(open_page, real_data, corpus, serve):
    with serve(real_data, corpus / "model", corpus / "cache") as url:
        page = open_page(url)
        expect(page.locator("#tags-summary .headline")).to_contain_text("34 of ")
        expect(page.locator("#tags-summary .headline")).to_contain_text(
            "and 1,439 of 2,032 projects"
        )
        expect(page.locator("#tag-distribution rect")).to_have_count(34)
        expect(page.locator("#projects-table [data-count]")).to_contain_text(
            "2,032 projects; page 1 of 41"
        )
        expect(page.locator("#tags-most-common tbody tr").first).to_have_text(
            "natural-language-processing 424", use_inner_text=True
        )
        field(page, "#projects-search").fill("transformers")
        expect(page.locator("#projects-table [data-count]")).to_contain_text(
            "of 2,032 projects match"
        )
        page.close()  # before its server, which it would miss


def test_page_and_scripts_are_sent_compressed(context, app_url):
    page = context.request.get(app_url)
    script = re.search(r"assets/[\w.-]+\.js", page.text()).group()
    for answer in (page, context.request.get(f"{app_url}{script}")):
        assert answer.headers["content-encoding"] in ("gzip", "br")
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.long
def test_more_pages_are_open_at_once_than_a_browser_opens_connections(open_page, app_url):
    pages = [open_page(app_url) for _ in range(7)]
    pages[-1].wait_for_selector(TABS["Data"])
    open_tab(pages[0], "Performance")


@pytest.mark.long
def test_nothing_serious_keeps_anybody_from_using_a_tab(page):
    found = {}
    load_axe(page)
    for name in TABS:
        open_tab(page, name)
        found[name] = serious(page)
    for name, filled in PARTS.items():
        page.get_by_role("tab", name=name, exact=True).click()
        page.locator(filled).first.wait_for()
        found[name] = serious(page, last=name == "Slices")
    assert found == {name: {} for name in (*TABS, *PARTS)}, json.dumps(found, indent=1)
