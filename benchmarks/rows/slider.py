"""The slider's key to the lists and to both plots, in Chromium."""

from collections import defaultdict

from benchmarks.apps import FLOOR, OURS, PLAIN, TUNED
from benchmarks.bench import LARGE, SMALL
from benchmarks.paired import exponent, p50, paired_ratio, rounds, summarize
from benchmarks.results import Findings
from benchmarks.sites import SLIDERS, Site, Sites, cpu_ms

LISTS, PLOTS = "slider key to lists", "slider key to plots"
FLOOR_WORK = "slider key to a number"
# By how many times over the real projects are there: the most of plain, and of tuned.
LIMITS = {
    PLOTS: {SMALL: (1 / 25, 1 / 4), LARGE: (1 / 150, 1 / 8)},
    LISTS: {SMALL: (1 / 6, 1 / 3)},
}
FEW = 3


def measure(sites: Sites) -> Findings:
    """Press the arrow keys by turns in all pages, and look when the right values are there."""
    bench, found = sites.bench, Findings()
    by_key = {site.key: site for site in sites.of(OURS, TUNED, PLAIN, FLOOR)}
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    cpu: dict[str, list[float]] = defaultdict(list)
    for number, order in enumerate(rounds(by_key, bench.steps)):
        for key in order:
            site = by_key[key]
            if number not in rounds_of(site, bench.steps):
                continue
            before = site.server.cpu_seconds()
            there = (len(cpu[key]) + 1) % 2
            for part, ms in press(site, there, bench.size(site.times)).items():
                times[key, part].append(ms)
            cpu[key].append(cpu_ms(site.server, before))
    for site in by_key.values():
        parts = (
            (("number", FLOOR_WORK),) if site.who == FLOOR else (("lists", LISTS), ("plots", PLOTS))
        )
        for part, work in parts:
            found.add(
                work,
                bench.size(site.times),
                site.who,
                summarize(times[site.key, part]),
                cpu=p50(cpu[site.key]),
            )
    _claim(sites, times, found)
    if LARGE in bench.times:
        found.notes.append(f"{PLAIN} with more than the real data: {FEW} steps of the slider")
    return found


def rounds_of(site: Site, steps: int) -> list[int]:
    """List the rounds in which a site takes a step: plain with more than the real data, few.

    Each takes it many seconds. They are spread over all, as warm or cold as the others'.
    """
    if site.who != PLAIN or site.times == SMALL:
        return list(range(steps))
    return [steps * (2 * number + 1) // (2 * FEW) for number in range(min(steps, FEW))]


def press(site: Site, step: int, num_projects: int) -> dict[str, float]:
    """Move the slider by one with the keyboard: to `step` 1 of 0 and 1, or back."""
    site.focus(SLIDERS[site.who])
    must = site.expected(step, num_projects)
    parts = ("number",) if site.who == FLOOR else ("lists", "plots")
    key = "ArrowRight" if step else "ArrowLeft"
    return site.watched.press(key, {part: must[part] for part in parts})


def _claim(sites: Sites, times: dict[tuple[str, str], list[float]], found: Findings) -> None:
    bench = sites.bench
    floor = times[sites[FLOOR, SMALL].key, "number"]

    def of(who: str, size: int, part: str) -> list[float]:
        return times[sites[who, size].key, part]

    def ours_beside(who: str, size: int, part: str) -> list[float]:
        ours = of(OURS, size, part)
        return [ours[number] for number in rounds_of(sites[who, size], bench.steps)]

    for part, work in (("lists", LISTS), ("plots", PLOTS)):
        for size in bench.times:
            limits = LIMITS[work].get(size, LIMITS[work][SMALL])
            for who, limit in zip((PLAIN, TUNED), limits, strict=True):
                ratio = paired_ratio(ours_beside(who, size, part), of(who, size, part))
                found.claim(work, bench.size(size), f"to {who}", ratio, limit)
        if len(bench.times) > 1:
            sizes = [bench.size(size) for size in bench.times]
            for who in (OURS, TUNED, PLAIN):
                medians = [p50(of(who, size, part)) for size in bench.times]
                found.grow(work, who, exponent(sizes, medians))
    largest = bench.times[-1]
    ours = of(OURS, largest, "plots")
    if largest != SMALL:
        ratio = paired_ratio(ours, of(OURS, SMALL, "plots"))
        found.claim(PLOTS, bench.size(largest), f"to itself at {bench.size(SMALL):,}", ratio, 1.3)
    found.claim(PLOTS, bench.size(largest), f"to an {FLOOR}", paired_ratio(ours, floor), 2)
