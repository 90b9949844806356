"""Let the browser save a text as a file; nothing is written on the server."""

import gradio as gr
import orjson
from gradio.events import Dependency

from tagifai.charts.svg import escaped
from tagifai.ui.views.markup import SAVE_FILE

_SAVE = (
    f"(file) => {{ const {{name, text}} = JSON.parse(file); ({SAVE_FILE.strip()})(text, name) }}"
)


class SavedFile:
    """A file on its way to the browser: a handler returns it, and the page saves it.

    Attributes
    ----------
    content : gr.Textbox
        What a handler returns `pack(…)` for. It is a component, although nobody sees it, because
        an event's answer reaches the page's script by no other way.
    """

    def __init__(self) -> None:
        self.content = gr.Textbox(visible="hidden")

    def after(self, event: Dependency) -> Dependency:
        """Save the file once `event` has succeeded."""
        return event.success(None, self.content, None, js=_SAVE, api_visibility="private")


def pack(name: str, text: str) -> str:
    """Return the value of a `SavedFile` for a file name and its text.

    >>> pack("a.md", "# A")
    '{"name":"a.md","text":"# A"}'
    """
    return orjson.dumps({"name": name, "text": text}).decode()


def alert(error: Exception) -> gr.Error:
    """Return an error as Gradio shows it over the page, its text escaped."""
    return gr.Error(escaped(error, 300), print_exception=False)
