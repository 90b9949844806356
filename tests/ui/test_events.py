from collections import defaultdict

import gradio as gr


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
        asked = [e.name for e in page.fns.values() if e.fn and (control._id, "input") in e.targets]
        assert len(asked) == 1, (wanted, asked)
