"""Chromium, driven by keys; the page takes the time from a key to the frame with its answer."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]
WAIT_MS = 120_000
SCRIPT = Path(__file__).with_name("watching.js")
Expected = Mapping[str, Any]


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the system's Chromium."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("benchmarks: no chromium on the PATH (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def new_context(browser: Any) -> Any:
    """Open a browser's session of its own, nothing cached, that can watch its pages."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(WAIT_MS)
    context.add_init_script(path=SCRIPT)
    return context


class Watched:
    """A page whose parts are read by `readers`: JavaScript expressions, by the parts' names."""

    def __init__(self, page: Any, readers: Mapping[str, str]) -> None:
        self.page = page
        self.readers = readers

    def read(self, part: str) -> Any:
        """Read a part as it is shown now."""
        return self.page.evaluate(f"() => {self.readers[part]}")

    def open(self, url: str, expected: Expected) -> dict[str, float]:
        """Go to an address; give the ms from there until each part first shows what it must.

        Raises:
            TimeoutError: some part never does.
        """
        watch = self._watch(expected, "")
        self.page.add_init_script(f"window.bench.open({watch})")
        self.page.goto(url, wait_until="commit")
        return self._times()

    def press(self, key: str, expected: Expected) -> dict[str, float]:
        """Press a key; give the ms from it until each part first shows what it must.

        Raises:
            TimeoutError: some part never does.
            ValueError: some part shows it before the key is pressed, so nothing could be seen.
        """
        return self.do("keydown", lambda: self.page.keyboard.press(key), expected)

    def do(self, event: str, act: Callable[[], Any], expected: Expected) -> dict[str, float]:
        """Do something that fires `event`; give the ms from it as `press` does.

        Raises:
            TimeoutError, ValueError: as `press`.
        """
        self.page.evaluate(f"() => window.bench.arm({self._watch(expected, event)})")
        act()
        return self._times()

    def wait(self, expected: Expected) -> None:
        """Wait until each part shows what it must.

        Raises:
            TimeoutError: some part never does.
        """
        self.page.evaluate(f"() => window.bench.arm({self._watch(expected, '')})")
        self._times()

    def _watch(self, expected: Expected, event: str) -> str:
        parts = ", ".join(
            f"{name}: [() => {self.readers[name]}, {_as_script(_as_script(value))}]"
            for name, value in expected.items()
        )
        return f"{{event: {event!r}, limit: {WAIT_MS}, parts: {{{parts}}}}}"

    def _times(self) -> dict[str, float]:
        found = self.page.evaluate("() => window.bench.done")
        if "early" in found:
            raise ValueError(f"shown before the key: {found['early']}")
        if "missing" in found:
            raise TimeoutError(f"{self.page.url} never showed what it must:\n{found['missing']}")
        times: dict[str, float] = found["times"]
        return times


def _as_script(value: Any) -> str:
    return orjson.dumps(value).decode()
