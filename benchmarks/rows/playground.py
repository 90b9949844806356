"""The preprocessing playground: a key to its output."""

from collections import defaultdict

from benchmarks.apps import OURS, TUNED
from benchmarks.paired import exponent, p50, paired_ratio, rounds, summarize
from benchmarks.results import Findings
from benchmarks.sites import Site, Sites, cpu_ms
from tagifai.text.preprocessing import preprocess_text

WORK = "playground key to output"
TEXT = "Conditional generation using Variational Autoencoders"
INPUTS = {OURS: "#preprocess-input textarea", TUNED: "textarea[aria-label='Text']"}


def measure(sites: Sites) -> Findings:
    """Type at the end of the text, by turns in all pages."""
    bench, found = sites.bench, Findings()
    by_key = {site.key: site for site in sites.of(*INPUTS)}
    times: dict[str, list[float]] = defaultdict(list)
    cpu: dict[str, list[float]] = defaultdict(list)
    for site in by_key.values():
        site.focus(INPUTS[site.who]).fill(TEXT)
        _commit(site)
        site.watched.wait({"output": preprocess_text(TEXT)})
    for number, order in enumerate(rounds(by_key, bench.steps), start=1):
        for key in order:
            site = by_key[key]
            before = site.server.cpu_seconds()
            times[key].append(type_letter(site, preprocess_text(TEXT + "x" * number)))
            cpu[key].append(cpu_ms(site.server, before))
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
        found.claim(WORK, bench.size(size), f"to {TUNED}", paired_ratio(ours, tuned), 1 / 4)
    if len(bench.times) > 1:
        sizes = [bench.size(size) for size in bench.times]
        for who in INPUTS:
            medians = [p50(times[sites[who, size].key]) for size in bench.times]
            found.grow(WORK, who, exponent(sizes, medians))
    return found


def type_letter(site: Site, output: str) -> float:
    """Type "x" after the text; give the ms until the output is right."""
    site.focus(INPUTS[site.who])
    keyboard = site.watched.page.keyboard
    keyboard.press("End")
    if site.who == OURS:
        return site.watched.press("x", {"output": output})["output"]
    # Streamlit takes a text in when Ctrl+Enter says so: the time is from that Enter.
    keyboard.press("x")
    keyboard.down("Control")
    try:
        return site.watched.press("Enter", {"output": output})["output"]
    finally:
        keyboard.up("Control")


def _commit(site: Site) -> None:
    if site.who != OURS:
        site.watched.page.keyboard.press("Control+Enter")
