"""Keep pages from opening a stream that stays open as long as they do.

What Gradio does
    A page with a `gr.State` or an `unload` event keeps a stream open (`/heartbeat`) from which the
    server learns that a visitor left. Browsers open six connections to a server that speaks
    HTTP/1.1, for all their windows together. The stream is answered without a login, to anybody.
Versions
    4.20 to 6.31.
Without it
    The sixth page of a browser waits for ever (`pytest tests/browser/test_any_page.py --long -k
    connections`), and strangers can hold as many streams open as the server has sockets.
Upstream
    docs/upstream/heartbeat.md
"""

from typing import TYPE_CHECKING

import gradio as gr

if TYPE_CHECKING:
    from gradio.data_classes import BlocksConfigDict


class NoHeartbeat(gr.Blocks):
    """Blocks whose page asks for no heartbeat: sessions are bounded by number instead."""

    def get_config_file(self, *given: object, **options: object) -> "BlocksConfigDict":
        """Describe the page for the browser."""
        config: BlocksConfigDict = super().get_config_file(*given, **options)
        config["connect_heartbeat"] = False
        return config
