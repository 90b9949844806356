"""How events are sent whose handlers only read, and answer within milliseconds or not at all."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from tagifai.ui.gradio_fixes.inputs import MAX_FIELD

# What a handler changes: the new value, or the new arguments, of each component.
Updates: TypeAlias = dict[Block, object]

# One function only for each event of a control: Gradio's page runs the functions of an event in
# turn, and repeats the whole event where one was still running. Two that wait for the last
# ("always_last") would repeat each other for ever; chain what else is to follow with `.then`.
QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "always_last",
}
_AFTER_FRAME = """
() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done([]))))
"""


class Chosen(gr.EventData):
    """What the page's own scripts send with a choice: texts, "" where one is missing or too long.

    Parameters
    ----------
    target
        The component that was chosen from.
    _data
        Whatever the browser, or a program in its place, sent.

    Attributes
    ----------
    key
        What was chosen: the key of a row, or an address.
    tab, part
        Where on the page.
    """

    def __init__(self, target: Block | None, _data: object) -> None:
        given = _data if isinstance(_data, dict) else {}
        self.key, self.tab, self.part = (_text(given.get(name)) for name in ("key", "tab", "part"))
        super().__init__(target, _data)


class Typed(gr.EventData):
    """What the page sends of a key: texts, "" where one is missing or too long.

    Parameters
    ----------
    target
        The box that is typed in.
    _data
        Whatever the browser, or a program in its place, sent.

    Attributes
    ----------
    key
        The name of the key.
    text
        What the box shows since.
    """

    def __init__(self, target: Block | None, _data: object) -> None:
        given = _data if isinstance(_data, dict) else {}
        self.key, self.text = _text(given.get("key")), _text(given.get("input_value"))
        super().__init__(target, _data)


def _text(text: object) -> str:
    """Return what a page sent as a text, "" where it is none or too long."""
    return text if isinstance(text, str) and len(text) <= MAX_FIELD else ""


def put_row(table: gr.HTML, control: Block) -> Dependency:
    """Put the key of a chosen row of a table into a control.

    The page does that itself, so that the next question is about that row, before any answer.
    """
    return table.select(
        None,
        None,
        control,
        js="() => window.tagifaiRow",
        trigger_mode="multiple",
        api_visibility="private",
    )


def drawn_first(event: Callable[..., Dependency]) -> Dependency:
    """Return an event that follows `event` once the page has drawn it, for what may wait."""
    return event(
        None, None, None, js=_AFTER_FRAME, trigger_mode="multiple", api_visibility="private"
    )


def drawn_once(
    name: str,
    changes: Sequence[Callable[..., Dependency]],
    after: Sequence[Callable[..., Dependency]] = (),
) -> Dependency:
    """Return an event that follows changes once the page has drawn them, however many there were.

    Gradio's page sends an event for each field that a handler fills, and sends an event again
    whose function was still running. What follows would be asked for as often.

    Parameters
    ----------
    name
        What follows; a name that no other call uses.
    changes
        The events that call for it.
    after
        Events to wait for, where a change is to be shown before anything follows it.
    """
    quoted = json.dumps(name)
    mark = f"window.tagifaiChanged = {{...window.tagifaiChanged, [{quoted}]: true}};"
    follow = f"""new Promise((done) => requestAnimationFrame(() => setTimeout(() => {{
        // A promise that is never kept: nothing follows, for it has followed already.
        if (!window.tagifaiChanged?.[{quoted}]) return;
        window.tagifaiChanged[{quoted}] = false;
        done([]);
    }})))"""
    if not after:
        return _in_page(changes, f"() => {{ {mark} return {follow}; }}")
    _in_page(changes, f"() => {{ {mark} return []; }}")
    return _in_page(after, f"() => {follow}")


def _in_page(events: Sequence[Callable[..., Dependency]], js: str) -> Dependency:
    return gr.on(
        [*events], None, None, None, js=js, trigger_mode="multiple", api_visibility="private"
    )
