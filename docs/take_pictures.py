"""Take the documentation's picture of each tab: start the app, open it in Chromium, look.

`python docs/take_pictures.py [--url URL] [--data DIR] [--models SOURCE]`; with `--url` an app that
already runs is pictured.
"""

import argparse
import io
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTH = 1280
MAX_BYTES = 250_000
WAIT_MS = 120_000
# What a tab is filled with last, and how much of it the picture shows, in pixels.
TABS = {
    "Data": ("#projects-table tbody tr", 1240),
    "Performance": ("#tag-diffs tbody tr", 1560),
    "Inference": ("#inference-tags tbody tr", 900),
    "Inspection": ("#tag-metrics tbody tr", 1240),
}


@contextmanager
def running_app(data: str, models: str) -> Iterator[str]:
    """Start the app on a free port, wait until it answers, and stop it in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as cache:
        command = [
            sys.executable,
            "gradio_app.py",
            "--no-token",
            "--data",
            data,
            "--models",
            models,
        ]
        command += ["--port", str(port), "--cache-dir", cache]
        app = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - this repository's own program
        try:
            wait_until_open(port, app)
            yield f"http://127.0.0.1:{port}/"
        finally:
            app.terminate()
            app.wait()


def wait_until_open(port: int, app: subprocess.Popen[Any]) -> None:
    """Wait until something listens on the port; give up where the app has ended."""
    for _ in range(600):
        if app.poll() is not None:
            sys.exit(f"the app ended with {app.returncode}")
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    sys.exit("the app did not open its port")


def take_picture(page: Page, tab: str) -> bytes:
    """Open a tab, wait until it is filled, and return its picture as PNG."""
    filled, height = TABS[tab]
    page.get_by_role("tab", name=tab, exact=True).click()
    page.wait_for_selector(filled)
    page.mouse.move(0, 0)
    page.wait_for_timeout(3000)  # the last charts come in, and no bar of progress is left
    shown = page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(height, shown)}
    return page.screenshot(full_page=True, clip=clip)


def packed(png: bytes) -> bytes:
    """Make a PNG of at most 256 colours, which flat pages hardly show."""
    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    written = io.BytesIO()
    small.save(written, "PNG", optimize=True)
    return written.getvalue()


def main() -> None:
    """Write docs/pictures/<tab>.png for each tab."""
    parser = argparse.ArgumentParser(description="Take the documentation's picture of each tab.")
    parser.add_argument("--url", help="an app that runs already")
    parser.add_argument("--data", default="data")
    parser.add_argument("--models", default="model")
    options = parser.parse_args()
    if options.url:
        take_pictures(options.url)
    else:
        with running_app(options.data, options.models) as url:
            take_pictures(url)


def take_pictures(url: str) -> None:
    """Picture each tab of the app at `url`."""
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{url}?__theme=light")
        for tab in TABS:
            content = packed(take_picture(page, tab))
            if len(content) > MAX_BYTES:
                sys.exit(f"{tab}: {len(content):,} bytes; at most {MAX_BYTES:,} are kept")
            (PICTURES / f"{tab.lower()}.png").write_bytes(content)
        browser.close()


if __name__ == "__main__":
    main()
