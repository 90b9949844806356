"""Calls of every function with whatever a program may send, and requests for what is elsewhere."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from security.rows import Measured, Row, measured
from security.target import ROOT, Target, Visitor

ODD_TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["v0.2.0", "workspace", "transformers", "fp", "-1", "../..", "\x00", "a" * 9_000]
    ),
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(min_value=10**300, max_value=10**301),
    st.floats(allow_nan=False, allow_infinity=False), ODD_TEXTS,
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
EVENTS = st.one_of(st.none(), VALUES, st.fixed_dictionaries({"key": ODD_TEXTS}))
# What a program of any language may write, though it is no JSON: past Python's own writer.
RAW = [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" * 5_000, b"[" * 3_000, b'"\\ud800"', b""]


def measure_calls(target: Target, full: bool) -> Measured:
    number = 1_000 if full else 100
    functions = [f for f in target.config["dependencies"] if f["backend_fn"]]
    public = [f for f in functions if f["api_visibility"] == "public"]
    before, broken = target.written(), target.tracebacks()
    statuses: dict[str, int] = {}
    tried = 0

    def count(kind: str) -> None:
        statuses[kind] = statuses.get(kind, 0) + 1

    with target.visit() as visitor:
        visitor.session = target.open_tabs()  # which odd calls empty again

        @settings(
            max_examples=number, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @seed(8)
        @given(st.data())
        def ask(data: Any) -> None:
            nonlocal tried
            tried += 1
            function = data.draw(st.sampled_from(functions if data.draw(st.booleans()) else public))
            normal = target.start_values(function)
            values = [
                data.draw(VALUES) if data.draw(st.integers(0, 2)) or value is None else value
                for value in normal
            ]
            if data.draw(st.integers(0, 9)) == 0:
                values = values[:-1]
            event = {"event_data": data.draw(EVENTS), "trigger_id": data.draw(st.integers(-1, 400))}
            if function in public:
                answer = visitor.call(function["api_name"], *values)
            elif function["queue"]:
                answer = visitor.join(function["id"], *values, **event)
            else:
                answer = visitor.run(function["id"], *values, **event)
            count("answered" if answer.fine else "refused")

        ask()
        for raw in RAW:
            for path in ("call/predict", "run/predict", "queue/join"):
                body = b'{"data": [' + raw + b', "x"], "fn_index": 16, "session_hash": "s"}'
                told = visitor.client.post(
                    f"/gradio_api/{path}",
                    content=body,
                    headers={"content-type": "application/json"},
                )
                count("answered" if told.status_code == 200 else "refused")
                tried += 1
        fine = visitor.call("list_versions").fine
    wrong = [] if fine else ["no answer afterwards"]
    unhandled = target.tracebacks() - broken
    if unhandled:
        last = target.said().rpartition("Traceback (most recent call last)")[2].strip()
        wrong.append(f"{unhandled} unhandled errors, the last: {last.splitlines()[-1][:200]}")
    if target.written() != before:
        wrong.append("something was written")
    figure = ", ".join(f"{count:,} {kind}" for kind, count in sorted(statuses.items()))
    return measured(f"{tried:,} calls of {len(functions)} functions: {figure}; "
                    f"{unhandled} unhandled errors", wrong)  # fmt: skip


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Listen for whoever comes; give the address, and what was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"id,text\n1,fetched")

        do_HEAD = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def measure_elsewhere(target: Target, full: bool) -> Measured:
    """Make the server fetch an address, or read a file that nobody uploaded."""
    wrong: list[str] = []
    secret = target.folder / "users.json"
    many = target.functions("predict", "many-texts")[0]["id"]
    with listening() as (url, asked), target.visit() as visitor:
        visitor.session = target.opened
        places = [
            f"{url}/a.csv", url.replace("http", "HTTP") + "/b.csv", "https://example.invalid/c.csv",
            "file:///etc/passwd", f" {url}/d.csv", "ht\ntp" + url[4:] + "/e.csv",
        ]  # fmt: skip
        tried = 0
        for place in places:
            for made in fetches(visitor, many, place):
                tried += 1
                if made not in (400, 403, 404):
                    wrong.append(f"{place}: {made}")
        files = [str(secret), "/etc/passwd", str(ROOT / "README.md"), str(target.reviews),
                 "users.json", "../users.json", "gradio_app.py", ".git/config"]  # fmt: skip
        for path in files:
            tried += 2
            told = visitor.client.get(f"/gradio_api/file={path}")
            if told.status_code == 200:
                wrong.append(f"{path} was read")
            upload = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "a.txt"}
            answer = visitor.join(many, "v0.2.0", "", "one text a line", upload)
            if answer.fine:
                wrong.append(f"{path} was read as an upload: {str(answer.data)[:80]}")
    if asked:
        wrong.append(f"the server asked for {asked[:3]}")
    return measured(f"{tried} requests for addresses and files: none fetched, none read", wrong)


def fetches(visitor: Visitor, many: int, place: str) -> Iterator[int]:
    upload = {"path": place, "url": place, "meta": {"_type": "gradio.FileData"}}
    data = ["v0.2.0", "", "one text a line", upload]
    body = {"data": data, "fn_index": many, "session_hash": visitor.session}
    yield visitor.client.post("/gradio_api/queue/join", json=body).status_code
    yield visitor.client.post("/gradio_api/call/predict", json={"data": [[upload]]}).status_code
    for path in ("file=", "proxy=", "file/"):
        yield visitor.client.get(f"/gradio_api/{path}{place}".replace("\n", "%0a")).status_code


ROWS = [
    Row("calls", "1,000 wrongly typed API calls (Hypothesis)",
        "no unhandled error, nothing written", measure_calls, live=True),
    Row("elsewhere", "addresses to fetch and files to read, in place of an upload",
        "no request leaves the server, no file is read", measure_elsewhere, live=True),
]  # fmt: skip
