"""Start the browser that browser tests drive, or say why there is none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WAIT_MS = 20_000
VIEWPORT = {"width": 1280, "height": 900}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",
]
SITE = "http://127.0.0.1/"


@contextmanager
def launched(profile: Path) -> Iterator[Any]:
    """Run Chromium through Playwright; skip the test where either is missing.

    Gives the context that keeps its profile in a folder: there a page's scripts stay compiled
    for the next one, which takes a third off its work. Its `browser` opens others, which know
    nothing yet.
    """
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        unavailable("playwright is not installed (requirements-dev.txt)")
    chromium = shutil.which("chromium")
    if chromium is None:
        unavailable("no chromium on the PATH (apt-get install chromium)")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=FLAGS, viewport=VIEWPORT
        )
        context.set_default_timeout(WAIT_MS)
        stay_open(context.pages[0])
        yield context
        context.close()


def stay_open(page: Any) -> None:
    """Keep the process of this machine's pages running, whose scripts are ready in its memory.

    That takes another third off the work of the next page. Nothing listens there, nor is asked.
    """
    page.route(SITE, lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto(SITE)


def unavailable(reason: str) -> None:
    if os.environ.get("TAGIFAI_REQUIRE_BROWSER") == "1":
        pytest.fail(f"TAGIFAI_REQUIRE_BROWSER=1, and {reason}")
    pytest.skip(reason)
