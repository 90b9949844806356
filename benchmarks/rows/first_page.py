"""The first page of a second session: from the address to everything in place."""

from collections import defaultdict
from typing import Any

from benchmarks.apps import OURS, TUNED, readers
from benchmarks.bench import MIDDLE
from benchmarks.browser import Watched, new_context
from benchmarks.paired import exponent, p50, paired_ratio, rounds, summarize
from benchmarks.results import Findings
from benchmarks.sites import Site, Sites, cpu_ms

WORK = "first page to usable, second session"
LIMIT = 1 / 2
# Each takes half a minute.
ROUNDS = 3


def measure(sites: Sites) -> Findings:
    """Open pages in fresh sessions of the browser, by turns, while servers are warm."""
    bench, found = sites.bench, Findings()
    # At the smallest size nothing is compared; how ours grows starts there.
    by_key = {
        site.key: site
        for site in sites.of(OURS, TUNED)
        if site.who == OURS or site.times >= MIDDLE or bench.quick
    }
    times: dict[str, list[float]] = defaultdict(list)
    cpu: dict[str, list[float]] = defaultdict(list)
    for order in rounds(by_key, 1 if bench.quick else ROUNDS):
        for key in order:
            site = by_key[key]
            before = site.server.cpu_seconds()
            context = new_context(bench.browser)
            times[key].append(open_page(sites, site, context))
            cpu[key].append(cpu_ms(site.server, before))
            context.close()
    for site in by_key.values():
        found.add(
            WORK,
            bench.size(site.times),
            site.who,
            summarize(times[site.key]),
            cpu=p50(cpu[site.key]),
        )
    for size in bench.times:
        ours, tuned = (times[sites[who, size].key] for who in (OURS, TUNED))
        if size >= MIDDLE:
            found.claim(WORK, bench.size(size), f"to {TUNED}", paired_ratio(ours, tuned), LIMIT)
    if len(bench.times) > 1:
        for who in (OURS, TUNED):
            measured = [s for s in by_key.values() if s.who == who]
            medians = [p50(times[site.key]) for site in measured]
            sizes = [bench.size(site.times) for site in measured]
            found.grow(WORK, who, exponent(sizes, medians))
    return found


def open_page(sites: Sites, site: Site, context: Any) -> float:
    """Open a page of a site in a browser's session; give the ms to usable."""
    watched = Watched(context.new_page(), readers(site.who))
    must = site.expected(0, sites.bench.size(site.times))
    return max(watched.open(site.url, must).values())
