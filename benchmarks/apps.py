"""The measured apps: how each is started, where its parts stand on the page, how they must read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.counted import Rows, Shown
from benchmarks.processes import Server, free_ports, serving

OURS, PLAIN, TUNED, FLOOR = "tagifai", "Streamlit, plain", "Streamlit, tuned", "empty handler"
PEERS = Path("benchmarks/peers")
_STREAMLIT = [
    "--server.headless=true",
    "--server.address=127.0.0.1",
    "--server.fileWatcherType=none",
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
]


@dataclass(frozen=True)
class App:
    """One of the measured, on one data folder (and model folder)."""

    who: str
    data: Path
    models: Path
    scratch: Path

    @contextmanager
    def running(self, port: int = 0) -> Iterator[Server]:
        """Run the app until it answers, at a free port where none is given; end it after."""
        port = port or free_ports(1)[0]
        log = self.scratch / f"{self.who.replace(', ', '-').replace(' ', '-')}-{port}.log"
        variables = {"BENCH_DATA": str(self.data), "BENCH_PORT": str(port)}
        with serving(self._command(port), variables, port, log) as server:
            yield server

    def _command(self, port: int) -> list[str]:
        if self.who == OURS:
            return [
                "gradio_app.py",
                "--no-token",
                "--port",
                str(port),
                "--data",
                str(self.data),
                "--models",
                str(self.models),
                "--cache-dir",
                str(self.scratch / "cache"),
                "--reviews",
                str(self.scratch / "reviews.sqlite"),
            ]
        if self.who == FLOOR:
            return [str(PEERS / "empty.py"), "--handler"]
        script = PEERS / ("plain.py" if self.who == PLAIN else "tuned.py")
        return ["-m", "streamlit", "run", str(script), f"--server.port={port}", *_STREAMLIT]


@contextmanager
def empty_tab(scratch: Path) -> Iterator[Server]:
    """Run a Gradio app with one empty tab until it answers; end it after."""
    (port,) = free_ports(1)
    variables = {"BENCH_PORT": str(port)}
    command = [str(PEERS / "empty.py")]
    with serving(command, variables, port, scratch / f"empty-{port}.log") as server:
        yield server


def address(url: str, frequency: int) -> str:
    """Return the address of the Data tab with its slider at `frequency`."""
    return f"{url}?tab=data&min_tag_freq={frequency}"


_ROWS = "[...document.querySelectorAll({rows!r})].map(row => [...row.cells].map(c => c.innerText))"
_TITLES = "[...document.querySelectorAll({titles!r})].map(title => title.textContent)"


def readers(who: str) -> dict[str, str]:
    """Return the expressions that read the parts of an app's Data tab."""
    if who == FLOOR:
        return {"number": "document.querySelector('#floor-shown b')?.textContent"}
    if who == OURS:
        lists = [f"#tags-{name} tbody tr" for name in ("most-common", "just-made", "just-missed")]
        text = "document.querySelector('#preprocess-output textarea')?.value"
        return {
            "slider": "document.querySelector('#min-tag-freq input[type=range]')?.disabled",
            "lists": f"[{', '.join(_ROWS.format(rows=rows) for rows in lists)}]",
            "plots": _titles("#tag-distribution", "#tags-per-project"),
            "table": "document.querySelector('#projects-table [data-count]')?.innerText",
            "rows": "document.querySelectorAll('#projects-table tbody tr').length",
            "output": text,
        }
    tables = "[...document.querySelectorAll('[data-testid=stTable]')].slice(0, 3)"
    cells = "[...table.querySelectorAll('tbody tr')].map(r => [...r.cells].map(c => c.innerText))"
    return {
        "slider": "document.querySelector('[data-testid=stSlider] input')?.disabled",
        "lists": f"{tables}.map(table => {cells})",
        "plots": f"[{_image('tag-distribution')}, {_image('tags-per-project')}]",
        "table": "document.querySelector("
        "'.st-key-projects-table [data-testid=stCaptionContainer]')?.innerText",
        "rows": "document.querySelectorAll('.st-key-projects-table canvas').length > 0",
        "output": "document.querySelector("
        "'.st-key-preprocess-output [data-testid=stText]')?.innerText",
    }


def expected(who: str, shown: Shown, num_projects: int) -> dict[str, Any]:
    """Return how the parts of an app's Data tab must read at one frequency."""
    lists = [_texts(who, rows) for rows in (shown.most_common, shown.just_made, shown.just_missed)]
    pages = -(-num_projects // 50)
    return {
        "slider": False,
        "lists": lists,
        "plots": expected_plots(who, shown),
        "table": f"{num_projects:,} projects; page 1 of {pages:,}",
        "rows": 50 if who == OURS else True,
    }


def expected_plots(who: str, shown: Shown) -> list[Any]:
    """Return how the two plots must read: their bars, with names where the page has them."""
    if who != OURS:
        heights = [[n for _, n in shown.kept], [n for _, n in shown.tags_per_project]]
        return [", ".join(map(str, bars)) for bars in heights]
    return [
        [f"{tag}: {count:,} projects" for tag, count in shown.kept[:120]],
        [f"{number} tags: {count:,} projects" for number, count in shown.tags_per_project],
    ]


def _texts(who: str, rows: Rows) -> list[list[str]]:
    return [[tag, f"{count:,}" if who == OURS else str(count)] for tag, count in rows]


def _titles(*places: str) -> str:
    return f"[{', '.join(_TITLES.format(titles=f'{place} svg title') for place in places)}]"


def _image(place: str) -> str:
    box = f"document.querySelector('.st-key-{place}')"
    drawn = f"{box}.querySelector('img').complete && {box}.querySelector('img').naturalWidth"
    return f"({drawn} && {box}.querySelector('[data-testid=stCaptionContainer]').innerText)"
