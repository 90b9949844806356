"""The page as a server can show it to strangers."""

from pathlib import Path
from typing import Literal, TypedDict

import gradio as gr

from tagifai.ui.gradio_fixes.heartbeat import NoHeartbeat
from tagifai.ui.gradio_fixes.inputs import CheckedInputs


class Page(CheckedInputs, NoHeartbeat):
    """Blocks whose inputs are checked and whose page holds no connection open."""


class Appearance(TypedDict, total=False):
    """How the page looks: arguments that `gr.mount_gradio_app` and `launch` share."""

    theme: gr.themes.Base
    css_paths: list[str | Path]
    footer_links: list[Literal["api", "gradio", "settings", "runs"] | dict[str, str]]
