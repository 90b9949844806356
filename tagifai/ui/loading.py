"""The line at the top of the page that says what the server still loads."""

import asyncio
from collections.abc import AsyncIterator, Callable

import gradio as gr
from gradio.events import Dependency

from tagifai.charts.svg import escaped

SECONDS_BETWEEN = 0.25


def build(load: Callable[..., Dependency], progress: Callable[[], str | None]) -> None:
    """Add the line, which stands there until `progress` returns None."""
    line = gr.HTML(elem_id="loading", apply_default_css=False, padding=False)

    async def show_progress() -> AsyncIterator[str]:
        while (message := progress()) is not None:
            yield f'<p class="note" role="status">{escaped(message, 200)}</p>'
            await asyncio.sleep(SECONDS_BETWEEN)
        yield ""

    load(
        show_progress,
        None,
        line,
        concurrency_limit=40,
        api_visibility="private",
        show_progress="hidden",
    )
