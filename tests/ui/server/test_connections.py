"""Real sockets at a small server: how many stay open, and for how long."""

import logging
import socket
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tagifai.ui.server import connections
from tagifai.ui.server.connections import Connections, FewLines, most_files

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def answer(_request):
    return PlainTextResponse("fine")


async def large(_request):
    return Response(b"x" * 50_000_000)


@contextmanager
def serving(most=4, of_address=2, proxies=()):
    app = Starlette(routes=[Route("/", answer), Route("/large", large)])
    listener = socket.create_server(("127.0.0.1", 0))
    http = Connections(most, of_address, proxies).protocol()
    server = uvicorn.Server(uvicorn.Config(app, http=http, log_level="error"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def connected(place, address="127.0.0.1"):
    with socket.create_connection(place, timeout=20, source_address=(address, 0)) as one:
        yield one


def ask(one):
    one.sendall(HEAD + b"\r\n")
    return read(one)


def read(one):
    told = b""
    while not told.endswith(b"fine") and (piece := one.recv(10_000)):
        told += piece
    return told


def is_closed(one):
    try:
        return one.recv(1) == b""
    except ConnectionResetError:
        return True


def test_whoever_waits_longest_without_a_request_goes():
    with serving() as place, ExitStack() as stack:
        first, second = (stack.enter_context(connected(place)) for _ in range(2))
        first.sendall(HEAD)
        second.sendall(HEAD)
        third = stack.enter_context(connected(place))
        assert b"fine" in ask(third)
        assert is_closed(first)
        # Another address is another's.
        assert b"fine" in ask(stack.enter_context(connected(place, "127.0.0.2")))
        second.sendall(b"\r\n")
        assert b"fine" in read(second)


def test_all_addresses_together_have_a_limit():
    with serving(most=3, of_address=2) as place, ExitStack() as stack:
        greedy = [stack.enter_context(connected(place, "127.0.0.3")) for _ in range(2)]
        others = [stack.enter_context(connected(place, f"127.0.0.{n}")) for n in (4, 5)]
        assert [b"fine" in ask(one) for one in others] == [True, True]
        assert is_closed(greedy[0])


def test_a_proxy_brings_many():
    with serving(most=10, of_address=1, proxies=["127.0.0.0/8"]) as place, ExitStack() as stack:
        all_of_them = [stack.enter_context(connected(place)) for _ in range(5)]
        assert all(b"fine" in ask(one) for one in all_of_them)


@pytest.mark.parametrize("sent", [b"", HEAD, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET"])
def test_the_head_of_a_request_must_come_in_time(monkeypatch, sent):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with serving() as place, connected(place) as one:
        one.sendall(sent)
        while not is_closed(one):
            pass


def test_a_head_that_comes_byte_by_byte_has_no_more_time(monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with serving() as place, connected(place) as one:
        one.settimeout(0.01)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):  # noqa: PT012 - until it is closed
            while True:
                one.sendall(b"G")
                time.sleep(0.01)


def test_whoever_does_not_read_is_let_go(monkeypatch):
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.2)
    with serving(most=1, of_address=1) as place, connected(place) as one:
        one.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with connected(place) as other:
                if b"fine" in ask(other):
                    break
            time.sleep(0.05)
        else:
            pytest.fail("never let go")


def test_where_all_are_busy_more_are_told_so():
    with serving(most=1, of_address=1) as place, connected(place) as one:
        one.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert one.recv(10)
        with connected(place) as other:
            assert other.recv(100).startswith(b"HTTP/1.1 503 ")


def test_a_log_has_so_many_lines(caplog):
    logger = logging.getLogger("of the tests")
    few = FewLines(most=2, seconds=0.1)
    logger.addFilter(few)
    for number in range(5):
        logger.error("line %d", number)
    time.sleep(0.15)
    logger.error("line %d", 5)
    logger.removeFilter(few)
    assert caplog.messages == ["line 0", "line 1", "3 lines left out; line 5"]


def test_there_are_files_enough():
    assert most_files() >= 256
