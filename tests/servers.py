"""Run the program as its users do, and wait until it answers."""

import atexit
import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TextIO
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

ROOT = Path(__file__).parents[1]
WARM = Path(__file__).with_name("warm.py")
CAN_FORK = hasattr(os, "pidfd_open")  # Linux
START_SECONDS = 180


class Forked:
    """A server forked by `warm.py`, with as much of `Popen` as is used here."""

    def __init__(self, words: list[str], variables: Mapping[str, str]) -> None:
        reads, prints = os.pipe()
        self.stdout: TextIO = os.fdopen(reads)
        paths = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        socket.send_fds(warm(), [json.dumps([words, {**paths, **variables}]).encode()], [prints])
        os.close(prints)
        answer, (self._ended, *_), _, _ = socket.recv_fds(warm(), 100, 1)
        self.pid = int(answer)

    def wait(self, seconds: float) -> None:
        if not select.select([self._ended], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), seconds)

    def terminate(self) -> None:
        signal.pidfd_send_signal(self._ended, signal.SIGTERM)

    def kill(self) -> None:
        signal.pidfd_send_signal(self._ended, signal.SIGKILL)


@cache
def warm() -> socket.socket:
    """Connect to the process that forks servers, started by whichever test process comes first."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    path = Path(tempfile.gettempdir()) / f"tagifai-{run[:16]}.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(path))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            listener.listen()
            process = subprocess.Popen(
                [sys.executable, WARM, str(listener.fileno())],
                cwd=ROOT, env=environment({}), pass_fds=[listener.fileno()],
            )  # fmt: skip
            # It ends with the last of those who are connected.
            atexit.register(lambda: (process.wait(), path.unlink()))
    orders = socket.socket(socket.AF_UNIX)
    while orders.connect_ex(str(path)):  # bound, and does not listen yet
        time.sleep(0.01)
    atexit.register(orders.close)
    return orders


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("TAGIFAI_")}
    return {**own, **variables}


@dataclass(frozen=True)
class Running:
    """A server that runs: its address, and the lines that it printed, as they come."""

    url: str
    said: deque[str]
    process: subprocess.Popen[str] | Forked

    def wait_to_say(self, text: str, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not any(text in line for line in [*self.said]):
            assert time.monotonic() < until, f"never said {text!r}: {''.join(self.said)}"
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(
    *words: object,
    variables: Mapping[str, str] | None = None,
    port: int = 0,
    fresh: bool = False,
) -> Iterator[Running]:
    """Run `python WORDS --port …` until it answers; stop it in the end.

    It is forked from a process that has imported all it needs. Where that is not the same, as
    with variables that are read on import, ask for a `fresh` one.
    """
    port = port or free_port()
    command = [*map(str, words), "--port", str(port)]
    if CAN_FORK and not fresh:
        process: subprocess.Popen[str] | Forked = Forked(command, variables or {})
    else:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment(variables or {}), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    assert process.stdout is not None
    said: deque[str] = deque(maxlen=1000)
    reader = threading.Thread(target=said.extend, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        server = Running(f"http://127.0.0.1:{port}/", said, process)
        wait_until_it_answers(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        reader.join(5)


def wait_until_it_answers(server: Running) -> None:
    opener = build_opener(ProxyHandler({}))
    for _ in range(START_SECONDS * 5):
        try:
            opener.open(f"{server.url}health", timeout=5).close()
            return
        except (URLError, OSError):
            try:
                server.process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"it ended: {''.join(server.said)}")
    pytest.fail(f"no answer within {START_SECONDS} s: {''.join(server.said)}")
