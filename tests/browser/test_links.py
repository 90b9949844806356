"""A link shows in another browser what its sender saw; back, forward and the button work."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from pages import choose, field, go_to, open_tab
from playwright.sync_api import expect

from tagifai.data import load_dataset
from tagifai.text.preprocessing import preprocess_text


@pytest.fixture
def elsewhere(browser):
    """Open an address in a browser that has never seen the app."""
    opened = []

    def open_address(address):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        opened.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield open_address
    for context in opened:
        context.close()


@pytest.fixture
def follow(open_page, app_url):
    """Follow a link to the app, in a page of its own; the one before is closed."""
    opened = []

    def open_link(address):
        for page in opened:
            page.close()
        opened[:] = [open_page(app_url + address)]
        return opened[0]

    return open_link


def asked(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_the_address_follows_what_is_chosen_and_shows_it_to_others(shared_page, app_url, elsewhere):
    page = shared_page
    expect(page.locator("#projects-table tbody tr").first).to_be_visible()
    assert page.url == app_url
    open_tab(page, "Inspection")
    # The row is one of the version's own table, once that is there.
    table = page.locator("#tag-metrics")
    latest = table.inner_text()
    choose(page, "#inspect-version", "v0.1.0")
    expect(table).not_to_have_text(latest, use_inner_text=True)
    page.locator("#tag-metrics tbody tr").filter(has_text="transformers").click()
    expect(field(page, "#inspect-tag")).to_have_value("transformers")
    page.locator("#inspect-outcome").get_by_text("false negatives").click()
    count = page.locator("#samples [data-count]")
    expect(count).to_contain_text("false negatives of transformers")
    before = count.inner_text()
    # Choices within a moment of each other are one step of the history.
    expect(page).to_have_url(re.compile("outcome=fn"))
    page.locator("#thresholds").get_by_role("button").first.click()
    field(page, "#tag-threshold").fill("0.9")
    expect(count).not_to_have_text(before)
    expect(page).to_have_url(re.compile("threshold=0.9"))
    assert asked(page) == {
        "tab": "inspection", "part": "tags", "version": "v0.1.0", "tag": "transformers",
        "outcome": "fn", "threshold": "0.9",
    }  # fmt: skip
    shown = count.inner_text()
    other = elsewhere(page.url)
    expect(other.locator("#samples [data-count]")).to_have_text(shown)
    expect(field(other, "#inspect-version")).to_have_value("v0.1.0")
    expect(field(other, "#inspect-tag")).to_have_value("transformers")
    expect(other.get_by_role("radio", name="false negatives")).to_be_checked()
    figures = page.locator("#tag-figures").text_content()
    expect(other.locator("#tag-figures")).to_have_text(figures)

    # What the one chooses now stays the one's own.
    choose(other, "#inspect-tag", "segmentation")
    expect(other).to_have_url(re.compile("tag=segmentation"))
    expect(field(page, "#inspect-tag")).to_have_value("transformers")

    page.go_back()
    expect(page).to_have_url(re.compile("^((?!threshold=0.9).)*$"))
    expect(field(page, "#tag-threshold")).not_to_have_value("0.9")
    page.go_forward()
    expect(field(page, "#tag-threshold")).to_have_value("0.9")
    expect(page.locator("#samples [data-count]")).to_have_text(shown)
    page.get_by_role("tab", name="Inference").click()
    expect(page).to_have_url(re.compile("tab=inference"))
    page.go_back()
    expect(page.locator("#samples [data-count]")).to_have_text(shown)
    expect(page).to_have_url(re.compile("tab=inspection"))


def test_the_button_copies_the_link(shared_page, context):
    page = shared_page
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_tab(page, "Inference")
    field(page, "#inference-text").fill("grammar of dialogue")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#address [role=status]")).to_have_text("Link copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    assert asked(page) == {"tab": "inference", "version": "v0.2.0", "text": "grammar of dialogue"}
    field(page, "#inference-text").fill("language " * 1_500)
    expect(page).to_have_url(re.compile(r"version=v0\.2\.0$"))
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#address [role=status]")).to_have_text(
        "Link copied without text: too long for a link"
    )
    assert asked(page) == {"tab": "inference", "version": "v0.2.0"}


def test_a_tab_begins_with_a_text_of_the_data_which_the_address_leaves_out(follow, corpus):
    texts = {project.text for project in load_dataset(corpus / "data").projects}
    page = follow("?tab=inference")
    text, read = field(page, "#inference-text"), field(page, "#inference-preprocessed")
    expect(text).not_to_have_value("")
    first = text.input_value()
    assert first in texts
    expect(read).to_have_value(preprocess_text(first))
    choose(page, "#inference-version", "v0.1.0")
    expect(page).to_have_url(re.compile("version=v0.1.0"))
    assert asked(page) == {"tab": "inference", "version": "v0.1.0"}

    page = follow("")
    open_tab(page, "Inference")
    expect(text_box := field(page, "#inference-text")).to_have_value(first)
    open_tab(page, "Data")
    expect(field(page, "#preprocess-input")).not_to_have_value("")
    assert field(page, "#preprocess-input").input_value() in texts
    choose(page, "#preprocess-language", "german")
    expect(page).to_have_url(re.compile("language=german"))
    assert set(asked(page)) == {"tab", "cloud", "tag", "language"}
    open_tab(page, "Inference")
    text_box.fill("")
    expect(page.locator("#inference-predicted")).to_contain_text("Nothing is left of this text")
    expect(text_box).to_have_value("")
    open_tab(page, "Performance")
    open_tab(page, "Inference")
    expect(text_box).to_have_value(first)
    text_box.fill("grammar of dialogue")
    open_tab(page, "Performance")
    open_tab(page, "Inference")
    expect(text_box).to_have_value("grammar of dialogue")


@pytest.mark.parametrize(
    ("tab", "box", "filled", "value"),
    [
        ("Inference", "#inference-text", "#inference-version", "v0.2.0"),
        ("Data", "#preprocess-input", "#preprocess-language", "english"),
    ],
)
def test_a_box_that_somebody_emptied_stays_empty_however_late_the_tab_is_filled(
    follow, tab, box, filled, value
):
    page = follow("?tab=performance")
    expect(page.locator("#tag-diffs tbody tr").first).to_be_visible()
    held = []
    page.route("**/queue/join*", lambda route: held.append(route))
    page.get_by_role("tab", name=tab).click()
    text = field(page, box)
    text.fill("masks")
    text.fill("")
    assert held
    for request in held:
        request.continue_()
    page.unroute("**/queue/join*")
    expect(field(page, filled)).to_have_value(value)
    if tab == "Inference":
        expect(page.locator("#inference-predicted")).to_contain_text("Nothing is left of this text")
    else:
        expect(field(page, "#preprocess-output")).to_have_value("")
    expect(text).to_have_value("")


def test_each_tab_opens_from_its_link(follow):
    page = follow("?tab=data&min_tag_freq=25&query=vision&p=2&sort=title&text=Masks&stem=1")
    expect(field(page, "#min-tag-freq")).to_have_value("25")
    expect(page.locator("#projects-table [data-count]")).to_contain_text("page 2 of")
    expect(field(page, "#projects-search")).to_have_value("vision")
    expect(field(page, "#preprocess-output")).to_have_value("mask")

    # What a page is opened by, it follows later too.
    go_to(page, "?tab=performance&a=v0.1.0&b=v0.2.0&metric=recall&tag=transformers")
    expect(page.locator("#flips caption")).to_contain_text("Decisions on transformers")
    expect(page.locator("#metric-diff figcaption")).to_contain_text("v0.2.0 − v0.1.0")
    expect(page.locator("#improvements h4")).to_contain_text("in recall")

    go_to(page, "?tab=inference&version=v0.1.0&tag=segmentation&text=masks+of+regions")
    expect(field(page, "#inference-text")).to_have_value("masks of regions")
    expect(field(page, "#inference-version")).to_have_value("v0.1.0")
    expect(page.locator("#inference-sum")).to_contain_text("segmentation")

    part = "?tab=inspection&part=label-errors"
    page = follow(f"{part}&version=v0.1.0&queue=wrong&tag=segmentation&__theme=dark")
    expect(page.locator("body.dark")).to_be_visible()
    expect(field(page, "#issue-tag")).to_have_value("segmentation")
    expect(page.get_by_role("radio", name="wrong labels")).to_be_checked()
    expect(page.locator("#issues tbody tr").first).to_be_visible()
    expect(field(page, "#inspect-version")).to_have_value("v0.1.0")

    go_to(page, "?tab=inspection&part=slices&version=v0.1.0&all_of=segmentation&min_words=3")
    expect(page.locator("#slice-measured tbody tr")).to_have_count(3)
    expect(page.locator("#slice-all-of")).to_contain_text("segmentation")
    expect(field(page, "#slice-min-words")).to_have_value("3")


def test_two_links_in_a_row_end_where_the_second_leads(follow):
    page = follow("?tab=data&query=vision")
    count = page.locator("#projects-table [data-count]")
    expect(count).to_contain_text("match")
    held = []
    page.route("**/run/predict*", lambda route: held.append(route))
    go_to(page, "?tab=data&query=masks&sort=title")
    go_to(page, "?tab=data&query=camera&p=2")
    page.wait_for_timeout(100)
    for request in held:
        request.continue_()
    page.unroute("**/run/predict*")
    expect(field(page, "#projects-search")).to_have_value("camera")
    expect(count).to_contain_text("page 2 of")


def test_a_link_to_what_is_gone_says_so_and_shows_the_rest(follow):
    page = follow("?tab=inspection&version=v9&tag=%3Cb%3Enone&threshold=7&outcome=tp&p=1e999")
    told = page.get_by_role("alert").filter(visible=True)
    expect(told).to_contain_text("The link cannot be followed to the letter: unknown version 'v9'")
    expect(told).to_contain_text("unknown tag '<b>none'")
    expect(told).to_contain_text("threshold must be a number, 0 to 1, got '7'")
    expect(field(page, "#inspect-version")).to_have_value("v0.2.0")
    expect(page.get_by_role("radio", name="true positives")).to_be_checked()
    expect(page.locator("#samples [data-count]")).to_contain_text("page 1 of")
