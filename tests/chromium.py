"""Start the browser that browser tests drive, or say why there is none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

WAIT_MS = 20_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launched() -> Iterator[Any]:
    """Run Chromium through Playwright; skip the test where either is missing."""
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        unavailable("playwright is not installed (requirements-dev.txt)")
    chromium = shutil.which("chromium")
    if chromium is None:
        unavailable("no chromium on the PATH (apt-get install chromium)")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


def unavailable(reason: str) -> None:
    if os.environ.get("TAGIFAI_REQUIRE_BROWSER") == "1":
        pytest.fail(f"TAGIFAI_REQUIRE_BROWSER=1, and {reason}")
    pytest.skip(reason)
