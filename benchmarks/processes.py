"""Programs that are measured: started, watched from outside (/proc), and ended."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

ROOT = Path(__file__).resolve().parent.parent
FIRST_PORT, LAST_PORT = 8000, 8049
START_SECONDS = 120.0
_POLL = 0.01


@dataclass(frozen=True)
class Server:
    """A program that answers at `url`; `started` is when it was asked for (time.perf_counter)."""

    url: str
    process: "subprocess.Popen[bytes]"
    started: float
    answered: float

    @property
    def seconds_to_answer(self) -> float:
        """Return how long it took from the start to the first answer."""
        return self.answered - self.started

    def cpu_seconds(self) -> float:
        """Return the CPU time that the program and its children have taken so far."""
        return sum(map(cpu_seconds, family(self.process.pid)))

    def megabytes(self) -> float:
        """Return the memory of the program and its children: shared pages by their share."""
        return sum(map(megabytes, family(self.process.pid)))


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on.

    Raises:
        RuntimeError: there are not so many.

    >>> len(set(free_ports(2)))
    2
    """
    found: list[int] = []
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if len(found) == count:
            break
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            found.append(port)
    if len(found) < count:
        raise RuntimeError(f"no {count} free ports from {FIRST_PORT} to {LAST_PORT}")
    return found


@contextmanager
def serving(
    command: Sequence[str], variables: Mapping[str, str], port: int, log: Path
) -> Iterator[Server]:
    """Run `python COMMAND` until it answers at `port`; end it, and what it started, after."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TAGIFAI_")}
    environment = {**kept, "PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"}
    started = time.perf_counter()
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**environment, **variables},
            stdout=lines,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}/"
        answered = _wait(url, process, log)
        yield Server(url, process, started, answered)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> float:
    opener = build_opener(ProxyHandler({}))
    until = time.perf_counter() + START_SECONDS
    while time.perf_counter() < until:
        if process.poll() is not None:
            break
        try:
            opener.open(url, timeout=START_SECONDS).close()
        except HTTPError:
            pass  # an answer, if not yet the page
        except (URLError, OSError):
            time.sleep(_POLL)
            continue
        return time.perf_counter()
    raise RuntimeError(f"{url} never answered:\n{log.read_text('utf-8', 'replace')[-3000:]}")


def family(pid: int) -> list[int]:
    """List a process and all that came of it."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, all threads; 0 where it is gone."""
    # What clock_getcpuclockid(3) gives: /proc/PID/stat counts hundredths of a second only.
    with suppress(OSError):
        return time.clock_gettime((~pid << 3) | 2)
    return 0.0


def megabytes(pid: int) -> float:
    """Return the memory that a process holds, pages shared with others by their share."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def load_average() -> float:
    """Return the load of the last minute."""
    return os.getloadavg()[0]


def describe_machine() -> dict[str, Any]:
    """Return what the machine is, as far as it matters to speed."""
    import platform
    from importlib.metadata import version
    from importlib.util import find_spec

    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    packages = ("gradio", "streamlit", "numpy", "pandas", "matplotlib")
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages if find_spec(name)},
    }
