"""How events are sent whose handlers only read, and answer within milliseconds or not at all."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.events import Dependency

# Of one control's event, one function alone: Gradio's page runs those of an event in turn, and
# repeats the whole event where one was still under way. Two that wait for the last ("always_last")
# so repeat each other without end; what else is to follow comes with `.then`.
QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "always_last",
}
_AFTER_FRAME = """
() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done([]))))
"""


def put_row(table: gr.HTML, control: Any) -> Dependency:
    """Put the key of a table's row that is chosen into a control; the page does that itself.

    So whatever is asked for next, before any answer, is asked of that row.
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
    """Give an event after which the page has drawn what `event` shows; what may wait follows it."""
    return event(
        None, None, None, js=_AFTER_FRAME, trigger_mode="multiple", api_visibility="private"
    )
