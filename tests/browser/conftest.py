from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import browser_corpus
import pytest
from _pytest.runner import runtestprotocol
from chromium import launched
from pages import watching
from servers import running

Serve = Callable[..., AbstractContextManager[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all pages that may know what the one before has loaded."""
    with launched(tmp_path_factory.mktemp("chromium") / "profile") as opened:
        yield opened


@pytest.fixture(scope="session")
def browser(context: Any) -> Any:
    """Open contexts in it that know nothing yet."""
    return context.browser


@pytest.fixture(scope="session")
def serve() -> Serve:
    return run_app


@contextmanager
def run_app(data: Path, models: Path, cache: Path, *flags: str) -> Iterator[str]:
    """Run the app, whose visitors are all its owner; in the end no handler of it had failed."""
    words = [
        "gradio_app.py",
        "--data",
        data,
        "--models",
        models,
        "--cache-dir",
        cache,
        "--no-token",
    ]
    with running(*words, *flags) as server:
        yield server.url
    said = "".join(server.said)
    assert "Traceback" not in said, said


@pytest.fixture(scope="session")
def corpus(context: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    browser_corpus.write_data(folder / "data")
    browser_corpus.write_versions(folder / "data", folder / "model")
    return folder


@pytest.fixture(scope="session")
def app_url(corpus: Path) -> Iterator[str]:
    with run_app(corpus / "data", corpus / "model", corpus / "cache") as url:
        yield url


@pytest.fixture
def open_page(context: Any) -> Iterator[Callable[[str], Any]]:
    with watching(context) as open_watched:
        yield open_watched


@pytest.fixture(scope="module")
def shared_page(context: Any, app_url: str) -> Iterator[Any]:
    """One page for a module's tests, each of which sets what it needs: pages take seconds."""
    with watching(context) as open_watched:
        yield open_watched(app_url)


@pytest.fixture
def page(open_page: Callable[..., Any], app_url: str) -> Any:
    return open_page(app_url)


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a browser test that failed once more, and say so: a busy machine makes a page late."""
    if "browser" not in item.path.parts:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed for report in reports):
        first = next(report for report in reports if report.failed)
        message = str(first.longrepr).strip().splitlines()[-1]
        item.warn(pytest.PytestWarning(f"failed once, and ran again: {message}"))
        # With new pages: what the first run left on a shared one would fail the second.
        item.session._setupstate.teardown_exact(None)
        item._initrequest()  # type: ignore[attr-defined]
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
