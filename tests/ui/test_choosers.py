import gradio as gr
import pytest

from tagifai.errors import TagifaiError
from tagifai.ui.choosers import FOUND, HINT, SENT_WHOLE, Search, choose, find_names, offer
from tagifai.ui.events import Typed

MANY = [f"tag {number:04}" for number in range(5_000)]


def names_of(box):
    return [name for name, _ in box.choices]


def typed(text, key="a"):
    return Typed(None, {"key": key, "input_value": text})


def test_names_are_found_in_any_case_first_those_that_begin_so():
    names = ["Stra\u00dfe", "e\u0301t\u00e9", "highway-strasse", "STRASSEN"]
    assert find_names(names, "strasse") == ["Stra\u00dfe", "STRASSEN", "highway-strasse"]
    assert find_names(names, " \u00c9 ") == ["e\u0301t\u00e9"]
    assert find_names(MANY, "") == MANY[:FOUND]
    assert find_names(MANY, "9", most=2) == ["tag 0009", "tag 0019"]
    assert find_names(MANY, "nothing") == []


def test_of_few_names_the_page_holds_all():
    few = MANY[:SENT_WHOLE]
    assert names_of(choose(few, "tag 0003")) == few
    assert names_of(offer(few, None)) == few
    assert not choose(few, None).allow_custom_value


def test_of_many_names_it_holds_some_and_the_chosen_ones():
    box = choose(MANY, "tag 4999")
    assert names_of(box) == [*MANY[:FOUND], "tag 4999"]
    assert (box.value, box.info) == ("tag 4999", f"{FOUND} of 5,000; {HINT}")
    assert names_of(offer(MANY, ["tag 0001", "tag 3000"], "499"))[-4:] == [
        "tag 4998", "tag 4999", "tag 0001", "tag 3000",
    ]  # fmt: skip


def test_the_server_finds_what_is_typed_and_offers_the_first_again():
    search = Search(lambda of: [f"{of} {name}" for name in MANY])
    found = search.search_names("x tag 0001", "x", typed("4242"))
    assert names_of(found) == ["x tag 4242", "x tag 0001"]
    assert names_of(search.offer_first("x tag 0001", "x"))[:2] == ["x tag 0000", "x tag 0001"]


@pytest.mark.parametrize("key", ["ArrowDown", "Enter", "Escape", "Tab"])
def test_keys_that_move_change_nothing(key):
    assert Search(lambda _: MANY).search_names(None, None, typed("42", key)) == gr.skip()


def test_nothing_changes_without_names_or_with_few():
    def broken(_):
        raise TagifaiError("no such folder")

    assert Search(broken).search_names(None, None, typed("4")) == gr.skip()
    assert Search(lambda _: MANY[:9]).offer_first(None, None) == gr.skip()


@pytest.mark.parametrize(
    "sent", [None, [], {"key": 3}, {"input_value": ["x"]}, {"key": "y" * 10**7}]
)
def test_what_no_page_sends_is_nothing_typed(sent):
    event = Typed(None, sent)
    assert (event.key, event.text) == ("", "")
