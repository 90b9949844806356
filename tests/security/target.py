"""A server to attack, started as its users start it, and what a stranger can send it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from servers import ROOT, free_port

START_SECONDS = 600
REVIEWER, VISITOR = ("ann", "correct horse battery"), ("eve", "staple of a stranger")
VICTIM = ("victim", "the right one, at last")


@dataclass
class Answer:
    """What became of a call: its HTTP status, its data, the message of its error."""

    status: int
    data: Any = None
    error: str = ""
    seconds: float = 0.0

    @property
    def fine(self) -> bool:
        return self.status == 200 and not self.error


@dataclass
class Target:
    """A running server, and the folder that all its files are in."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    _cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def models(self) -> Path:
        return self.folder / "model"

    @property
    def reviews(self) -> Path:
        return self.folder / "reviews.sqlite"

    def said(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def tracebacks(self) -> int:
        return self.said().count("Traceback (most recent call last)")

    def memory(self) -> float:
        """Return what the server holds in memory, in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("the server is gone")

    def written(self) -> dict[str, str]:
        """Digest every file that writes would change."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for place in (self.data, self.models)
            for path in sorted(place.rglob("*"))
            if path.is_file()
        } | ({"reviews": str(self.count_reviews())} if self.reviews.exists() else {})

    def count_reviews(self) -> int:
        from tagifai.reviews import ReviewStore

        if not self.reviews.exists():
            return 0
        store = ReviewStore(self.reviews, journal="delete")
        try:
            return len(store.events())
        finally:
            store.close()

    def cookies(self, who: tuple[str, str] | None) -> dict[str, str]:
        """Log somebody in, once."""
        if who is None:
            return {}
        if who[0] not in self._cookies:
            with httpx.Client(base_url=self.url, timeout=300) as client:
                form = {"username": who[0], "password": who[1]}
                client.post("/login", data=form).raise_for_status()
                self._cookies[who[0]] = dict(client.cookies)
        return self._cookies[who[0]]

    @contextmanager
    def visit(
        self, who: tuple[str, str] | None = VISITOR, headers: Mapping[str, str] | None = None
    ) -> Iterator["Visitor"]:
        """Come as somebody, from a page or a program that sends `headers`."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies(who).items())
        sent = {**(headers or {}), **({"cookie": cookies} if cookies else {})}
        with httpx.Client(base_url=self.url, timeout=300, headers=sent) as client:
            yield Visitor(self, client)

    @cached_property
    def config(self) -> dict[str, Any]:
        with self.visit() as visitor:
            found: dict[str, Any] = visitor.client.get("/config").raise_for_status().json()
        return found

    def functions(self, name: str, reads: str = "") -> list[dict[str, Any]]:
        """Find the page's functions by the name of their handler, and by a field that they read."""
        return [
            function
            for function in self.config["dependencies"]
            if function["backend_fn"]
            and function["api_name"].rstrip("0123456789_") == name
            and (not reads or reads in map(self.label, function["inputs"]))
        ]

    @cached_property
    def projects(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.data / "projects.json").read_text())
        return found

    def start_values(self, function: dict[str, Any]) -> list[Any]:
        """Return what the page sends for a function's inputs when it has just been opened."""
        by_id = {component["id"]: component for component in self.config["components"]}
        return [by_id[one]["props"].get("value") for one in function["inputs"]]

    @cached_property
    def opened(self) -> str:
        """Name a session with every tab opened."""
        return self.open_tabs()

    def open_tabs(self) -> str:
        """Open every tab as the page does, and name the session whose lists are filled then."""
        with self.visit() as visitor:
            for name in ("fill", "open_tab"):
                for function in self.functions(name):
                    answer = visitor.join(function["id"], *self.start_values(function))
                    if not answer.fine:
                        raise AssertionError(f"{name} failed: {answer.status} {answer.error}")
            return visitor.session

    def label(self, component: int) -> str:
        one = next(c for c in self.config["components"] if c["id"] == component)
        return str(one["props"].get("elem_id") or one["props"].get("label") or one["type"])


class Visitor:
    """Somebody who calls functions, as the page does or past it."""

    def __init__(self, target: Target, client: httpx.Client) -> None:
        self.target = target
        self.client = client
        self.session = uuid.uuid4().hex[:12]

    def call(self, endpoint: str, *data: Any) -> Answer:
        """Call a public endpoint, in the queue."""
        started = time.perf_counter()
        made = self.client.post(f"/gradio_api/call/{endpoint}", json={"data": list(data)})
        if made.status_code != 200:
            return Answer(made.status_code, error=made.text, seconds=time.perf_counter() - started)
        return self.hear(made.json()["event_id"], endpoint, started)

    def hear(self, event: str, endpoint: str, started: float) -> Answer:
        with self.client.stream("GET", f"/gradio_api/call/{endpoint}/{event}") as stream:
            kind = ""
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: ") and kind in ("complete", "error"):
                    found = json.loads(line[6:])
                    seconds = time.perf_counter() - started
                    if kind == "complete":
                        return Answer(200, found, seconds=seconds)
                    return Answer(200, error=str((found or {}).get("error")), seconds=seconds)
        return Answer(stream.status_code, error="no answer", seconds=time.perf_counter() - started)

    def run(self, function: int, *data: Any, **more: Any) -> Answer:
        """Run one of the page's functions past the queue, as the page does with quick ones."""
        started = time.perf_counter()
        body = {"data": list(data), "fn_index": function, "session_hash": self.session}
        made = self.client.post("/gradio_api/run/predict", json={**body, **more})
        seconds = time.perf_counter() - started
        try:
            told = made.json()
        except ValueError:
            return Answer(made.status_code, error=made.text[:200], seconds=seconds)
        if made.status_code != 200:
            error = told.get("error") or told.get("detail") or "error"
            return Answer(made.status_code, error=str(error), seconds=seconds)
        return Answer(200, told.get("data"), seconds=seconds)

    def join(self, function: int, *data: Any, **more: Any) -> Answer:
        """Run one of the page's functions in the queue, as the page does with slow ones."""
        started = time.perf_counter()
        body = {"data": list(data), "fn_index": function, "session_hash": self.session, **more}
        made = self.client.post("/gradio_api/queue/join", json=body)
        if made.status_code != 200:
            return Answer(made.status_code, error=made.text, seconds=time.perf_counter() - started)
        path = f"/gradio_api/queue/data?session_hash={body['session_hash']}"
        with self.client.stream("GET", path) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data: "):
                    continue
                message = json.loads(line[6:])
                if message["msg"] == "process_completed":
                    output, seconds = message["output"], time.perf_counter() - started
                    if message["success"]:
                        return Answer(200, output.get("data"), seconds=seconds)
                    return Answer(200, error=str(output.get("error") or "error"), seconds=seconds)
        return Answer(stream.status_code, error="no answer", seconds=time.perf_counter() - started)


@contextmanager
def serving(
    folder: Path,
    *flags: object,
    port: int = 0,
    login: bool = True,
    program: tuple[str, ...] = ("gradio_app.py",),
) -> Iterator[Target]:
    """Serve the data and versions of `folder` until the block ends, to visitors who log in.

    `ann` is a reviewer, `eve` may only look. Without a login it is the page of who started it.
    """
    from tagifai.services.users import set_password

    users = folder / "users.json"
    if login:
        for name, password in (REVIEWER, VISITOR, VICTIM):
            set_password(users, name, password)
        flags = ("--auth-file", users, "--reviewers", REVIEWER[0], *flags)
    port = port or free_port()
    command = [
        sys.executable, *program, "--data", folder / "data", "--models", folder / "model",
        "--cache-dir", folder / "cache", "--reviews", folder / "reviews.sqlite",
        "--port", port, *flags,
    ]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TAGIFAI_")}
    environment |= {"GRADIO_TEMP_DIR": str(folder / "uploads"), "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        _bound_files(process.pid)
        target = Target(f"http://127.0.0.1:{port}", folder, process)
        try:
            _wait(target)
            yield target
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _bound_files(pid: int) -> None:
    """Let the server have 1,024 files open, as on most systems."""
    try:
        import resource
    except ImportError:
        return
    if hasattr(resource, "prlimit"):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (1_024, 1_024))


def copy_corpus(data: Path, models: Path, folder: Path) -> Path:
    """Return a server files of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(data, folder / "data")
    shutil.copytree(models, folder / "model")
    return folder


def _wait(target: Target) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if target.process.poll() is not None:
            break
        try:
            httpx.get(f"{target.url}/health", timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"no answer: {target.said()[-2000:]}")
