"""Who is at the other end of a request."""

import gradio as gr

from tagifai.permissions import Visit


def visit_of(request: gr.Request | None) -> Visit:
    """Read what a request tells of its sender; nothing where there is no request."""
    if request is None:
        return Visit()
    client = request.client.host if request.client else None
    return Visit.of(dict(request.headers.items()), client, request.username)
