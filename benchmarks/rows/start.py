"""From the start of the program to its first answer, and to its first usable page."""

from collections import defaultdict
from typing import Any

from benchmarks.apps import OURS, address, empty_tab, expected, readers
from benchmarks.bench import SMALL, Bench
from benchmarks.browser import Watched, new_context
from benchmarks.paired import paired_ratio, summarize
from benchmarks.results import Findings

ANSWER, USABLE = "start to first answer", "start to first usable page"
EMPTY = "Gradio with one empty tab"
LIMIT = 1.2


def measure(bench: Bench) -> Findings:
    """Start each by turns; open a page as soon as the port answers."""
    found = Findings()
    answers: dict[Any, list[float]] = defaultdict(list)
    usable: dict[int, list[float]] = defaultdict(list)
    for number in range(bench.few):
        with empty_tab(bench.scratch) as server:
            answers[EMPTY].append(server.seconds_to_answer)
        for times in bench.ends:
            first, page = start(bench, times, usable=number == 0)
            answers[times].append(first)
            usable[times] += page
    found.add(ANSWER, None, EMPTY, summarize(answers[EMPTY]), "s")
    for times in bench.ends:
        size = bench.size(times)
        found.add(ANSWER, size, OURS, summarize(answers[times]), "s")
        found.add(USABLE, size, OURS, summarize(usable[times]), "s")
        found.claim(
            ANSWER, size, f"to {EMPTY}", paired_ratio(answers[times], answers[EMPTY]), LIMIT
        )
    return found


def start(bench: Bench, times: int, usable: bool) -> tuple[float, list[float]]:
    """Start the app on the data of `times`; give the seconds to its answer, and to its page.

    Not that of the page unless it is asked to be `usable`: with much data that takes long.
    """
    if not usable:
        with bench.app(OURS, times).running() as server:
            return server.seconds_to_answer, []
    counts, size = bench.counts(times), bench.size(times)
    frequency = counts.boundary(30 * times)
    must = expected(OURS, counts.at(frequency), size)
    context = new_context(bench.browser)
    page = Watched(context.new_page(), readers(OURS))
    with bench.app(OURS, times).running() as server:
        url = server.url if times == SMALL else address(server.url, frequency)
        ms = max(page.open(url, must).values())
    context.close()
    return server.seconds_to_answer, [server.seconds_to_answer + ms / 1000]
