import json
import re
import statistics

import pytest
from browser_corpus import HOSTILE, HOSTILE_TAG
from pages import choose, field, open_tab
from playwright.sync_api import expect

PLAIN = "guide transformers encoder pretrained vision images camera"
START = "segmentation masks regions"
STARTS = {"#inference-tag": "the likeliest", "#inference-other": "none"}


@pytest.fixture
def inference(shared_page):
    """The tab as it is when it opens."""
    open_tab(shared_page, "Inference")
    for dropdown, start in STARTS.items():
        if field(shared_page, dropdown).input_value() != start:
            choose(shared_page, dropdown, start)
    write(shared_page, "#inference-text", START)
    expect(words(shared_page)).to_have_count(len(START.split()))
    return shared_page


def write(page, element, text):
    field(page, element).fill(text)


def open_many(page):
    if not page.locator("#many-run").is_visible():
        page.get_by_role("button", name="Many texts").click()


def words(page, element="#inference-why"):
    return page.locator(f"{element} .as-typed .word")


def test_words_are_marked_in_the_text_as_typed(inference):
    text = "The <b>Transformers</b>,  an ENCODER — zzzqx & camera"
    write(inference, "#inference-text", text)
    choose(inference, "#inference-tag", "transformers")
    shown = inference.locator("#inference-why .as-typed")
    expect(shown).to_have_text(text, use_inner_text=True)
    assert shown.locator("b").count() == 0
    expect(words(inference)).to_have_text(["b", "Transformers", "b", "ENCODER", "zzzqx", "camera"])
    raised = words(inference).filter(has_text="Transformers")
    expect(raised).to_have_class("word raises")
    expect(words(inference).filter(has_text="zzzqx")).to_have_class("word unseen")
    expect(inference.locator("#inference-sum .sum")).to_contain_text("= log-odds of transformers")


def test_what_is_shown_adds_up(inference):
    write(inference, "#inference-text", PLAIN)
    choose(inference, "#inference-tag", "transformers")
    expect(inference.locator("#inference-sum .sum")).to_contain_text("log-odds of transformers")
    numbers = [float(b.inner_text()) for b in inference.locator("#inference-sum .sum b").all()]
    *parts, log_odds, probability = numbers
    assert len(parts) == 4
    assert sum(parts) == pytest.approx(log_odds, abs=0.03)
    assert 0 < probability < 1


def test_a_tag_is_explained_by_choosing_its_row(inference):
    write(inference, "#inference-text", PLAIN)
    expect(words(inference)).to_have_count(len(PLAIN.split()))
    inference.locator("#inference-tags tr[data-key='attention']").click()
    expect(field(inference, "#inference-tag")).to_have_value("attention")
    expect(inference.locator("#inference-sum .sum")).to_contain_text("log-odds of attention")


def test_one_click_drops_a_word_and_another_replaces_one(inference):
    write(inference, "#inference-text", "transformers encoder pretrained")
    expect(words(inference)).to_have_count(3)
    words(inference).nth(1).click()
    expect(field(inference, "#inference-edited")).to_have_value("transformers pretrained")
    expect(inference.locator("#inference-flips th")).to_have_text(
        ["tag", "text", "edited", "points", ""]
    )
    inference.get_by_label("replaces it by").check()
    write(inference, "#inference-instead", "camera")
    words(inference, "#inference-edited-why").first.press("Enter")
    expect(field(inference, "#inference-edited")).to_have_value("camera pretrained")
    assert field(inference, "#inference-text").input_value() == "transformers encoder pretrained"


def test_flips_of_an_edit_come_first(inference):
    write(inference, "#inference-text", PLAIN)
    write(inference, "#inference-edited", "guide to queries, gaze and attention")
    flips = inference.locator("#inference-flips tbody tr")
    expect(flips.filter(has_text="no longer predicted").first).to_be_visible()
    expect(inference.locator("#inference-flips .headline")).to_contain_text(
        "▲ now predicted: attention"
    )


def test_the_smallest_changes_flip_the_tag_when_tried(inference):
    write(inference, "#inference-text", "guide to transformers tokens and camera photos")
    choose(inference, "#inference-tag", "transformers")
    expect(inference.locator("#inference-sum .sum")).to_contain_text("log-odds of transformers")
    inference.locator("#inference-smallest").click()
    rows = inference.locator("#inference-changes tbody tr")
    expect(rows.first).to_be_visible()
    assert 1 <= rows.count() <= 3
    rows.first.click()
    expect(inference.locator("#inference-flips .headline")).to_contain_text("transformers")


def test_two_versions_stand_side_by_side(inference):
    write(inference, "#inference-text", PLAIN)
    choose(inference, "#inference-other", "v0.1.0")
    expect(inference.locator("#inference-versions th")).to_have_text(
        ["tag", "v0.2.0", "v0.1.0", "points", ""]
    )


def test_similar_projects_show_their_tags(inference):
    write(inference, "#inference-text", "injection payload quoting escaping")
    similar = inference.locator("#inference-similar tbody tr")
    expect(similar).to_have_count(5)
    expect(similar.first.locator(".chip").filter(has_text=HOSTILE_TAG)).to_be_visible()


def test_examples_from_the_data_are_a_click_away(inference):
    example = inference.locator("#inference-examples .example").first
    text = example.get_attribute("data-key")
    example.click()
    expect(field(inference, "#inference-text")).to_have_value(text)
    expect(inference.locator("#inference-why .as-typed")).to_have_text(text, use_inner_text=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Nothing is left of this text"),
        ("the of and", "Nothing is left of this text"),
        ("zzzqx qqqwv", "No word of this text occurred in training"),
        ("x" * 1_000_000, "the text has 1,000,000 characters; at most 20,000"),
        ("vision\x00\x07\x1b[31m camera", "vision"),
        ("vision \ud800 camera", "vision"),
        ("رؤية الحاسوب \u202evision camera\u202c", "رؤية"),
        (HOSTILE + " vision camera", "<script>alert(1)</script>"),
        ("vision $$\\frac{\\sqrt{x}}{\\input{/etc/passwd}}$$ camera", "\\frac"),
    ],
)
def test_every_bad_input_has_an_answer(inference, text, told):
    write(inference, "#inference-text", text)
    part = "#inference-notice, #inference-predicted, #inference-why"
    expect(inference.locator(part).filter(has_text=told).first).to_be_visible()
    # The page lives on.
    write(inference, "#inference-text", "vision images camera")
    expect(inference.locator("#inference-predicted .chip").first).to_have_text("computer-vision")
    assert inference.locator("#tab-inference script, #inference-why img").count() == 0


def test_many_texts_with_bad_rows_and_a_download(inference):
    open_many(inference)
    inference.get_by_label("JSON lines").check()
    lines = ['{"text": "=vision camera", "id": 7}', "{", '{"title": "transformers encoder"}']
    write(inference, "#many-texts", "\n".join(lines))
    inference.locator("#many-run").click()
    expect(inference.locator("#many-table .notice")).to_contain_text("row 2: not JSON")
    expect(inference.locator("#many-table tbody tr")).to_have_count(2)
    expect(inference.locator("#many-progress")).to_contain_text("3 of 3 texts")
    with inference.expect_download() as download:
        inference.locator("#many-csv").click()
    assert download.value.suggested_filename == "predictions-v0.2.0.csv"
    rows = download.value.path().read_text().splitlines()
    assert rows[0] == "row,id,text,tags,probabilities,near_misses,note"
    assert rows[1].startswith('1,7,\'=vision camera,"[""computer-vision""')
    assert rows[2].startswith("2,,,,,,not JSON")


def test_many_texts_from_a_file_can_be_cancelled(inference, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("text\n" + ("vision images camera photos lenses " * 8 + "\n") * 30_000)
    open_many(inference)
    write(inference, "#many-texts", "")
    inference.locator("#many-file input[type=file]").set_input_files(path)
    expect(inference.locator("#many-file")).to_contain_text("texts.csv")
    inference.locator("#many-run").click()
    expect(inference.locator("#many-progress")).to_contain_text("of 30,000 texts")
    inference.locator("#many-cancel").click()
    told = inference.locator("#many-progress .notice")
    expect(told).to_have_text(re.compile(r"Cancelled after [\d,]+ of 30,000 texts"))
    done = int(told.inner_text().split()[2].replace(",", ""))
    assert 0 < done < 30_000
    expect(inference.locator("#many-table caption")).to_contain_text(f"of {done:,} texts")


def test_a_text_becomes_a_failing_test(inference, corpus):
    page, kept = inference, corpus / "data" / "behavioral.json"
    try:
        write(page, "#inference-text", "vision images <b>camera</b>")
        page.get_by_role("button", name="Save as behavioral test").click()
        # A list of several choices stays open.
        page.locator("#keep-expected input").click()
        page.get_by_role("option", name="attention", exact=True).click()
        page.locator("#keep-expected input").blur()
        page.locator("#keep-save").click()
        told = page.locator("#keep-result")
        expect(told).to_contain_text("Saved as test 1")
        expect(told).to_contain_text("v0.2.0 fails it")
        page.locator("#keep-save").click()
        expect(told).to_contain_text("test 1 is this very one")
        saved = json.loads(kept.read_text())
    finally:
        kept.unlink(missing_ok=True)
    case = {"text": "vision images <b>camera</b>", "expected": ["attention"]}
    assert saved == [{"type": "MFT", "group": "saved", "cases": [case]}]


TYPE_AND_WAIT = """async (n) => {
  const box = document.querySelector('#inference-text textarea');
  const why = document.querySelector('#inference-why');
  const times = [];
  for (let i = 0; i < n; i++) {
    const word = 'word' + i + 'x';
    const start = performance.now();
    const seen = new Promise((done) => {
      const watcher = new MutationObserver(() => {
        if (why.textContent.includes(word)) {
          watcher.disconnect();
          done(performance.now() - start);
        }
      });
      watcher.observe(why, {subtree: true, childList: true, characterData: true});
    });
    box.value = 'guide to transformers and vision ' + word;
    box.dispatchEvent(new Event('input', {bubbles: true}));
    times.push(await seen);
    await new Promise((done) => setTimeout(done, 100));
  }
  return times;
}"""


def test_the_answer_follows_the_last_key(inference):
    # 100 ms on a quiet machine; a crowded one is given ten times as much.
    assert statistics.median(inference.evaluate(TYPE_AND_WAIT, 15)) < 1000
