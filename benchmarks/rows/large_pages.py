"""Large data on the page, beside small data in one run: the first page, slider, search, pages."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import scaled
from benchmarks.apps import OURS, App, address
from benchmarks.bench import Bench
from benchmarks.browser import Watched, new_context
from benchmarks.paired import paired_ratio, rounds, summarize
from benchmarks.processes import Server
from benchmarks.results import Findings
from tagifai.data import count_tags, load_dataset
from tagifai.data.browse import PAGE_SIZE, ProjectIndex

FEW, MANY = (2_032, 60), (1_000_000, 5_000)
QUICK = (20_000, 600)
Times = dict[tuple[int, int], list[float]]
FIRST, SLIDER, SEARCH, PAGE = (
    "large data: start to first page",
    "large data: slider key to lists",
    "large data: search to table",
    "large data: page to table",
)
LIMITS = {FIRST: 2.0, SLIDER: 1.5, SEARCH: 1.5, PAGE: 1.5}
MOST_MB = 2_048.0
QUERIES = ("learning", "data", "deep learning", "graph", "model")
_COUNT = "#projects-table [data-count]"
READERS = {
    "shown": f"document.querySelector('{_COUNT}')?.innerText.replace(/.*; /, '')",
    "searched": f"/match/.test(document.querySelector('{_COUNT}')?.innerText) && "
    f"document.querySelector('{_COUNT}').dataset.count",
    "charts": "document.querySelectorAll('#tag-distribution svg title').length > 0",
    "least": "document.querySelector('#tags-just-made tbody tr:last-child td:last-child')"
    "?.innerText",
    "loaded": "!document.querySelector('#loading p')",
}


@dataclass
class Page:
    """A size's data, its server, and a page of it."""

    size: tuple[int, int]
    server: Server
    watched: Watched
    index: ProjectIndex
    counts: list[int]

    def press(self, number: int) -> float:
        """Move the slider by one with the keyboard, there and back by turns; return the ms."""
        slider = self.watched.page.locator("#min-tag-freq input[type=range]")
        slider.focus()
        now = int(slider.input_value())
        key, step = ("ArrowRight", now + 1) if number % 2 == 0 else ("ArrowLeft", now - 1)
        least = min(count for count in self.counts if count >= step)
        return max(self.watched.press(key, {"least": f"{least:,}"}).values())

    def search(self, query: str) -> float:
        """Search for words; return the ms to the table that says how many match."""
        box = self.watched.page.locator("#projects-search :is(input, textarea)").first
        must = {"searched": str(len(self.index.find(query)))}
        ms = max(self.watched.do("input", lambda: box.fill(query), must).values())
        box.fill("")
        self.watched.wait({"shown": f"page 1 of {self.num_pages:,}"})
        return ms

    def turn(self, number: int) -> float:
        """Turn to a page; return the ms."""
        box = self.watched.page.locator("#projects-page input")
        must = {"shown": f"page {number:,} of {self.num_pages:,}"}
        return max(self.watched.do("input", lambda: box.fill(str(number)), must).values())

    @property
    def num_pages(self) -> int:
        """How many pages the table has."""
        return -(-self.size[0] // PAGE_SIZE)


def measure(bench: Bench) -> Findings:
    """Start both by turns; then press, search and turn pages in both by turns."""
    found = Findings()
    sizes = (FEW, QUICK if bench.quick else MANY)
    folders = {size: _write(bench, size) for size in sizes}
    first: Times = defaultdict(list)
    for _ in range(bench.few):
        for size in sizes:
            with ExitStack() as stack:
                first[size].append(_open(bench, size, folders[size], stack)[0])
    _note(found, FIRST, first, "s")
    with ExitStack() as stack:
        pages = [_open(bench, size, folders[size], stack)[1] for size in sizes]
        for one in pages:
            one.watched.wait({"loaded": True})
        for work, times in _act(bench, pages).items():
            _note(found, work, times, "ms")
        large = pages[-1]
        peak = large.server.megabytes()
        found.claim("large data: memory of the app", large.size[0], "MB", peak, MOST_MB, "MB")
    return found


def _write(bench: Bench, size: tuple[int, int]) -> Path:
    folder = bench.scratch / f"pages-{size[0]}-{size[1]}"
    if folder.exists():
        return folder
    return scaled.write_data(scaled.plan(bench.real, *size), folder, split=False)


def _open(bench: Bench, size: tuple[int, int], data: Path, stack: ExitStack) -> tuple[float, Page]:
    """Start the app and open its page; return the seconds to the first page, and the page."""
    models = bench.scratch / "no-models"
    models.mkdir(exist_ok=True)
    dataset = load_dataset(data)
    counts = sorted(count_tags(dataset.projects).values())
    at = next(count for count in counts if count >= 30)  # one more leaves out a tag
    watched = Watched(stack.enter_context(_context(bench.browser)).new_page(), READERS)
    start = time.perf_counter()
    server = stack.enter_context(App(OURS, data, models, bench.scratch).running())
    pages = -(-size[0] // PAGE_SIZE)
    watched.open(address(server.url, at), {"charts": True, "shown": f"page 1 of {pages:,}"})
    seconds = time.perf_counter() - start
    return seconds, Page(size, server, watched, ProjectIndex(dataset.projects), counts)


@contextmanager
def _context(browser: Any) -> Iterator[Any]:
    opened = new_context(browser)
    yield opened
    opened.close()


def _act(bench: Bench, pages: Sequence[Page]) -> dict[str, Times]:
    """Press, search and turn pages in both by turns; return the ms of each."""
    found: dict[str, Times] = {work: defaultdict(list) for work in (SLIDER, SEARCH, PAGE)}
    for number in range(bench.steps):
        for order in rounds([str(place) for place in range(len(pages))], 1):
            for place in map(int, order):
                page = pages[place]
                found[SLIDER][page.size].append(page.press(number))
                found[SEARCH][page.size].append(page.search(QUERIES[number % len(QUERIES)]))
                found[PAGE][page.size].append(page.turn(number % 30 + 2))
    return found


def _note(found: Findings, work: str, times: Times, unit: str) -> None:
    """Note how long it took at both sizes, and how many times as long at the larger one."""
    (few, small), (many, large) = sorted(times.items())
    for size, values in times.items():
        found.add(f"{work}, {size[1]:,} tags", size[0], OURS, summarize(values), unit)
    what = f"to {few[0]:,} projects and {few[1]:,} tags"
    found.claim(work, many[0], what, paired_ratio(large, small), LIMITS[work])
