"""Twenty people who drag the slider at once, each waiting for one answer before the next step."""

import asyncio
import random
import re
import secrets
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from benchmarks.apps import OURS, TUNED, expected_plots
from benchmarks.bench import SMALL
from benchmarks.counted import PlainCount, Shown
from benchmarks.paired import p95, ratio_of, summarize
from benchmarks.processes import Server
from benchmarks.results import Findings
from benchmarks.sites import Sites

WORK = "20 people dragging the slider"
PEOPLE = 20
Begin = Callable[[], None]
Begun = Callable[[], Awaitable[None]]
LIMIT, CPU_LIMIT = 1 / 8, 10.0
_CELL = re.compile(r'<tr><td>([^<]+)</td><td class="number">([\d,]+)</td></tr>')
_TITLE = re.compile(r"<title>([^<]+)</title>")


def measure(sites: Sites) -> Findings:
    """Drag by turns in ours and in tuned, in parts; each answer must be right for its own step."""
    bench, found = sites.bench, Findings()
    counts = bench.counts(SMALL)
    shown = {frequency: counts.at(frequency) for frequency in range(1, counts.counts[0][1] + 1)}
    times: dict[str, list[float]] = {OURS: [], TUNED: []}
    cpu = dict.fromkeys(times, 0.0)
    seconds = dict.fromkeys(times, 0.0)
    parts = 1 if bench.quick else 2
    for part in range(parts):
        for who, drag in ((OURS, drag_ours), (TUNED, drag_tuned)):
            server = sites[who, SMALL].server
            paths = drags(counts, max(2, bench.steps // 2 // parts), part)
            meter = Meter(server)
            times[who] += run(drag(server.url, paths, shown, meter.start))
            seconds[who] += meter.seconds()
            cpu[who] += 1000 * meter.cpu_seconds()
    for who, values in times.items():
        found.add(WORK, bench.size(SMALL), who, summarize(values), cpu=cpu[who] / len(values))
        found.notes.append(
            f"{WORK}: {who} gave {len(values):,} right answers, "
            f"{len(values) / seconds[who]:.1f} a second"
        )
    ratio = ratio_of(p95, times[OURS], times[TUNED])
    found.claim(WORK, bench.size(SMALL), f"p95 to {TUNED}", ratio, LIMIT)
    ours = cpu[OURS] / len(times[OURS])
    found.claim(WORK, bench.size(SMALL), "server CPU an update", ours, CPU_LIMIT, "ms")
    return found


class Meter:
    """What a server spends from the moment when everybody's session is open."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._begun = self._spent = 0.0

    def start(self) -> None:
        """Begin."""
        self._begun, self._spent = time.perf_counter(), self._server.cpu_seconds()

    def seconds(self) -> float:
        """Return how long ago that was."""
        return time.perf_counter() - self._begun

    def cpu_seconds(self) -> float:
        """Return the CPU time since."""
        return self._server.cpu_seconds() - self._spent


def run(work: Coroutine[Any, Any, list[float]]) -> list[float]:
    """Run asynchronous work in a thread of its own: Playwright keeps a loop running in this."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def drags(counts: PlainCount, steps: int, seed: int) -> list[list[int]]:
    """Return each person a path of `steps` frequencies beside each other, no two alike in a row."""
    chance = random.Random(seed)
    top = counts.counts[4][1]
    starts = [chance.randrange(1, top - steps) for _ in range(PEOPLE)]
    return [list(range(start, start + steps)) for start in starts]


async def drag_ours(
    url: str, paths: list[list[int]], shown: dict[int, Shown], begin: Begin
) -> list[float]:
    """Post each step as the page does.

    What the page draws of a step, its lists and charts, it was sent once; both that and what is
    answered, the tags to choose from, are checked for each step.
    """
    async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as client:
        config = (await client.get("config")).json()
        group = secrets.token_hex(4)
        slider = next(
            c["id"] for c in config["components"] if c["props"].get("elem_id") == "min-tag-freq"
        )
        calls = [d for d in config["dependencies"] if d.get("backend_fn")]
        step = next(d for d in calls if d["inputs"][:1] == [slider])

        async def call(number: int, function: dict[str, Any], data: list[Any]) -> list[Any]:
            body = {
                "data": data,
                "event_data": None,
                "fn_index": function["id"],
                "trigger_id": slider,
                "session_hash": f"{group}{number}",
            }
            answer = await client.post("gradio_api/run/predict", json=body)
            answer.raise_for_status()
            found: list[Any] = answer.json()["data"]
            return found

        async def person(number: int, path: list[int], begun: Begun) -> list[float]:
            times = []
            # A page that drags has been open for a while: the first step opens the session, which
            # remembers that the page has all steps.
            opened = await call(number, step, [path[0], None, None])
            steps = orjson.loads(opened[1])
            await begun()
            for frequency in path:
                start = time.perf_counter()
                answered = await call(number, step, [frequency, None, None])
                times.append(1000 * (time.perf_counter() - start))
                check_drawn(drawn(steps, frequency), shown[frequency])
                check_choices(answered[0]["choices"], shown[frequency])
            return times

        return await _together(person, paths, begin)


def drawn(told: dict[str, Any], step: int) -> list[str]:
    """Join what the page shows at a step, as its script does."""
    page = told["pages"][bisect_left(told["bounds"], step)]
    return ["".join(told["pieces"][number] for number in part) for part in page]


def check_choices(choices: list[list[str]], shown: Shown) -> None:
    """Make sure that the tags to choose from are those of a step.

    Raises:
        ValueError: they are others.
    """
    names = [name for name, _ in choices]
    if names != sorted(name for name, _ in shown.kept):
        raise ValueError(f"other tags than those of the step: {names}")


def check_drawn(parts: list[str], shown: Shown) -> None:
    """Make sure that a page shows the lists and charts of its step.

    Raises:
        ValueError: it shows others.
    """
    lists = [[(tag, int(n.replace(",", ""))) for tag, n in _CELL.findall(x)] for x in parts[1:4]]
    charts = [_TITLE.findall(chart) for chart in parts[4:6]]
    if lists != [shown.most_common, shown.just_made, shown.just_missed]:
        raise ValueError(f"other lists than those of the step: {lists}")
    if charts != expected_plots(OURS, shown):
        raise ValueError(f"other charts than those of the step: {charts}")


async def drag_tuned(
    url: str, paths: list[list[int]], shown: dict[int, Shown], begin: Begin
) -> list[float]:
    """Speak to Streamlit as its page does: a widget's new state there, elements back."""
    from benchmarks.streamlit_client import Session

    async def person(number: int, path: list[int], begun: Begun) -> list[float]:
        times = []
        async with Session.open(f"ws://{urlsplit(url).netloc}/_stcore/stream") as session:
            await begun()
            for frequency in path:
                start = time.perf_counter()
                captions = await session.move_slider(frequency)
                times.append(1000 * (time.perf_counter() - start))
                if captions != expected_plots(TUNED, shown[frequency]):
                    raise ValueError(f"other plots than those of the step: {captions}")
        return times

    return await _together(person, paths, begin)


async def _together(
    person: Callable[[int, list[int], Begun], Awaitable[list[float]]],
    paths: list[list[int]],
    begin: Begin,
) -> list[float]:
    """Let all drag at once from the moment when everybody's session is open; `begin` is then."""
    barrier = asyncio.Barrier(len(paths))

    async def begun() -> None:
        if await barrier.wait() == 0:
            begin()

    found = await asyncio.gather(*(person(n, path, begun) for n, path in enumerate(paths)))
    return [value for values in found for value in values]
