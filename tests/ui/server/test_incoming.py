import orjson
import pytest

from tagifai.ui.server.incoming import MAX_VALUES, RefusedError, check_call, is_allowed


def test_a_call_is_read():
    call = {"data": ["a", {"path": "/tmp/gradio/x.csv"}], "session_hash": "abc", "fn_index": 3}
    assert check_call(orjson.dumps(call)) == call


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"data": [NaN]}', 400),
        (b'{"data": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400),
        (b'{"data": [' + b"1," * (MAX_VALUES + 1) + b"1]}", 413),
        (b'{"data": [' + b"[]" * (MAX_VALUES + 1) + b"]}", 413),
        (orjson.dumps({"session_hash": "x" * 101}), 400),
        (orjson.dumps({"session_hash": 3}), 400),
        (orjson.dumps({"event_id": ["x"]}), 400),
        (orjson.dumps({"data": [{"path": "http://a.b/c"}]}), 400),
        (orjson.dumps({"data": {"x": [[{"path": " hT\ntps://a.b"}]]}}), 400),
        (orjson.dumps({"data": [{"path": "file:///etc/passwd"}]}), 400),
    ],
)
def test_a_call_that_no_page_sends_is_refused(body, status):
    with pytest.raises(RefusedError) as caught:
        check_call(body)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/file=https://a.b/c"),
        ("GET", "/gradio_api/file=HTTP://a.b"),
        ("GET", "/gradio_api/file=ht\ntp://a.b"),
        ("GET", "/gradio_api/file= file:///etc/passwd"),
        ("GET", "/gradio_api/file/tmp/gradio/x"),
        ("GET", "/gradio_api/proxy=http://a.b"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/gradio_api/heartbeat/abc"),
        ("GET", "/gradio_api/app_id"),
        ("GET", "/gradio_api/token"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("GET", "/openapi.json"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/docs"),
        ("GET", "//config"),
        ("GET", "/config/more"),
        ("GET", "/whatever/comes/next"),
        ("POST", "/gradio_api/vibe-edit"),
        ("POST", "/gradio_api/component_server/"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/call/predict/abc"),
        ("POST", "/"),
        ("PUT", "/gradio_api/upload"),
        ("DELETE", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/mcp/"),
    ],
)
def test_addresses_that_are_refused(method, path):
    assert not is_allowed(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/config"),
        ("GET", "/config/"),
        ("GET", "/theme.css"),
        ("GET", "/assets/index-DphvyggB.js"),
        ("GET", "/static/fonts/ui-sans-serif/a.woff2"),
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/file=/tmp/gradio/x"),
        ("GET", "/gradio_api/file=C:/x.csv"),
        ("GET", "/gradio_api/call/predict/abc"),
        ("GET", "/gradio_api/queue/data"),
        ("POST", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/call/v2/predict"),
        ("POST", "/gradio_api/run/predict/"),
        ("OPTIONS", "/gradio_api/run/predict"),
        ("POST", "/login"),
    ],
)
def test_addresses_that_the_page_and_its_clients_need(method, path):
    assert is_allowed(method, path)


@pytest.mark.parametrize("path", ["", "/", "/sse", "/schema", "/messages/"])
def test_addresses_of_mcp_are_open_where_it_is_served(path):
    for method in ("GET", "POST", "DELETE"):
        assert is_allowed(method, f"/gradio_api/mcp{path}", mcp=True)
        assert not is_allowed(method, f"/gradio_api/mcp{path}")
    assert not is_allowed("GET", "/gradio_api/mcp/other", mcp=True)
