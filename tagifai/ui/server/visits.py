"""Who is at the other end of a request."""

import time

import gradio as gr
from starlette.datastructures import Headers

from tagifai.permissions import Visit
from tagifai.ui.gradio_fixes.logins import user_of
from tagifai.ui.server.senders import sender_of


def visit_of(request: gr.Request | None) -> Visit:
    """Read what a request tells of its sender; nothing where there is no request.

    Who logged in is looked up again: a call may have waited since it came.
    """
    if request is None:
        return Visit()
    client = request.client.host if request.client else None
    user = still_logged_in(request) or account_of(request)
    sender = sender_of(getattr(request.request, "scope", None))
    return Visit.of(dict(request.headers.items()), client, user, sender.owner)


def still_logged_in(request: gr.Request) -> str | None:
    """Return whom Gradio knows by a password; None once the login has ended."""
    page = getattr(getattr(request.request, "scope", {}).get("app"), "blocks", None)
    if not request.username or page is None:
        return request.username
    return user_of(page, Headers(dict(request.headers.items()))) or None


def account_of(request: gr.Request) -> str | None:
    """Return the account at Hugging Face that is logged in; None where there is none."""
    scope = getattr(request.request, "scope", {})
    # Signed by the app with the Space's secret; only there where the page offers the login.
    known = scope.get("session", {}).get("oauth_info")
    if not known or known.get("expires_at", 0) < time.time():
        return None
    name: str = known["userinfo"]["preferred_username"]
    return name
