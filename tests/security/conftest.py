import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from security.rows import Row, put_between, write_table
from security.target import Target, copy_corpus, serving

TABLE = pytest.StashKey[list[Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("security")
    group.addoption(
        "--full-security", action="store_true",
        help="attack in the numbers that docs/attacks.md tells, not in a few seconds",
    )  # fmt: skip
    group.addoption("--security-table", type=Path, help="a document to put the table into")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = []


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--full-security", default=False))


@pytest.fixture
def attack(request: pytest.FixtureRequest, full: bool) -> Callable[[Row, Any], None]:
    """Run an attack and keep its row for the table; fail where something should not have been."""

    def run(row: Row, target: Any) -> None:
        if row.slow and not full:
            pytest.skip("takes long: --full-security")
        started = time.perf_counter()
        found = row.measure(target, full)
        seconds = time.perf_counter() - started
        request.config.stash[TABLE].append((row, found, seconds))
        assert found.wrong == (), f"{'; '.join(found.wrong[:5])} ({found.figure})"

    return run


@pytest.fixture(scope="module")
def target(
    small_data: Path, small_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    folder = copy_corpus(small_data, small_models, tmp_path_factory.mktemp("target") / "served")
    with serving(folder) as server:
        yield server


@pytest.fixture(scope="module")
def own(
    small_data: Path, small_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """Serve a page that is its owner's alone."""
    folder = copy_corpus(small_data, small_models, tmp_path_factory.mktemp("own") / "served")
    with serving(folder, login=False) as server:
        yield server


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash[TABLE]
    if not rows or not config.getoption("--full-security", default=False):
        return
    table = write_table(rows)
    terminalreporter.write_line("")
    terminalreporter.write_line(table)
    terminalreporter.write_line("")
    for row, found, seconds in rows:
        terminalreporter.write_line(
            f"{seconds:7.1f} s  {row.name}{'' if found.holds else '  FAILED'}"
        )
    terminalreporter.write_line(f"{sum(seconds for *_, seconds in rows):7.1f} s  in all")
    if path := config.getoption("--security-table", default=None):
        put_between(path, table)
