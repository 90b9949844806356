"""What an address asks of a tab, read as plain data."""

import gradio as gr
import pytest

from tagifai.errors import TagifaiError
from tagifai.ui.links import (
    Choice,
    Link,
    Route,
    decode,
    leave_out_known,
    read_query,
    wanted_route,
)

PAGE = Choice("p", gr.Number(1, precision=0, minimum=1), 1)
TAGS = Choice("tag", gr.Dropdown([], multiselect=True), [])
SEARCH = Choice("query", gr.Textbox(max_length=5), "", typed=True)
VERSION = Choice("version", gr.Dropdown([]))


def test_a_link_that_says_nothing_of_a_choice_asks_for_its_default():
    given = {"p": ["3"]}
    link = Link(given, [PAGE, SEARCH, VERSION], [7, "bert", "v1"])
    assert [link.read(name, ["v1"]) for name in ("query", "version")] == ["", "v1"]
    assert link.read("p") == 3
    assert link.refused() == ""
    assert (link.names("p"), link.names("query")) == (True, False)
    assert Link(None, [PAGE], [7]).read("p") == 7
    assert not Link(None, [PAGE], [7]).names("p")


@pytest.mark.parametrize(
    ("choice", "given", "allowed", "message"),
    [
        (PAGE, ["x"], None, "p must be a number, 1 or more, got 'x'"),
        (PAGE, ["nan"], None, "p must be a number, 1 or more, got 'nan'"),
        (PAGE, ["0"], None, "p must be a number, 1 or more, got '0'"),
        (PAGE, ["9"], range(1, 5), "p must be a number, 1 to 4, got '9'"),
        (TAGS, ["a", "c"], ["a", "b"], "unknown tag 'c': allowed: a, b"),
        (SEARCH, ["longer"], None, "query takes at most 5 characters, got 6"),
        (Choice("out", gr.Radio(["x"]), codes={"tp": "x"}), ["fp"], None, "unknown out 'fp'"),
    ],
)
def test_what_cannot_be_had_is_named(choice, given, allowed, message):
    with pytest.raises(TagifaiError, match="^" + message.replace("?", r"\?")):
        decode(choice, given, allowed)


def test_what_cannot_be_had_is_told_and_escaped_and_the_default_taken():
    link = Link({"version": ["<b>"], "p": ["-1"]}, [VERSION, PAGE], [None, 4])
    assert (link.read("version", ["v1"]), link.read("p")) == (None, 1)
    assert "unknown version &#39;&lt;b&gt;&#39;" in link.refused()
    assert "p must be a number" in link.refused()


def test_several_values_are_read():
    assert decode(TAGS, ["a", "b"], ["a", "b"]) == ["a", "b"]


def test_an_address_leads_to_its_tab_and_part_or_to_the_first():
    routes = [Route("data", "", []), Route("look", "tags", []), Route("look", "slices", [])]

    def found(query):
        route = wanted_route(routes, read_query(query))
        return route.tab, route.part

    assert found("tab=look&part=slices") == ("look", "slices")
    assert found("tab=look&part=x") == found("tab=look") == ("look", "tags")
    assert found("?tab=%00") == found("") == ("data", "")


def test_a_flood_of_parameters_is_cut():
    assert len(read_query("&".join(f"a{n}=1" for n in range(5_000)))) == 500


def test_what_a_control_holds_already_is_left_out():
    with gr.Blocks():
        version, only, tag, note = gr.Dropdown([]), gr.Checkbox(), gr.Dropdown([]), gr.HTML()
    shown = {
        version: gr.Dropdown(["v1", "v2"], value="v1"),
        only: True,
        tag: gr.Dropdown(["cv"], value="cv"),
        note: "a note",
    }
    new = leave_out_known(shown, [version, only, tag], ["v1", True, "nlp"])
    assert set(new) == {version, tag, note}
    assert new[version].constructor_args == {"choices": ["v1", "v2"]}
    assert new[tag].constructor_args["value"] == "cv"
    # On a page that was just opened nothing is held.
    assert leave_out_known(shown, [version], [None]) == shown
