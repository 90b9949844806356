"""What every journey does on the page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

TABS = {
    "Data": "#projects-table tbody tr",
    "Performance": "#tag-diffs tbody tr",
    "Inference": "#inference-tags tbody tr",
    "Inspection": "#tag-metrics tbody tr",
}


def open_tab(page: Any, name: str) -> None:
    """Choose a tab and wait for what it is filled with last."""
    page.get_by_role("tab", name=name).click()
    page.wait_for_selector(TABS[name])


def go_to(page: Any, address: str) -> None:
    """Follow a link to the page that is open already, as going back in the browser does."""
    page.evaluate(
        """address => {
            history.pushState(null, '', address);
            dispatchEvent(new PopStateEvent('popstate'));
        }""",
        address,
    )


def choose(page: Any, dropdown: str, option: str) -> None:
    """Choose from a dropdown, without waiting until the list that opens has come to rest."""
    box = page.locator(f"{dropdown} input")
    box.click()
    page.get_by_role("option", name=option, exact=True).dispatch_event("mousedown")
    # The list hangs at the end of the page, and where many may be chosen it stays until one leaves.
    box.blur()
    page.get_by_role("option").first.wait_for(state="detached")


def options_of(page: Any, dropdown: str) -> list[str]:
    """List what a dropdown offers."""
    box = page.locator(f"{dropdown} input")
    box.click()
    page.get_by_role("option").first.wait_for()
    options = page.get_by_role("option").all()
    names = [option.get_attribute("aria-label") for option in options]
    box.blur()
    page.get_by_role("option").first.wait_for(state="detached")
    return names


def field(page: Any, element: str) -> Any:
    """Find the box that one writes into, or reads from."""
    return page.locator(f"{element} :is(textarea, input)").first


def is_error(message: Any) -> bool:
    # Whoever leaves a page while it waits for an answer aborts that. Gradio tells some of these
    # as errors of the connection, so tests close a page and open another rather than load anew.
    left = ("AbortError", "Unexpected error Connection errored out")
    return message.type == "error" and not message.text.startswith(left)


@contextmanager
def watching(context: Any) -> Iterator[Callable[[str], Any]]:
    """Open pages that are watched: in the end none asked an outside host or logged an error."""
    pages, outside, errors = [], [], []

    def open_watched(url: str) -> Any:
        page = context.new_page()
        pages.append(page)
        root = "/".join(url.split("/")[:3])
        # Browsers look for these at the host's root, whatever the page's path.
        at_root = (f"{root}/manifest.json", f"{root}/favicon.ico", f"{root}/static/img/")
        allowed = (url.split("?")[0], *at_root, "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(allowed) else outside.append(r.url))
        page.on("console", lambda m: errors.append(m.text) if is_error(m) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: (errors.append(dialog.message), dialog.dismiss()))
        page.goto(url)
        return page

    yield open_watched
    for page in pages:
        if not page.is_closed():
            # A view that was escaped twice would be read as text.
            shown = page.locator("body").inner_text()
            assert "<div" not in shown
            assert "<p " not in shown
        page.close()
    assert outside == [], outside
    assert errors == [], errors
