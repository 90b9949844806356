import gradio as gr
import pytest

from tagifai.errors import TagifaiError
from tagifai.ui.tabs.long_table import ON_PAGE, SHOWN_WHOLE, LongTable

MANY = [f"tag {number:04}" for number in range(5_000)]


@pytest.fixture
def table():
    made = LongTable("names", lambda rows, *of: f"{of} {'/'.join(rows)}", str)
    with gr.Blocks():
        made.build()
        made.follow(lambda: MANY, [], gr.HTML())
    return made


def test_few_rows_are_shown_without_a_search(table):
    shown = table.show(MANY[:SHOWN_WHOLE], "a")
    assert shown[table.table] == f"('a',) {'/'.join(MANY[:SHOWN_WHOLE])}"
    assert not shown[table.controls].visible


def test_of_many_rows_the_first_are_shown(table):
    shown = table.show(MANY)
    assert shown[table.table] == (
        '<p class="minor">5,000 of 5,000 tags; page 1 of 50</p>() ' + "/".join(MANY[:ON_PAGE])
    )
    assert shown[table.controls].visible


def test_a_search_finds_rows_and_the_last_page_stays_the_last(table):
    shown = table.show_page("TAG 49", 9)[table.table]
    assert shown.startswith('<p class="minor">100 of 5,000 tags; page 1 of 1</p>() tag 4900/')
    assert "page 50 of 50</p>() tag 4900/" in table.show_page("", 99)[table.table]
    assert table.show_page("nothing", None)[table.table].startswith('<p class="minor">0 of 5,000')


def test_what_goes_wrong_is_shown(table):
    def broken():
        raise TagifaiError("no such version")

    place = gr.HTML()
    with gr.Blocks():
        table.follow(broken, [], place)
    assert "no such version" in table.show_page("", 1)[place]
