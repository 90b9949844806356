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
from benchmarks.processes import Server, free_ports

SETTLE = 0.05
# What follows an answer is waited for before the next step, unless it takes longer than this.
REST_SECONDS, LOOK_SECONDS, IDLE_SHARE = 2.0, 0.02, 0.2
LINE_SECONDS = 0.5
STARTED_AT_ONCE = 2
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
        """Return how the page must read at `frequency` (0), or one project more (1)."""
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
        """Return one site, with its page open."""
        return self.open([which])[0]

    def of(self, *whose: str) -> list[Site]:
        """Return the sites of some of the measured, on each size of data; the floor's on one."""
        sizes = {who: (SMALL,) if who == FLOOR else self.bench.times for who in whose}
        return self.open([(who, times) for who in whose for times in sizes[who]])

    def open(self, wanted: Sequence[tuple[str, int]]) -> list[Site]:
        """Return sites with their pages open; their servers are started beside each other."""
        missing = [which for which in wanted if which not in self.found]
        # Ours loads its data once it is started, the largest longest: first started, last opened.
        missing.sort(key=lambda which: (which[0] == OURS, which[1]))
        apps = [self.bench.app(*which) for which in missing]
        with ThreadPoolExecutor(STARTED_AT_ONCE) as pool:
            servers = [
                pool.submit(self.stack.enter_context, app.running(port))
                for app, port in zip(apps[::-1], free_ports(len(apps)), strict=True)
            ][::-1]
            for which, app, server in zip(missing, apps, servers, strict=True):
                self.found[which] = _open(self.bench, self.stack, app, which[1], server.result())
        return [self.found[which] for which in wanted]


@contextmanager
def open_sites(bench: Bench) -> Iterator[Sites]:
    """Let rows have the measured run on the sizes of data that they ask for; end all after."""
    with ExitStack() as stack:
        yield Sites(bench, stack)


def _open(bench: Bench, stack: ExitStack, app: App, times: int, server: Server) -> Site:
    bench.say(f"opening {app.who} on {bench.size(times):,} projects")
    counts = bench.counts(times)
    frequency = counts.boundary(30 * times)
    context = new_context(bench.browser)
    stack.callback(context.close)
    site = Site(
        app,
        times,
        server,
        Watched(context.new_page(), readers(app.who)),
        frequency,
        (counts.at(frequency), counts.at(frequency + 1)),
    )
    site.watched.open(site.url, site.expected(0, bench.size(times)))
    if app.who == OURS:
        _wait_until_loaded(site.watched.page)
    return site


def _wait_until_loaded(page: Any) -> None:
    # Models are loaded after the page is usable: a line that comes a moment later says so.
    time.sleep(LINE_SECONDS)
    page.wait_for_function("!document.querySelector('#loading').innerText.trim()", timeout=WAIT_MS)


def rest(server: Server) -> None:
    """Wait until a server has done what it does after it answered."""
    spent, until = server.cpu_seconds(), time.perf_counter() + REST_SECONDS
    while time.perf_counter() < until:
        time.sleep(LOOK_SECONDS)
        before, spent = spent, server.cpu_seconds()
        if spent - before < IDLE_SHARE * LOOK_SECONDS:
            return


def cpu_ms(server: Server, before: float) -> float:
    """Return the server's CPU time since `before`, once what it still does is done."""
    time.sleep(SETTLE)
    return 1000 * (server.cpu_seconds() - before)
