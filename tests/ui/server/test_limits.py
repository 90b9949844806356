"""The gate before a small app of two addresses; tests/security attacks the real one."""

import asyncio
import threading
from contextlib import contextmanager

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tagifai.ui.gradio_fixes.queues import bound_queue
from tagifai.ui.server import limits
from tagifai.ui.server.hosts import ServedHosts
from tagifai.ui.server.limits import MB, Doors, Gate

HERE = {"origin": "http://testserver"}
ELSEWHERE = {"origin": "http://evil.example", "cookie": "access-token=secret"}


async def tell(request: Request) -> JSONResponse:
    return JSONResponse(
        {
            "size": len(await request.body()),
            "cookies": request.cookies,
            "forwarded": request.headers.get("x-forwarded-host"),
        }
    )


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


@pytest.fixture(scope="module")
def page():
    with gr.Blocks() as built:
        button = gr.Button()
        button.click(lambda: None, api_name="slow", queue=False)
        button.click(lambda: None, api_name="other", queue=False)
    return bound_queue(built)


@contextmanager
def served(*more: Route, max_waiting: int = 2, page=None, **doors):
    routes = [
        Route("/gradio_api/upload", upload, methods=["POST"]),
        Route("/{any:path}", tell, methods=["GET", "POST", "HEAD"]),
    ]
    app = Starlette(routes=[*more, *routes])
    opened = Doors(hosts=ServedHosts(["testserver"]), **doors)
    gate = Gate(app, max_body=1, max_upload=2, max_waiting=max_waiting, page=page, doors=opened)
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
@pytest.mark.parametrize(
    ("path", "most"), [("/gradio_api/api", MB), ("/gradio_api/upload", 2 * MB)]
)
def test_a_body_has_a_limit(path, most, body, monkeypatch):
    monkeypatch.setattr(limits, "check_call", lambda _: {})
    monkeypatch.setattr(limits, "is_allowed", lambda *_, **__: True)
    with served() as client:
        check_limit(client, path, most, body)


def test_a_login_is_small(client):
    assert client.post("/login", content=b"x" * limits.MAX_LOGIN).status_code == 200
    refused = client.post("/login", content=b"x" * (limits.MAX_LOGIN + 1))
    assert (refused.status_code, refused.json()["error"]) == (413, "larger than 64 KB")


def check_limit(client, path, most, body):
    assert client.post(path, content=body(most)).json()["size"] == most
    refused = client.post(path, content=body(most + 1))
    assert refused.status_code == 413
    assert refused.json()["error"] == f"larger than {most // MB} MB"


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 30, "٣"])
def test_a_length_that_is_no_number_is_refused(client, length):
    head = {"content-length": length.encode("utf-8")}
    assert client.post("/login", content=b"", headers=head).status_code == 413


class Sent:
    """A request that is sent in pieces, when they are given."""

    def __init__(self, gate, address="10.0.0.1", path="/gradio_api/reset"):
        self.told = []
        self.pieces = asyncio.Queue()
        self.scope = {
            "type": "http", "method": "POST", "path": path, "query_string": b"",
            "client": (address, 1), "headers": [(b"host", b"localhost")],
        }  # fmt: skip
        self.task = asyncio.create_task(gate(self.scope, self.pieces.get, self.tell))

    async def tell(self, message):
        self.told.append(message)

    def send(self, size, more=True):
        self.pieces.put_nowait({"type": "http.request", "body": b"x" * size, "more_body": more})

    async def answered(self):
        await asyncio.wait_for(self.task, 20)
        return self.told[0]["status"]


async def answer_nothing(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def gate_of(monkeypatch):
    monkeypatch.setattr(limits, "check_call", lambda _: {})
    monkeypatch.setattr(limits, "_LINGER_SECONDS", 0.05)
    return Gate(answer_nothing, max_body=1, max_upload=2, max_waiting=2)


def test_bodies_that_never_end_make_room_for_others(monkeypatch):
    async def run():
        gate = gate_of(monkeypatch)
        stuck = []
        for _ in range(limits.BODIES_OF_HOUSE + 1):
            stuck.append(Sent(gate))
            stuck[-1].send(MB - 1)
            await asyncio.sleep(0.01)
        told = [await stuck[0].answered()]
        # Of the same address, and of another.
        for address in ("10.0.0.1", "10.0.0.2"):
            other = Sent(gate, address)
            other.send(2, more=False)
            told.append(await other.answered())
        for one in stuck[1:]:
            assert not one.told
            one.send(1, more=False)
            told.append(await one.answered())
        return told

    assert asyncio.run(run()) == [503, *[200] * (limits.BODIES_OF_HOUSE + 2)]


def test_one_address_has_so_many_bodies_under_way(monkeypatch):
    monkeypatch.setattr(limits, "UNFINISHED", 3)
    monkeypatch.setattr(limits, "GRACE_SECONDS", 0.0)

    async def run():
        gate = gate_of(monkeypatch)
        sent = []
        for _ in range(4):
            sent.append(Sent(gate))
            sent[-1].send(1)
            await asyncio.sleep(0.01)
        elsewhere = Sent(gate, "10.0.0.2")
        elsewhere.send(1, more=False)
        told = [await sent[0].answered(), await elsewhere.answered()]
        for one in sent[1:]:
            one.send(1, more=False)
        return told + [await one.answered() for one in sent[1:]]

    assert asyncio.run(run()) == [503, 200, 200, 200, 200]


def test_a_body_must_come_in_time(monkeypatch):
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.1)

    async def run():
        slow = Sent(gate_of(monkeypatch))
        while not slow.told:
            slow.send(1)
            await asyncio.sleep(0.01)
        return await slow.answered()

    assert asyncio.run(run()) == 408


def test_uploads_have_a_limit_by_the_hour_for_each_address(monkeypatch):
    monkeypatch.setattr(limits, "UPLOADS_OF_HOUSE", 1)

    async def run():
        gate = gate_of(monkeypatch)
        told = []
        for address in ["10.0.0.1"] * 4 + ["10.0.0.2"]:
            sent = Sent(gate, address, "/gradio_api/upload")
            sent.send(MB, more=False)
            told.append(await sent.answered())
        return told

    assert asyncio.run(run()) == [200, 200, 503, 503, 200]


def test_an_upload_that_is_broken_off_counts(monkeypatch):
    monkeypatch.setattr(limits, "UPLOADS_OF_HOUSE", 1)

    async def take_all(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await answer_nothing(scope, receive, send)

    async def run():
        gate = gate_of(monkeypatch)
        gate.app = take_all
        for _ in range(2):
            broken = Sent(gate, path="/gradio_api/upload")
            broken.send(MB)
            await asyncio.sleep(0.01)
            broken.task.cancel()
            await asyncio.gather(broken.task, return_exceptions=True)
        last = Sent(gate, path="/gradio_api/upload")
        last.send(1, more=False)
        return await last.answered()

    assert asyncio.run(run()) == 503


def test_who_is_not_logged_in_is_refused_before_their_body_is_read(monkeypatch):
    async def run():
        gate = gate_of(monkeypatch)
        gate.doors = Doors(login=True)
        stranger = Sent(gate)
        return await stranger.answered()

    assert asyncio.run(run()) == 401


def test_calls_of_one_function_that_skip_the_queue_have_a_limit(page):
    started, go_on = threading.Event(), threading.Event()
    with served(
        Route("/gradio_api/run/slow", slow(started, go_on), methods=["POST"]),
        max_waiting=1,
        page=page,
    ) as client:
        call = {"data": [], "fn_index": 0}
        first = threading.Thread(target=lambda: client.post("/gradio_api/run/slow", json=call))
        first.start()
        assert started.wait(20)
        # However it is spelt, and by its name.
        for index in (0, "0", "000", 0.0, None):
            again = {**call, "fn_index": index}
            refused = client.post("/gradio_api/run/slow", json=again)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert client.post("/gradio_api/run/other", json={**call, "fn_index": 1}).status_code == 200
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
    cookies = {"cookie": "access-token=secret", "authorization": "Bearer x"}
    login = client.post("/login", headers={**headers, **cookies})
    assert login.status_code == (200 if kept else 403)
    for ask, path in ((client.get, "/"),):
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


def test_other_names_are_refused_and_the_health_is_told(client):
    evil = {"host": "evil.example", "origin": "http://evil.example"}
    assert client.get("/", headers=evil).status_code == 400
    assert client.get("/health", headers=evil).status_code == 200


@pytest.mark.parametrize(
    ("forwarded", "kept"), [("testserver", True), ("evil.example", False), ("a, testserver", False)]
)
def test_a_proxy_says_no_other_name_than_those_that_are_served(client, forwarded, kept):
    told = client.get("/", headers={"x-forwarded-host": forwarded, "x-gradio-server": "http://e"})
    assert told.json()["forwarded"] == (forwarded if kept else None)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/run/nothing",
        "/gradio_api/call/nothing",
        "/gradio_api/call/v2/nothing",
        "/gradio_api/queue/join",
    ],
)
def test_nothing_is_called_that_is_not_there(page, path):
    with served(page=page) as client:
        told = client.post(path, json={"data": [], "fn_index": 99})
        assert (told.status_code, told.json()["error"]) == (404, "there is no such function")


def test_nobody_waits_for_what_never_comes(page):
    with served(page=page) as client:
        for path in ("queue/data?session_hash=x", "queue/data", "call/slow/x", "call/v2/slow/x"):
            assert client.get(f"/gradio_api/{path}").status_code == 404
