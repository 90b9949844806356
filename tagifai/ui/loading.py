"""What the page says while the server still loads what it will be asked for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import gradio as gr

from tagifai.charts.svg import escaped

LOOK_SECONDS = 0.25


def build(load: Callable[..., Any], progress: Callable[[], str | None]) -> gr.HTML:
    """Lay out the line, which stands there until `progress` says None; give it."""
    line = gr.HTML(elem_id="loading", apply_default_css=False, padding=False)
    # No State: at the page's first answer every State says that it changed.
    ticket = gr.Textbox("", visible="hidden")

    def ask() -> Any:
        return gr.skip() if progress() is None else str(time.time_ns())

    async def tell() -> AsyncIterator[str]:
        while (told := progress()) is not None:
            yield f'<p class="note" role="status">{escaped(told, 200)}</p>'
            await asyncio.sleep(LOOK_SECONDS)
        yield ""

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    load(ask, None, ticket, queue=False, **private)
    ticket.change(tell, None, line, concurrency_limit=40, **private)
    return line
