"""Log in with an account at Hugging Face, where the page is a Space."""

from importlib.util import find_spec

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.settings import Settings
from tagifai.spaces import Space


def is_offered(space: Space | None, settings: Settings) -> bool:
    """Check whether visitors may log in there; a file of users takes its place.

    Raises
    ------
    TagifaiError
        They may, and a package is missing.
    """
    offered = space is not None and space.login and not settings.auth_file
    lacking = [name for name in ("authlib", "itsdangerous") if offered and not find_spec(name)]
    if lacking:
        raise TagifaiError(
            f"logging in with Hugging Face needs {' and '.join(lacking)}: "
            f"`pip install gradio[oauth]`, which a Space of the kind gradio does of itself"
        )
    return offered


def build() -> None:
    """Add the button that logs in, or out whoever is logged in."""
    gr.LoginButton(
        "Log in with Hugging Face", "Log out {}", size="sm", elem_id="log-in", min_width=220
    )


def keep_private(demo: gr.Blocks) -> None:
    """Leave the button's own event out of what other programs may call."""
    for event in demo.fns.values():
        if isinstance(getattr(event.fn, "__self__", None), gr.LoginButton):
            event.api_visibility = "private"
