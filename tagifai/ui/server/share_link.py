"""A public link to the app, through Gradio's servers."""

import contextlib
import io
import secrets
from urllib.parse import urlsplit, urlunsplit

from tagifai.settings import Settings


def make_link(settings: Settings) -> str | None:
    """Make a public link to the app's port; None where that cannot be done."""
    from gradio import networking

    # What Gradio prints is for whoever writes an app.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            found = networking.setup_tunnel(
                local_host=settings.host,
                local_port=settings.port,
                share_token=secrets.token_urlsafe(32),
                share_server_address=None,
                share_server_tls_certificate=None,
            )
        except Exception:  # no network, no program for it, a server that does not answer …
            return None
    return urlunsplit(("https", *urlsplit(found)[1:]))


def end_link(settings: Settings) -> None:
    """End the link to the app's port."""
    from gradio.tunneling import CURRENT_TUNNELS

    with contextlib.redirect_stdout(io.StringIO()):
        for tunnel in [one for one in CURRENT_TUNNELS if one.local_port == settings.port]:
            tunnel.kill()
            CURRENT_TUNNELS.remove(tunnel)
