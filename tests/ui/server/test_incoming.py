import orjson
import pytest

from tagifai.ui.server.incoming import MAX_VALUES, RefusedError, check_call, is_closed


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
    "path",
    [
        "/gradio_api/file=https://a.b/c", "/gradio_api/file=HTTP://a.b",
        "/gradio_api/file/http://a",
        "/gradio_api/file=ht\ntp://a.b", "/gradio_api/file= file:///etc/passwd",
        "/monitoring/summary",
        "/gradio_api/vibe-edit", "/gradio_api/deep_link", "/gradio_api/component_server/",
    ],
)  # fmt: skip
def test_addresses_that_are_closed(path):
    assert is_closed(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/config", "/gradio_api/queue/join", "/gradio_api/file=/tmp/gradio/x", "/theme.css",
     "/gradio_api/heartbeat/abc", "/login", "/gradio_api/info", "/gradio_api/file=C:/x.csv"],
)  # fmt: skip
def test_addresses_that_the_page_needs(path):
    assert not is_closed(path)
