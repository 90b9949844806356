import time

import gradio as gr
import pytest
from starlette.requests import Request

from tagifai.ui.server.visits import visit_of


def request(session, username=None):
    scope = {
        "type": "http", "headers": [(b"host", b"ann-tags.hf.space")], "client": ("10.0.0.1", 5),
    }  # fmt: skip
    known = scope if session is None else {**scope, "session": session}
    return gr.Request(Request(known), username=username)


def logged_in(name, seconds=3_600):
    account = {"preferred_username": name}
    return {"oauth_info": {"userinfo": account, "expires_at": time.time() + seconds}}


@pytest.mark.parametrize(
    ("session", "username", "user"),
    [
        (logged_in("ann"), None, "ann"),
        (logged_in("ann", seconds=-1), None, ""),
        ({}, None, ""),
        (None, None, ""),
        (None, "ben", "ben"),
    ],
)
def test_a_visitor_is_who_logged_in_here_or_at_hugging_face(session, username, user):
    assert visit_of(request(session, username)).user == user


def test_nobody_is_anybody_without_a_request():
    assert visit_of(None).user == ""
