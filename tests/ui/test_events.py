from collections import defaultdict
from typing import get_type_hints

import gradio as gr

from tagifai.ui.events import Chosen, Typed
from tagifai.ui.gradio_fixes.inputs import MAX_FIELD


def test_of_an_event_at_most_one_function_waits_for_the_last(laid_out):
    _, page = laid_out
    functions = defaultdict(list)
    for event in page.fns.values():
        for target in event.targets:
            if event.fn and target[0] is not None and target[1] not in ("then", "success"):
                functions[target].append(event)
    assert len(functions) > 60
    # With two, the page would repeat the event for ever once both are under way.
    repeating = {
        target: [event.name for event in events]
        for target, events in functions.items()
        if len(events) > 1 and any(event.trigger_mode == "always_last" for event in events)
    }
    assert repeating == {}


def test_choosing_a_version_tag_or_option_asks_once_before_anything_else_is_told(laid_out):
    _, page = laid_out
    for wanted in ("inspect-version", "inspect-tag", "inference-version"):
        control = next(one for one in page.blocks.values() if one.elem_id == wanted)
        assert isinstance(control, gr.Dropdown)
        targets = {(control._id, event) for event in ("input", "change")}
        asked = [e.name for e in page.fns.values() if e.fn and targets & {*e.targets}]
        assert len(asked) == 1, (wanted, asked)


def test_an_event_brings_texts_or_none():
    found = Chosen(None, {"key": "nlp", "more": "x", "tab": 3})
    assert (found.key, found.tab, found.part) == ("nlp", "", "")
    for odd in (None, [], "key", 3, {"key": ["a"]}, {"key": None}, {"key": "x" * (MAX_FIELD + 1)}):
        assert Chosen(None, odd).key == ""


def test_no_handler_reads_an_event_that_nobody_checked(laid_out):
    _, page = laid_out
    kinds = {
        (event.name, hint)
        for event in page.fns.values()
        if event.fn
        for hint in get_type_hints(getattr(event.fn, "func", event.fn)).values()
        if isinstance(hint, type) and issubclass(hint, gr.EventData)
    }
    assert len(kinds) > 5
    assert {hint for _, hint in kinds} == {Chosen, Typed}
