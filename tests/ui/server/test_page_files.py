import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tagifai.ui.server.page_files import CacheHeaders


async def answer(request: Request) -> PlainTextResponse:
    missing = "missing" in request.url.path
    return PlainTextResponse("text", 404 if missing else 200, headers={"etag": '"1"'})


@pytest.fixture(scope="module")
def client():
    with TestClient(CacheHeaders(Starlette(routes=[Route("/{any:path}", answer)]))) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/assets/index-DphvyggB.js", "/assets/a.b-Akn07EZk.css?v=1"])
def test_browsers_keep_files_whose_name_holds_a_hash(client, path):
    told = client.get(path).headers
    assert told["cache-control"] == "public, max-age=31536000, immutable"
    assert told["etag"] == '"1"'


@pytest.mark.parametrize(
    "path",
    ["/", "/static/js/frame.js", "/assets/index.js", "/assets/missing-DphvyggB.js", "/theme.css",
     "/assets/x/index-DphvyggB.js"],
)  # fmt: skip
def test_browsers_ask_again_for_all_else(client, path):
    assert "cache-control" not in client.get(path).headers
