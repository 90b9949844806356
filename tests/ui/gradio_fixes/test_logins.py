import time

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from tagifai.services import users
from tagifai.services.users import Logins, remove_user, set_password
from tagifai.ui.gradio_fixes.logins import (
    LOGINS_OF_USER,
    Tokens,
    checker,
    let_logins_end,
    user_of,
)

PASSWORD = "correct horse"


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(users, "COST", 2**10)
    monkeypatch.setattr(users, "HASH_SECONDS", 0.0)
    for name in ("ann", "ben"):
        set_password(tmp_path / "users.json", name, PASSWORD)
    return tmp_path / "users.json"


@pytest.fixture
def served(path):
    """A page with a login, and somebody who comes to it."""
    logins = Logins(path)
    with gr.Blocks() as page:
        gr.Textbox()
    app = gr.mount_gradio_app(FastAPI(), page, "/", auth=checker(logins))
    page.app = app.routes[-1].app
    let_logins_end(page, logins)
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        yield page, client


def log_in(client, password=PASSWORD):
    return client.post("/login", data={"username": "ann", "password": password}).status_code


def test_a_login_ends_with_its_user(served, path):
    page, client = served
    assert client.get("/config").status_code == 401
    assert (log_in(client, "wrong"), log_in(client)) == (400, 200)
    assert client.get("/config").status_code == 200
    sent = Headers({"cookie": "; ".join(f"{k}={v}" for k, v in client.cookies.items())})
    assert user_of(page, sent) == "ann"
    assert user_of(page, Headers()) == ""
    remove_user(path, "ann")
    assert client.get("/config").status_code == 401
    assert user_of(page, sent) == ""


def test_a_login_ends_with_its_password(served, path):
    _, client = served
    log_in(client)
    set_password(path, "ann", "another password")
    assert client.get("/config").status_code == 401


def test_one_logs_out_everywhere(served):
    _, client = served
    log_in(client)
    cookies = dict(client.cookies)
    log_in(client)
    assert client.get("/logout", follow_redirects=False).status_code == 302
    for name, value in cookies.items():
        client.cookies.set(name, value)
    assert client.get("/config").status_code == 401


def test_a_user_has_so_many_logins(path):
    tokens = Tokens(Logins(path))
    tokens["bens"] = "ben"
    for number in range(LOGINS_OF_USER + 1):
        tokens[f"t{number}"] = "ann"
    assert (tokens.get("t0"), tokens.get("t1"), tokens.get("bens")) == (None, "ann", "ben")
    assert len(tokens) == LOGINS_OF_USER + 1
    del tokens["bens"]
    assert "bens" not in list(tokens)


def test_a_login_ends_with_its_time(path):
    now = [time.monotonic()]
    tokens = Tokens(Logins(path, lambda: now[0]))
    tokens["t"] = "ann"
    now[0] += users.LONGEST_LOGIN
    assert tokens.get("t") is None
    assert len(tokens) == 0


def test_gradio_still_lets_whoever_was_removed_go_on():
    known = {"ann": PASSWORD}
    with gr.Blocks() as page:
        gr.Textbox()
    app = gr.mount_gradio_app(
        FastAPI(), page, "/", auth=lambda name, password: known.get(name) == password
    )
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        assert log_in(client) == 200
        known.clear()
        assert client.get("/config").status_code == 200
