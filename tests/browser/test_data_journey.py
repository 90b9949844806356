import json

import pytest
from browser_corpus import HOSTILE, HOSTILE_TAG
from pages import choose, field, open_tab, options_of
from playwright.sync_api import expect

from tagifai.data import load_dataset
from tagifai.data.frequency import build_frequency_table, select_by_frequency
from tagifai.text.languages import stopwords_of
from tagifai.text.preprocessing import preprocess_text
from tagifai.ui.views.data import show_selection
from tagifai.ui.views.shared_markup import JOIN, write_shared


@pytest.fixture
def page(shared_page):
    """One page: each test has controls of its own."""
    return shared_page


NOTHING = "No tag reaches 121 projects."


def counts(page, element):
    return page.locator(f"{element} tbody tr")


def test_the_slider_moves_every_list_chart_and_choice(page):
    slider = page.locator("#min-tag-freq input[type=range]")
    summary = page.locator("#tags-summary .headline")
    expect(summary).to_have_text(
        "5 of 7 tags make the cut, and 240 of 240 projects keep at least one."
    )
    expect(counts(page, "#tags-most-common")).to_have_text(
        [
            "computer-vision 120", "natural-language-processing 120", "transformers 80",
            "segmentation 40", "attention 30",
        ],
        use_inner_text=True,
    )  # fmt: skip
    expect(counts(page, "#tags-just-missed")).to_have_text(
        [f"{HOSTILE_TAG} 24", "rare 1"], use_inner_text=True
    )
    expect(page.locator("#tag-distribution rect")).to_have_count(5)
    expect(page.locator("#tags-per-project rect")).to_have_count(4)  # from 0 on
    expect(page.locator("#word-cloud figcaption")).to_have_text(
        "Words in the projects tagged computer-vision"
    )
    choose(page, "#word-cloud-tag", "attention")
    expect(page.locator("#word-cloud figcaption")).to_have_text(
        "Words in the projects tagged attention"
    )

    slider.press("ArrowRight")
    expect(summary).to_contain_text("4 of 7 tags")
    expect(counts(page, "#tags-just-made").last).to_have_text(
        "segmentation 40", use_inner_text=True
    )
    expect(counts(page, "#tags-just-missed").first).to_have_text(
        "attention 30", use_inner_text=True
    )
    expect(page.locator("#tag-distribution rect")).to_have_count(4)
    expect(page.locator("#word-cloud figcaption")).to_have_text(
        "Words in the projects tagged computer-vision"
    )
    assert options_of(page, "#word-cloud-tag") == [
        "computer-vision", "natural-language-processing", "segmentation", "transformers",
    ]  # fmt: skip
    choose(page, "#word-cloud-tag", "segmentation")
    expect(page.locator('#word-cloud li[title^="masks:"]')).to_be_visible()

    slider.press("End")
    expect(summary).to_contain_text("0 of 7 tags make the cut, and 0 of 240 projects")
    for element in (
        "#tags-most-common",
        "#tags-just-made",
        "#tag-distribution",
        "#tags-per-project",
    ):
        expect(page.locator(element)).to_contain_text(NOTHING)
    expect(page.locator("#word-cloud")).to_contain_text("No tag to draw")

    slider.press("Home")
    expect(summary).to_contain_text("7 of 7 tags")
    expect(page.locator("#tags-just-missed")).to_contain_text("No tag is left out.")


def test_the_page_draws_each_step_as_the_server_does(page, corpus):
    table = build_frequency_table(load_dataset(corpus / "data"))

    def show(step):
        return show_selection(select_by_frequency(table, step))

    sent = write_shared(sorted(set(table.counts.tolist())), show)
    draw = f"([sent, steps]) => steps.map((step) => ({JOIN})(step, sent))"
    steps = range(1, int(table.counts[0]) + 2)
    assert page.evaluate(draw, [sent, [*steps]]) == [[*show(step)] for step in steps]
    as_they_are = [{"__type__": "update"}] * 2
    assert page.evaluate(f"() => ({JOIN})(1, '', 'a', 'b')") == as_they_are
    some = write_shared([7, 9], lambda step: [f"<p>{step}</p>", "<tr>"], low=6, high=9)
    draw = f"([sent, step]) => ({JOIN})(step, sent, 'a', 'b')"
    for step, bound in ((6, 7), (7, 7), (8, 9), (9, 9)):
        assert page.evaluate(draw, [some, step]) == [f"<p>{bound}</p>", "<tr>"]
    for step in (5, 10):
        assert page.evaluate(draw, [some, step]) == as_they_are


def test_steps_of_data_that_has_changed_are_sent_again(page, corpus):
    slider = page.locator("#min-tag-freq input[type=range]")
    summary = page.locator("#tags-summary .headline")
    projects = corpus / "data" / "projects.json"
    before = projects.read_text()
    slider.press("Home")
    expect(summary).to_contain_text("7 of 7 tags")
    expect(page.locator("#word-cloud figcaption")).to_be_visible()
    try:
        projects.write_text(json.dumps(json.loads(before)[:100]))
        for number, key in enumerate(("ArrowRight", "ArrowLeft", "ArrowRight")):
            slider.press(key)
            expect(summary).to_contain_text("of 100 projects keep at least one")
            expect(summary).to_contain_text("7 of 7" if number % 2 else "6 of 7")
    finally:
        projects.write_text(before)
    slider.press("Home")
    expect(summary).to_contain_text("of 240 projects keep at least one")


def test_projects_are_searched_sorted_and_paged(page):
    table = page.locator("#projects-table")
    ids = table.locator("tbody tr td:first-child")
    number = field(page, "#projects-page")
    expect(table.locator("[data-count]")).to_have_text("240 projects; page 1 of 5")
    expect(ids).to_have_count(50)
    expect(ids.first).to_have_text("7000")

    number.fill("5")
    expect(ids.first).to_have_text("7200")
    expect(ids).to_have_count(40)
    field(page, "#projects-search").fill("ATTENTION transformers")
    expect(table.locator("[data-count]")).to_contain_text("of 240 projects match; page 1 of 1")
    expect(number).to_have_value("1")
    expect(ids.first).to_have_text("7003")
    choose(page, "#projects-sort", "id")
    page.locator("#projects-descending input").check()
    expect(ids.first).to_have_text("7219")

    field(page, "#projects-search").fill("nobody wrote this")
    expect(table).to_contain_text("No project holds all of these words.")
    field(page, "#projects-search").fill("")
    expect(table.locator("[data-count]")).to_have_text("240 projects; page 1 of 5")
    expect(ids.first).to_have_text("7239")
    number.fill("99")
    expect(number).to_have_value("5")
    expect(ids.last).to_have_text("7000")


def test_a_tag_a_sample_and_the_excluded_tags_are_shown(page):
    expect(page.locator("#sample-project")).to_contain_text('"7000"')
    choose(page, "#data-tag", "computer-vision")
    expect(page.locator("#tag-metadata")).to_contain_text("vision")
    expect(page.locator("#tag-metadata")).to_contain_text("120")
    page.get_by_text("Tags left out").click()
    excluded = page.locator("#excluded-tags")
    expect(excluded.locator("tbody tr")).to_have_text(
        ["python 12", "unlisted 3"], use_inner_text=True
    )
    expect(excluded).to_contain_text("Excluded by data.toml")
    expect(excluded).to_contain_text("Not in the tag file")


def test_the_playground_follows_every_argument(page, corpus):
    text, output = field(page, "#preprocess-input"), field(page, "#preprocess-output")
    first = next(
        project.text
        for project in load_dataset(corpus / "data").projects
        if 20 <= len(project.text) <= 300
    )
    expect(text).to_have_value(first)
    expect(output).to_have_value(preprocess_text(first))
    text.fill("Conditional generation using Variational Autoencoders.")
    expect(output).to_have_value("conditional generation using variational autoencoders")
    page.locator("#preprocess-lower input").uncheck()
    expect(output).to_have_value("Conditional generation using Variational Autoencoders")
    page.locator("#preprocess-stem input").check()
    expect(output).to_have_value("Condit gener use Variat Autoencod")
    field(page, "#preprocess-filters").fill("ation|al")
    expect(output).to_have_value("Condit gener use Vari Autoencoders.")
    field(page, "#preprocess-stopwords").fill("using variational")
    field(page, "#preprocess-filters").fill("")
    expect(output).to_have_value("Condit gener Autoencoders.")

    language, words = field(page, "#preprocess-language"), field(page, "#preprocess-stopwords")
    expect(language).to_have_value("english")
    choose(page, "#preprocess-language", "german")
    expect(words).to_have_value(" ".join(stopwords_of("german")))
    text.fill("Die Bücher und the books")
    expect(output).to_have_value("buch the book")
    language.fill("thai")
    language.press("Enter")
    expect(words).to_have_value("")
    text.fill("ภาษาไทย")
    expect(output).to_have_value("ภาษา ไทย")
    choose(page, "#preprocess-language", "english")
    words.fill("using variational")
    text.fill("Conditional generation using Variational Autoencoders.")
    expect(output).to_have_value("Condit gener Autoencoders.")

    field(page, "#preprocess-filters").fill("(")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("no regular expression")
    expect(output).to_have_value("Condit gener Autoencoders.")
    field(page, "#preprocess-filters").fill("[.]")
    expect(output).to_have_value("Condit gener Autoencod")
    expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
    text.fill(f"See https://example.org/a_b. {HOSTILE}")
    expect(output).to_have_value(
        'See <script>alert(1)</script><img src=" " onerror="alert(1)"> '
        "![picture]( $\\frac{a$ {{value}} ${alert(1)}"
    )


def test_a_damaged_data_folder_is_named_and_the_other_tabs_go_on(page, corpus):
    projects = corpus / "data" / "projects.json"
    aside = projects.with_suffix(".aside")
    # Without the data there is no text to begin with.
    open_tab(page, "Inference")
    projects.rename(aside)
    try:
        page.get_by_role("tab", name="Performance").click()
        page.get_by_role("tab", name="Data").click()
        alert = page.get_by_role("alert").filter(visible=True)
        expect(alert).to_contain_text("no projects file; one of projects.json")
        page.get_by_role("tab", name="Inspection").click()
        page.wait_for_selector("#tag-metrics tbody tr")
        expect(page.locator("#samples")).to_contain_text("no longer in the data")
        page.get_by_role("tab", name="Inference").click()
        page.wait_for_selector("#inference-tags tbody tr")
    finally:
        aside.rename(projects)
    page.get_by_role("tab", name="Data").click()
    expect(page.locator("#projects-table [data-count]")).to_contain_text("240 projects")
