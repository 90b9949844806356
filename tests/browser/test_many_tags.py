"""The page with more tags than it holds: boxes are searched on the server, tables are paged."""

import json

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from pages import field
from playwright.sync_api import expect

from tagifai.cli.parser import main

NUM_TAGS = 600
TAGS = [f"tag-{number:03}" for number in range(NUM_TAGS)]


@pytest.fixture(scope="module")
def many(tmp_path_factory, serve):
    folder = tmp_path_factory.mktemp("many")
    for part in range(2):
        rows = [
            {
                "id": str(number),
                "title": f"About {TAGS[number % NUM_TAGS]}",
                "description": "word " * (20_000 if number == 1 else 5),
                "tags": sorted({TAGS[number % NUM_TAGS], "tag-007"}),
            }
            for number in range(600 * part, 600 * (part + 1))
        ]
        path = folder / "data" / "projects" / f"part-{part}-of-2.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pa.Table.from_pylist(rows), path)
    predictions = [
        {"id": str(n), "split": "test", "probabilities": {TAGS[n % NUM_TAGS]: 0.9, "tag-011": 0.6}}
        for n in range(1_200)
    ]
    file = folder / "predictions.jsonl"
    file.write_text("\n".join(map(json.dumps, predictions)))
    where = ["--data", str(folder / "data"), "--models", str(folder / "model")]
    words = ["add-version", "v1.0.0", "--predictions", str(file), "--missing", "zero", *where]
    assert main(words) == 0
    with serve(folder / "data", folder / "model", folder / "cache") as url:
        yield url


def type_into(page, dropdown, text):
    box = page.locator(f"{dropdown} input")
    box.click()
    box.press_sequentially(text)
    return page.get_by_role("option")


def test_a_tag_is_found_on_the_server_and_chosen(many, open_page):
    page = open_page(many)
    expect(page.locator("#data-tag")).to_contain_text("100 of 600; type to find more")
    options = type_into(page, "#data-tag", "599")
    expect(options).to_have_count(2)  # and the one that is chosen
    page.get_by_role("option", name="tag-599", exact=True).dispatch_event("mousedown")
    expect(page.locator("#tag-metadata")).to_contain_text('"tag-599"')
    expect(page.locator("#data-tag input")).to_have_value("tag-599")


def test_texts_of_thousands_of_words_are_cut_where_they_are_listed(many, open_page):
    page = open_page(many)
    expect(page.locator("#projects-table tbody tr")).to_have_count(50)
    assert page.locator("#projects-table").inner_text().count("word") < 1_000


def test_a_row_of_a_later_page_chooses_its_tag(many, open_page):
    page = open_page(f"{many}?tab=inspection")
    rows = page.locator("#tag-metrics tbody tr")
    expect(rows).to_have_count(100)
    field(page, "#tag-metrics-search").fill("tag-59")
    expect(rows).to_have_count(10)
    rows.filter(has_text="tag-595").click()
    expect(page.locator("#inspect-tag input")).to_have_value("tag-595")
    expect(page.locator("#tag-figures")).to_contain_text("projects with the tag")
    field(page, "#tag-metrics-search").fill("")
    field(page, "#tag-metrics-page").fill("6")
    expect(page.locator("#tag-metrics")).to_contain_text("600 of 600 tags; page 6 of 6")


def test_a_link_names_a_tag_that_no_box_offers(many, open_page):
    page = open_page(f"{many}?tab=inspection&tag=tag-598")
    expect(page.locator("#inspect-tag input")).to_have_value("tag-598")
    expect(page.locator("#tag-figures")).to_contain_text("projects with the tag")
