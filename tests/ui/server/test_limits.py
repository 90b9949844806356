"""The gate before a small app of two addresses; tests/security attacks the real one."""

import asyncio
import threading
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tagifai.ui.server import limits
from tagifai.ui.server.limits import MB, Gate

HERE = {"origin": "http://testserver"}
ELSEWHERE = {"origin": "http://evil.example", "cookie": "access-token=secret"}


async def tell(request: Request) -> JSONResponse:
    return JSONResponse({"size": len(await request.body()), "cookies": request.cookies})


async def upload(request: Request) -> JSONResponse:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return JSONResponse({"size": size})


def slow(started: threading.Event, go_on: threading.Event):
    async def answer(request: Request) -> PlainTextResponse:
        started.set()
        await asyncio.to_thread(go_on.wait, 20)
        return PlainTextResponse("done")

    return answer


@contextmanager
def served(*more: Route, max_waiting: int = 2, framed_by: str = ""):
    routes = [
        Route("/gradio_api/upload", upload, methods=["POST"]),
        Route("/gradio_api/run/{name}", tell, methods=["POST"]),
        Route("/{any:path}", tell, methods=["GET", "POST", "HEAD"]),
    ]
    app = Starlette(routes=[*more, *routes])
    gate = Gate(app, max_body=1, max_upload=2, max_waiting=max_waiting, framed_by=framed_by)
    with TestClient(gate) as client:
        yield client


@pytest.fixture
def client():
    with served() as opened:
        yield opened


def pieces(size):
    for start in range(0, size, MB // 4):
        yield b"x" * min(MB // 4, size - start)


@pytest.mark.parametrize("body", [lambda size: b"x" * size, pieces], ids=["whole", "in pieces"])
@pytest.mark.parametrize(("path", "most"), [("/login", MB), ("/gradio_api/upload", 2 * MB)])
def test_a_body_has_a_limit(client, path, most, body):
    assert client.post(path, content=body(most)).json()["size"] == most
    refused = client.post(path, content=body(most + 1))
    assert refused.status_code == 413
    assert refused.json()["error"] == f"larger than {most // MB} MB"


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 30, "٣"])
def test_a_length_that_is_no_number_is_refused(client, length):
    head = {"content-length": length.encode("utf-8")}
    assert client.post("/login", content=b"", headers=head).status_code == 413


def test_bodies_at_once_have_a_limit(monkeypatch):
    monkeypatch.setattr(limits, "BODIES_AT_ONCE", 1)
    started, go_on = threading.Event(), threading.Event()
    with served(Route("/gradio_api/run/slow", slow(started, go_on), methods=["POST"])) as client:
        answers, large = [], b'{"data": ["%s"]}' % (b"x" * (MB - 20))
        first = threading.Thread(
            target=lambda: answers.append(client.post("/gradio_api/run/slow", content=large))
        )
        first.start()
        assert started.wait(20)
        assert client.post("/login", content=b"x" * 100).status_code == 503
        go_on.set()
        first.join()
        assert answers[0].text == "done"
        assert client.post("/login", content=b"x" * 100).status_code == 200


def test_uploads_have_a_limit_by_the_hour(monkeypatch, client):
    monkeypatch.setattr(limits, "UPLOADS_AN_HOUR", 2)
    told = [client.post("/gradio_api/upload", content=b"x" * MB).status_code for _ in range(6)]
    assert told == [200] * 5 + [503]


def test_whoever_sends_too_slowly_is_let_go(monkeypatch):
    monkeypatch.setattr(limits, "PIECE_SECONDS", 0.05)
    said = []

    async def never():
        await asyncio.sleep(20)

    async def send(message):
        said.append(message)

    async def app(scope, receive, send):
        raise AssertionError("not let in")

    gate = Gate(app, max_body=1, max_upload=1, max_waiting=1)
    scope = {"type": "http", "method": "POST", "path": "/login", "headers": []}
    asyncio.run(gate(scope, never, send))
    assert said[0]["status"] == 408


def test_calls_of_one_function_that_skip_the_queue_have_a_limit():
    started, go_on = threading.Event(), threading.Event()
    with served(
        Route("/gradio_api/run/slow", slow(started, go_on), methods=["POST"]), max_waiting=1
    ) as client:
        call = {"data": [], "fn_index": 7}
        first = threading.Thread(target=lambda: client.post("/gradio_api/run/slow", json=call))
        first.start()
        assert started.wait(20)
        refused = client.post("/gradio_api/run/slow", json=call)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert client.post("/gradio_api/run/other", json={**call, "fn_index": 8}).status_code == 200
        go_on.set()
        first.join()
        assert client.post("/gradio_api/run/other", json=call).status_code == 200


@pytest.mark.parametrize("path", ["/gradio_api/proxy=http://a.b/", "/gradio_api/process_recording"])
def test_what_nobody_needs_is_closed(client, path):
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({}, True),
        (HERE, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, False),
        ({"sec-fetch-site": "same-site", **HERE}, False),
    ],
)
def test_another_sites_page_is_nobody_here(client, headers, kept):
    cookies = {"cookie": "access-token=secret"}
    for ask, path in ((client.get, "/"), (client.post, "/login")):
        told = ask(path, headers={**headers, **cookies}).json()["cookies"]
        assert told == ({"access-token": "secret"} if kept else {})


def test_a_link_from_another_site_opens_the_page_as_who_one_is():
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    cookies = {"cookie": "access-token=secret"}
    with served() as client:
        for place, kept in (("document", True), ("iframe", False)):
            head = {**link, **cookies, "sec-fetch-dest": place}
            assert bool(client.get("/", headers=head).json()["cookies"]) is kept
    with served(framed_by="https://huggingface.co") as client:
        head = {**link, **cookies, "sec-fetch-dest": "iframe"}
        assert client.get("/", headers=head).json()["cookies"] == {"access-token": "secret"}
        assert (
            "frame-ancestors 'self' https://huggingface.co;"
            in (client.get("/").headers["content-security-policy"])
        )


def test_a_browser_is_told_what_it_may_load(client):
    told = client.get("/").headers
    assert told["content-security-policy"].startswith("default-src 'self' data: blob: ")
    assert "frame-ancestors 'self';" in told["content-security-policy"]
    assert told["x-content-type-options"] == "nosniff"
