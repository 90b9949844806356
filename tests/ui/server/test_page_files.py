"""Files before a small app that counts what it is asked."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from tagifai.ui.server.page_files import PageFiles

SCRIPT = "const answer = 42;\n" * 100


@pytest.fixture
def asked():
    return []


@pytest.fixture
def client(asked):
    async def tell(request: Request) -> Response:
        asked.append(request.url.path)
        if "missing" in request.url.path:
            return PlainTextResponse("there is none", 404)
        if "large" in request.url.path:
            return Response(bytes(10**6 + 1))
        kind = "image/png" if request.url.path.endswith("png") else "application/javascript"
        return Response(SCRIPT, media_type=kind, headers={"etag": '"1"'})

    app = Starlette(routes=[Route("/{any:path}", tell, methods=["GET", "HEAD", "POST"])])
    with TestClient(PageFiles(app)) as opened:
        yield opened


def test_a_file_is_read_and_compressed_once(client, asked):
    answers = [client.get("/assets/index-DphvyggB.js?v=1") for _ in range(3)]
    assert [a.text for a in answers] == [SCRIPT] * 3
    assert answers[2].headers["content-encoding"] == "gzip"
    assert int(answers[2].headers["content-length"]) < len(SCRIPT) / 10
    assert answers[2].headers["etag"] == '"1"'
    assert answers[2].headers["vary"] == "accept-encoding"
    assert answers[2].headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asked == ["/assets/index-DphvyggB.js"]


def test_what_compresses_after_it_leaves_what_is_kept_as_it_is():
    font = bytes(range(256)) * 200

    async def tell(_request: Request) -> Response:
        return Response(font, media_type="application/octet-stream")

    app = Starlette(
        routes=[Route("/{any:path}", tell)],
        middleware=[Middleware(GZipMiddleware), Middleware(PageFiles)],
    )
    with TestClient(app) as client:
        assert [client.get("/static/fonts/a.ttf").content for _ in range(3)] == [font] * 3


def test_browsers_ask_again_where_the_name_has_no_hash(client):
    assert "cache-control" not in client.get("/static/js/frame.js").headers


def test_a_picture_is_kept_as_it_is(client, asked):
    answers = [client.get("/static/img/logo.png") for _ in range(2)]
    assert [a.content for a in answers] == [SCRIPT.encode()] * 2
    assert "content-encoding" not in answers[1].headers
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/gradio_api/assets/x.js", {}),
        ("GET", "/assets/missing.js", {}),
        ("GET", "/static/large.wasm", {}),
        ("GET", "/assets//x.js", {}),
        ("GET", "/assets/../x.js", {}),
        ("GET", "/assets/.x.js", {}),
        ("HEAD", "/assets/x.js", {}),
        ("POST", "/assets/x.js", {}),
        ("GET", "/assets/x.js", {"range": "bytes=0-3"}),
        ("GET", "/assets/x.js", {"if-none-match": '"1"'}),
        ("GET", "/assets/x.js", {"accept-encoding": "identity"}),
    ],
)
def test_all_else_is_passed_on(client, asked, method, path, headers):
    answers = [client.request(method, path, headers=headers) for _ in range(2)]
    assert len(asked) == 2
    assert {a.status_code for a in answers} == {404 if "missing" in path else 200}
    assert "content-encoding" not in answers[0].headers
