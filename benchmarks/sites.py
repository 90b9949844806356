"""The apps that run side by side, each with a page open: keys are pressed in them by turns."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.apps import FLOOR, OURS, PLAIN, TUNED, App, address, expected, readers
from benchmarks.bench import SMALL, Bench
from benchmarks.browser import WAIT_MS, Watched, new_context
from benchmarks.counted import Shown
from benchmarks.processes import Server

SETTLE = 0.05
# A line on the page says what is still loaded; it comes a moment after the page.
LINE_SECONDS = 0.5
SLIDERS = {
    OURS: "#min-tag-freq input[type=range]",
    FLOOR: "#floor input[type=range]",
    PLAIN: "[data-testid=stSlider] input",
    TUNED: "[data-testid=stSlider] input",
}


@dataclass(frozen=True)
class Site:
    """A running app on the data of `times`, its open page, and what two slider steps must show."""

    app: App
    times: int
    server: Server
    watched: Watched
    frequency: int
    shown: tuple[Shown, Shown]

    @property
    def who(self) -> str:
        """Which of the measured this is."""
        return self.app.who

    @property
    def key(self) -> str:
        """Name the site among all."""
        return f"{self.who} {self.times}"

    @property
    def url(self) -> str:
        """The address of the Data tab with its slider at `frequency`."""
        return address(self.server.url, self.frequency)

    def focus(self, selector: str) -> Any:
        """Bring the page to the front, and the keyboard to a control of it."""
        self.watched.page.bring_to_front()
        control = self.watched.page.locator(selector).first
        control.focus()
        return control

    def expected(self, step: int, num_projects: int) -> dict[str, Any]:
        """Give how the page must read at `frequency` (0), or one project more (1)."""
        if self.who == FLOOR:
            return {"number": str(500 + step)}
        return expected(self.who, self.shown[step], num_projects)


@dataclass(frozen=True)
class Sites:
    """All sites of a run, by who is measured and how large its data is, run when asked for."""

    bench: Bench
    stack: ExitStack
    found: dict[tuple[str, int], Site] = field(default_factory=dict)

    def __getitem__(self, which: tuple[str, int]) -> Site:
        """Give one site, with its page open."""
        self._open([which])
        return self.found[which]

    def of(self, *whose: str) -> list[Site]:
        """Give the sites of some of the measured, on each size of data; the floor's on one."""
        sizes = {who: (SMALL,) if who == FLOOR else self.bench.times for who in whose}
        wanted = [(who, times) for who in whose for times in sizes[who]]
        self._open(wanted)
        return [self.found[which] for which in wanted]

    def _open(self, wanted: Sequence[tuple[str, int]]) -> None:
        # All beside each other: what they load at first takes most of a minute, and counts nowhere.
        new = [which for which in wanted if which not in self.found]
        for who, times in new:
            self.bench.say(f"opening {who} on {self.bench.size(times):,} projects")
        apps = [self.bench.app(*which) for which in new]
        with ThreadPoolExecutor() as threads:
            servers = list(threads.map(lambda app: self.stack.enter_context(app.running()), apps))
        for which, app, server in zip(new, apps, servers, strict=True):
            self.found[which] = self._site(app, which[1], server)
        for which in new:
            self.found[which].watched.wait_for_opened()
        for who, times in new:
            if who == OURS:
                _wait_until_loaded(self.found[who, times].watched.page)

    def _site(self, app: App, times: int, server: Server) -> Site:
        counts = self.bench.counts(times)
        frequency = counts.boundary(30 * times)
        context = new_context(self.bench.browser)
        self.stack.callback(context.close)
        site = Site(
            app, times, server, Watched(context.new_page(), readers(app.who)), frequency,
            (counts.at(frequency), counts.at(frequency + 1)),
        )  # fmt: skip
        site.watched.begin(site.url, site.expected(0, self.bench.size(times)))
        return site


@contextmanager
def open_sites(bench: Bench) -> Iterator[Sites]:
    """Let rows have the measured run on the sizes of data that they ask for; end all after."""
    with ExitStack() as stack:
        yield Sites(bench, stack)


def _wait_until_loaded(page: Any) -> None:
    # Ours loads its models after its page is usable.
    time.sleep(LINE_SECONDS)
    page.wait_for_function("!document.querySelector('#loading').innerText.trim()", timeout=WAIT_MS)


def cpu_ms(server: Server, before: float) -> float:
    """Tell the server's CPU time since `before`, once what it still does is done."""
    time.sleep(SETTLE)
    return 1000 * (server.cpu_seconds() - before)
