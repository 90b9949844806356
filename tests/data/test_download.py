import hashlib
import os
import socket
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tagifai.data import load_dataset
from tagifai.data.download import MADE_WITH_ML_CONFIG, PinnedFile, download_projects
from tagifai.errors import TagifaiError

PROJECTS = b'[{"id": 1, "title": "a", "description": "b", "tags": ["c"]}]'
TAGS = b'[{"tag": "c"}]'


def pin(name, content):
    return PinnedFile(name, len(content), hashlib.sha256(content).hexdigest())


FILES = (pin("projects.json", PROJECTS), pin("tags.json", TAGS))
CONTENTS_OF_FOLDER = {
    "projects.json": PROJECTS,
    "tags.json": TAGS,
    "data.toml": MADE_WITH_ML_CONFIG.encode(),
}
CONTENTS = {"/projects.json": PROJECTS, "/tags.json": TAGS}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up on an endless body is what some tests are about


@contextmanager
def serve(handler):
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answering(*answers):
    """Make a handler: request by request, one answer after the other, the last one for ever."""
    queue = list(answers)

    class Handler(BaseHTTPRequestHandler):
        paths: list[str] = []  # noqa: RUF012 - one class a test

        def do_GET(self):
            self.paths.append(self.path)
            (queue.pop(0) if len(queue) > 1 else queue[0])(self)

        def log_message(self, *arguments):
            pass

    return Handler


def send(handler, content, length=None, status=200):
    handler.send_response(status)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(content)


def fine(handler):
    send(handler, CONTENTS[handler.path], len(CONTENTS[handler.path]))


def failing(status):
    return lambda handler: send(handler, b"sorry", 5, status)


def cut(handler):
    send(handler, PROJECTS[:20], len(PROJECTS))


def cut_without_length(handler):
    send(handler, PROJECTS[:20])


def other_bytes(handler):
    send(handler, PROJECTS.replace(b"1", b"2"), len(PROJECTS))


def endless(handler):
    send(handler, b"")
    while True:
        handler.wfile.write(b"x" * 4096)


def silent(handler):
    time.sleep(0.5)


def dripping(handler):
    send(handler, b"", len(PROJECTS))
    for byte in PROJECTS:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def redirecting(handler):
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:9/elsewhere")
    handler.end_headers()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def download(to, base_url, **options):
    options = {"files": FILES, "timeout": 2.0, "deadline": 10.0, "backoff": 0.01} | options
    return download_projects(to, base_url=base_url, **options)


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_all(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.realdata
def test_the_pinned_files_are_the_made_with_ml_projects(tmp_path, real_data):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with serve(partial(Quiet, directory=str(real_data))) as (_, url):
        to = download_projects(tmp_path / "new" / "madewithml", base_url=url, timeout=2, retries=0)

    dataset = load_dataset(to)
    assert (len(dataset.projects), len(dataset.tags)) == (2032, 400)
    assert dataset.projects == load_dataset(real_data).projects


def test_what_is_downloaded_is_all_there_and_nothing_else(tmp_path):
    told = []
    with serve(answering(fine)) as (server, url):
        to = download(
            tmp_path / "data", url + "/", progress=lambda *arguments: told.append(arguments)
        )

    assert to == tmp_path / "data"
    assert read_all(to) == CONTENTS_OF_FOLDER
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert to.stat().st_mode & 0o777 == 0o777 & ~umask()
    assert server.RequestHandlerClass.paths == ["/projects.json", "/tags.json"]
    total = len(PROJECTS) + len(TAGS)
    assert told == [
        (0, total, "projects.json"),
        (len(PROJECTS), total, "projects.json"),
        (len(PROJECTS), total, "tags.json"),
        (total, total, "tags.json"),
    ]


def test_what_the_course_left_out_is_left_out(tmp_path):
    with serve(answering(fine)) as (_, url):
        dataset = load_dataset(download(tmp_path / "data", url))

    assert dataset.config.excluded == (
        "machine-learning", "deep-learning", "data-science", "neural-networks", "python", "r",
        "visualization", "wandb",
    )  # fmt: skip


@pytest.mark.parametrize(
    "first",
    [failing(500), failing(503), failing(429), cut, cut_without_length],
    ids=["500", "503", "429", "cut", "cut without length"],
)
def test_what_may_pass_is_tried_again(tmp_path, first):
    with serve(answering(first, first, fine)) as (server, url):
        to = download(tmp_path / "data", url, retries=2)

    assert read_all(to) == CONTENTS_OF_FOLDER
    assert server.RequestHandlerClass.paths == ["/projects.json"] * 3 + ["/tags.json"]


def test_a_silence_is_tried_again(tmp_path):
    with serve(answering(silent, fine)) as (_, url):
        to = download(tmp_path / "data", url, retries=1, timeout=0.2)

    assert (to / "tags.json").read_bytes() == TAGS


@pytest.mark.parametrize(
    ("answer", "requests", "message"),
    [
        (failing(500), 3, "the server answered 500 Internal Server Error; tried 3 times"),
        (failing(404), 1, "the server answered 404 Not Found, 200 is needed"),
        (redirecting, 1, "the server answered 302 Found, 200 is needed"),
        (cut, 3, f"the connection was cut after 20 of {len(PROJECTS)} bytes; tried 3 times"),
        (cut_without_length, 3, f"ended after 20 of {len(PROJECTS)} bytes; tried 3 times"),
        (other_bytes, 1, f"SHA-256 {FILES[0].sha256} is needed, got "),
        (endless, 1, f"more than the {len(PROJECTS)} bytes of projects.json"),
    ],
    ids=["500", "404", "302", "cut", "cut without length", "other bytes", "endless"],
)
def test_a_server_that_misbehaves_leaves_nothing_behind(tmp_path, answer, requests, message):
    with serve(answering(answer)) as (server, url), pytest.raises(TagifaiError) as raised:
        download(tmp_path / "data", url, retries=2)

    assert message in str(raised.value)
    assert str(raised.value).startswith(f"{url}/projects.json: ")
    assert "nothing was written" in str(raised.value)
    assert len(server.RequestHandlerClass.paths) == requests
    assert list(tmp_path.iterdir()) == []


def test_a_second_file_that_fails_takes_the_first_along(tmp_path):
    with serve(answering(fine, failing(404))) as (_, url), pytest.raises(TagifaiError):
        download(tmp_path / "data", url)

    assert list(tmp_path.iterdir()) == []


def test_a_server_that_says_nothing_is_given_up(tmp_path):
    start = time.monotonic()
    with serve(answering(silent)) as (_, url), pytest.raises(TagifaiError) as raised:
        download(tmp_path / "data", url, retries=1, timeout=0.1)

    assert "no answer within 0.1 seconds; tried 2 times" in str(raised.value)
    assert time.monotonic() - start < 5


def test_a_server_that_drips_is_given_up_at_the_deadline(tmp_path):
    with serve(answering(dripping)) as (_, url), pytest.raises(TagifaiError) as raised:
        download(tmp_path / "data", url, deadline=0.3)

    assert "not finished after 0.3 seconds; nothing was written" in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_no_network(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(TagifaiError, match=r"cannot be reached \(.*refused\); tried 2 times"):
            download(tmp_path / "data", f"http://127.0.0.1:{port}", retries=1)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "no address", "http://127.0.0.1:port/"])
def test_an_address_that_is_none(tmp_path, url):
    with pytest.raises(TagifaiError, match="no address to download from"):
        download(tmp_path / "data", url)


@pytest.mark.parametrize("kind", ["full folder", "empty folder", "file", "dangling link"])
def test_what_is_there_stays_untouched_and_nothing_is_asked_for(tmp_path, kind):
    to = tmp_path / "data"
    if kind == "file":
        to.write_bytes(b"mine")
    elif kind == "dangling link":
        to.symlink_to(tmp_path / "nowhere")
    else:
        to.mkdir()
    if kind == "full folder":
        (to / "projects.json").write_bytes(b"mine")
    with (
        serve(answering(fine)) as (server, url),
        pytest.raises(TagifaiError, match="data exists and stays as it is"),
    ):
        download(to, url)

    assert server.RequestHandlerClass.paths == []
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert kind != "file" or to.read_bytes() == b"mine"
    assert kind != "full folder" or read_all(to) == {"projects.json": b"mine"}


def test_a_folder_made_meanwhile_stays_untouched(tmp_path):
    to = tmp_path / "data"

    def somebody_else_writes(done, total, name):
        if done == total:
            to.mkdir(exist_ok=True)
            (to / "projects.json").write_bytes(b"mine")

    with (
        serve(answering(fine)) as (_, url),
        pytest.raises(TagifaiError, match="data exists and stays as it is"),
    ):
        download(to, url, progress=somebody_else_writes)

    assert read_all(to) == {"projects.json": b"mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    with (
        serve(answering(fine)) as (_, url),
        pytest.raises(TagifaiError, match=r"file: cannot be written \("),
    ):
        download(tmp_path / "file" / "data", url)

    assert read_all(tmp_path) == {"file": b"mine"}
