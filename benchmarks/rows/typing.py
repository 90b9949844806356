"""A key on the Inference tab to what the version makes of the text: tags, reasons and reading."""

from benchmarks.apps import OURS
from benchmarks.bench import SMALL
from benchmarks.browser import Watched, new_context
from benchmarks.paired import p95, summarize
from benchmarks.results import Findings
from benchmarks.sites import Sites

WORK = "key to tags, reasons and preprocessed text"
LIMIT = 100.0
BEGUN = "transfer learning for graph"
READERS = {
    "read": "document.querySelector('#inference-preprocessed textarea')?.value",
    "why": "document.querySelector('#inference-why .as-typed')?.textContent",
    "tags": "document.querySelectorAll('#inference-tags tbody tr').length",
}


def measure(sites: Sites) -> Findings:
    """Type letter after letter at the end of a text, each once the one before is answered."""
    bench, found = sites.bench, Findings()
    site = sites[OURS, SMALL]
    context = new_context(bench.browser)
    watched = Watched(context.new_page(), READERS)
    tags = len(bench.trained.tags)
    text = BEGUN
    watched.open(
        f"{site.server.url}?tab=inference&text={text.replace(' ', '+')}",
        {"read": text.replace(" for ", " "), "why": text, "tags": tags},
    )
    box = watched.page.locator("#inference-text textarea").first
    box.focus()
    watched.page.keyboard.press("End")
    times = []
    for number in range(bench.steps):
        letter = "abcdefghij"[number % 10]
        text += letter
        must = {"read": text.replace(" for ", " "), "why": text}
        times.append(max(watched.press(letter, must).values()))
    context.close()
    found.add(WORK, bench.size(SMALL), OURS, summarize(times))
    found.claim(WORK, bench.size(SMALL), "p95, ms", p95(times), LIMIT, "ms")
    return found
