"""The page as a server can show it to strangers."""

from pathlib import Path
from typing import Any, Literal, TypedDict

import gradio as gr

from tagifai.ui.gradio_fixes.heartbeat import NoHeartbeat
from tagifai.ui.gradio_fixes.inputs import CheckedInputs
from tagifai.ui.server.places import Places


class Page(CheckedInputs, NoHeartbeat):
    """Blocks whose inputs are checked and whose page holds no connection open.

    What they answer names no folder by its whole path: `places` lists those that it could.
    """

    places = Places()

    async def process_api(self, *given: Any, **options: Any) -> dict[str, Any]:
        """Call a function, and return what it answers."""
        try:
            answer = await super().process_api(*given, **options)
        except gr.Error as error:
            error.message = self.places.hide(str(error.message))
            error.args = (error.message,)
            raise
        return {**answer, "data": self.places.hide_in(answer.get("data"))}


class Appearance(TypedDict, total=False):
    """How the page looks: arguments that `gr.mount_gradio_app` and `launch` share."""

    theme: gr.themes.Base
    css_paths: list[str | Path]
    footer_links: list[Literal["api", "gradio", "settings", "runs"] | dict[str, str]]
