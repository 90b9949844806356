"""Who is at the other end of a request."""

import time

import gradio as gr

from tagifai.permissions import Visit


def visit_of(request: gr.Request | None) -> Visit:
    """Read what a request tells of its sender; nothing where there is no request."""
    if request is None:
        return Visit()
    client = request.client.host if request.client else None
    user = request.username or account_of(request)
    return Visit.of(dict(request.headers.items()), client, user)


def account_of(request: gr.Request) -> str | None:
    """Return the account at Hugging Face that is logged in; None where there is none."""
    scope = getattr(request.request, "scope", {})
    # Signed by the app with the Space's secret; only there where the page offers the login.
    known = scope.get("session", {}).get("oauth_info")
    if not known or known.get("expires_at", 0) < time.time():
        return None
    name: str = known["userinfo"]["preferred_username"]
    return name
