"""Run the program as its users do, and wait until it answers."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

ROOT = Path(__file__).parents[1]
START_SECONDS = 180


@dataclass(frozen=True)
class Running:
    """A server that runs: its address, and the lines that it printed, as they come."""

    url: str
    said: deque[str]
    process: subprocess.Popen[str]

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
    *words: object, variables: Mapping[str, str] | None = None, port: int = 0
) -> Iterator[Running]:
    """Run `python WORDS --port …` until it answers; stop it in the end."""
    port = port or free_port()
    command = [sys.executable, *map(str, words), "--port", str(port)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TAGIFAI_")}
    process = subprocess.Popen(
        command, cwd=ROOT, env={**environment, **(variables or {})}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    said: deque[str] = deque(maxlen=40)
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
            process.wait()
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
            pytest.fail(f"it ended with {server.process.returncode}: {''.join(server.said)}")
    pytest.fail(f"no answer within {START_SECONDS} s: {''.join(server.said)}")
