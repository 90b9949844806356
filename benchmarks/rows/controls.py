"""Every other control to its output, beside an empty handler's round trip."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson

from benchmarks.apps import FLOOR, OURS, readers
from benchmarks.bench import SMALL, Bench
from benchmarks.browser import WAIT_MS, Watched, new_context
from benchmarks.corpora import read_records
from benchmarks.paired import exponent, p50, paired_ratio, rounds, summarize
from benchmarks.results import Findings
from benchmarks.rows.slider import press
from benchmarks.sites import Site, Sites, rest
from tagifai.predictions import Predictions, decide
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version

LIMIT = 3.0
OPENING_MS = 1000
VERSIONS = ("v0.1.0", "v0.2.0")
READERS = {
    "table": readers(OURS)["table"],
    "first": "document.querySelector('#projects-table tbody td')?.innerText",
    "cloud": "document.querySelector('#word-cloud figcaption')?.innerText",
    "figures": "[...document.querySelectorAll('#tag-figures .figure b')].slice(3)"
    ".map(figure => figure.innerText)",
    "rows": "document.querySelectorAll('#tag-metrics tbody tr').length",
    "card": "document.querySelector('#version-b-card h4')?.innerText",
    "compared": "document.querySelector('#tag-diff figcaption')?.innerText.match(/: (\\S+) −/)[1]",
}


CHOSEN = """() => ['#inspect-version input', '#inspect-tag input',
  '#tag-threshold input[type=range]'].map(control => document.querySelector(control).value)"""


@dataclass(frozen=True)
class Step:
    """Something a user does, the event by which it starts, and what must be shown then."""

    event: str
    act: Callable[[], Any]
    expected: Mapping[str, Any]


Control = Callable[[int], Step]


def measure(sites: Sites) -> Findings:
    """Use each control by turns with the empty handler, at the smallest and largest size."""
    bench, found = sites.bench, Findings()
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    floor: list[float] = []
    controls: dict[int, dict[str, tuple[Watched, Control]]] = {}
    contexts = []
    for size in bench.ends:
        contexts.append(new_context(bench.browser))
        controls[size] = open_controls(bench, sites[OURS, size], contexts[-1])
    empty = sites[FLOOR, SMALL]
    # Its slider is pressed to and fro.
    there = count(empty.watched.read("number") == empty.expected(0, 0)["number"])
    for number, order in enumerate(rounds(controls[SMALL], bench.steps)):
        floor.append(press(empty, next(there) % 2, 0)["number"])
        for name in order:
            for size in bench.ends:
                watched, control = controls[size][name]
                watched.page.bring_to_front()
                step = control(number)
                answered = watched.do(step.event, step.act, step.expected)
                times[name, size].append(max(answered.values()))
                rest(sites[OURS, size].server)
    for (name, size), values in times.items():
        found.add(name, bench.size(size), OURS, summarize(values))
        ratio = p50(values) / p50(floor)
        spread = paired_ratio(values, floor)
        found.claim(
            name,
            bench.size(size),
            f"p50 to an {FLOOR}",
            ratio,
            LIMIT,
            ends=(spread.low, spread.high),
        )
    if len(bench.ends) > 1:
        sizes = [bench.size(size) for size in bench.ends]
        for name in dict.fromkeys(name for name, _ in times):
            medians = [p50(times[name, size]) for size in bench.ends]
            found.grow(name, OURS, exponent(sizes, medians))
    for context in contexts:
        context.close()
    return found


def open_controls(bench: Bench, site: Site, context: Any) -> dict[str, tuple[Watched, Control]]:
    """Open a page for each tab whose controls are used; give the controls by name."""
    root = site.server.url
    data, inspection, performance = (Watched(context.new_page(), READERS) for _ in range(3))
    # The page that is open already, whose slider nobody moves any more.
    searched = Watched(site.watched.page, READERS)
    num, pages = bench.size(site.times), -(-bench.size(site.times) // 50)
    data.open(f"{root}?tab=data", {"table": f"{num:,} projects; page 1 of {pages:,}"})
    predicted = {name: load_predictions(site, name) for name in VERSIONS}
    tags = predicted[VERSIONS[0]].tags
    inspection.open(
        f"{root}?tab=inspection&version={VERSIONS[1]}&tag={tags[0]}", {"rows": len(tags)}
    )
    inspection.page.locator("#thresholds button").first.click()
    performance.open(
        f"{root}?tab=performance&a=workspace&b={VERSIONS[1]}",
        {"card": f"Version B: {VERSIONS[1]}", "compared": VERSIONS[1]},
    )
    # What is compared for the first time is not yet in the cache.
    compare = version_b(performance)
    for number in (0, 1):
        step = compare(number)
        performance.do(step.event, step.act, step.expected)
    records = read_records(bench.data(site.times) / "projects.json")
    return {
        "table search, key to rows": (searched, search(searched, records)),
        "page of the table, key to rows": (data, page_number(data, records)),
        "tag of the word cloud, to the cloud": (data, cloud_tag(data, bench, site)),
        "threshold, key to figures and projects": (inspection, threshold(inspection, predicted)),
        "tag, to figures and projects": (inspection, tag(inspection, predicted)),
        "version, to figures and projects": (inspection, version(inspection, predicted)),
        "version compared, to the comparison": (performance, compare),
    }


def search(watched: Watched, records: list[dict[str, Any]]) -> Control:
    """Type a letter into the empty search, and take it back."""
    letters = "xzqjkvbywg"
    folded = [
        "\n".join((str(r["id"]), r["title"], r["description"], *r["tags"])).casefold()
        for r in records
    ]

    def step(number: int) -> Step:
        watched.page.locator("#projects-search :is(input, textarea)").first.focus()
        letter = letters[number // 2 % len(letters)]
        if number % 2:
            key, matching = "Backspace", len(records)
        else:
            key, matching = letter, sum(letter in text for text in folded)
        must = {"table": told(matching, len(records), 1)}
        return Step("keydown", lambda: watched.page.keyboard.press(key), must)

    return step


def told(matching: int, num_all: int, page: int) -> str:
    """Write what the table says above its rows."""
    pages = max(1, -(-matching // 50))
    found = (
        f"{num_all:,} projects"
        if matching == num_all
        else f"{matching:,} of {num_all:,} projects match"
    )
    return f"{found}; page {page:,} of {pages:,}"


def page_number(watched: Watched, records: list[dict[str, Any]]) -> Control:
    """Go to the second page of the table by key, and back."""

    def step(number: int) -> Step:
        watched.page.locator("#projects-page input").first.focus()
        page = 2 - number % 2
        must = {
            "table": told(len(records), len(records), page),
            "first": str(records[50 * (page - 1)]["id"]),
        }
        key = "ArrowUp" if page == 2 else "ArrowDown"
        return Step("keydown", lambda: watched.page.keyboard.press(key), must)

    return step


def choose(watched: Watched, dropdown: str, option: str, must: Mapping[str, Any]) -> Step:
    """Open a dropdown; give the step of choosing one of its options, as the mouse does."""
    from playwright.sync_api import TimeoutError as NotInTime

    page = watched.page
    box = page.locator(f"{dropdown} input").first
    found = page.get_by_role("option", name=option, exact=True)
    until = time.perf_counter() + WAIT_MS / 1000
    box.click()
    while not found.is_visible():
        # A long list holds what is in view alone, and the same text again narrows nothing.
        box.fill("")
        box.fill(option)
        with suppress(NotInTime):
            found.wait_for(timeout=OPENING_MS)
        if time.perf_counter() > until:
            raise RuntimeError(f"{dropdown} never offered {option!r}")

    return Step("mousedown", lambda: found.dispatch_event("mousedown"), must)


def cloud_tag(watched: Watched, bench: Bench, site: Site) -> Control:
    """Choose one of the two tags that stand first in the list: of a long one the rest is hidden."""
    names = sorted(name for name, _ in bench.counts(site.times).at(30).kept)[:2]

    def step(number: int) -> Step:
        name = names[(number + 1) % 2]
        must = {"cloud": f"Words in the projects tagged {name}"}
        return choose(watched, "#word-cloud-tag", name, must)

    return step


@dataclass
class Chosen:
    """What is chosen on the Inspection tab, whose controls go by turns."""

    version: str
    tag: str
    threshold: float


def threshold(watched: Watched, predicted: Mapping[str, "Predicted"]) -> Control:
    """Move the threshold by a thousandth with the keyboard, to and fro."""

    def step(number: int) -> Step:
        slider = watched.page.locator("#tag-threshold input[type=range]")
        slider.focus()
        now = round(float(slider.input_value()), 3)
        then = round(now + (0.001 if number % 2 == 0 else -0.001), 3)
        chosen = look(watched)
        must = {"figures": predicted[chosen.version].figures(chosen.tag, then)}
        key = "ArrowRight" if number % 2 == 0 else "ArrowLeft"
        return Step("keydown", lambda: watched.page.keyboard.press(key), must)

    return step


def tag(watched: Watched, predicted: Mapping[str, "Predicted"]) -> Control:
    """Choose a tag, each time another."""
    tags = predicted[VERSIONS[0]].tags

    def step(number: int) -> Step:
        of = predicted[look(watched).version]
        name = tags[(number + 1) % len(tags)]
        must = {"figures": of.figures(name, of.thresholds[name])}
        return choose(watched, "#inspect-tag", name, must)

    return step


def version(watched: Watched, predicted: Mapping[str, "Predicted"]) -> Control:
    """Choose one of two versions."""

    def step(number: int) -> Step:
        name, chosen = VERSIONS[number % 2], look(watched)
        of = predicted[name]
        must = {"figures": of.figures(chosen.tag, of.thresholds[chosen.tag])}
        return choose(watched, "#inspect-version", name, must)

    return step


def version_b(watched: Watched) -> Control:
    """Choose version B of two compared."""

    def step(number: int) -> Step:
        name = VERSIONS[number % 2]
        must = {"card": f"Version B: {name}", "compared": name}
        return choose(watched, "#version-b", name, must)

    return step


def look(watched: Watched) -> Chosen:
    """Read what is chosen on the Inspection tab."""
    version, tag, threshold = watched.page.evaluate(CHOSEN)
    return Chosen(version, tag, float(threshold))


class Predicted:
    """A version's predictions on its test split, scored by a plain count."""

    def __init__(self, predictions: Predictions, thresholds: Mapping[str, float]) -> None:
        test = predictions.split == "test"
        self.tags = list(predictions.tags)
        self.thresholds = thresholds
        self._y_true = predictions.y_true[test]
        self._y_prob = predictions.y_prob[test]

    def figures(self, name: str, threshold: float) -> list[str]:
        """Write a tag's figures at a threshold as the page does."""
        column = self.tags.index(name)
        true = self._y_true[:, column] == 1
        positive = decide(self._y_prob[:, column], threshold)
        tp, fp, fn = (true & positive).sum(), (~true & positive).sum(), (true & ~positive).sum()
        return [f"{true.sum():,}", f"{tp:,} / {fp:,}", f"{fn:,}", f"{threshold:.3f}"]


def load_predictions(site: Site, name: str) -> Predicted:
    """Read a version's predictions and thresholds from its files."""
    source = FolderSource(site.app.models)
    predictions = load_version(source, name).load_predictions()
    assert predictions is not None
    thresholds = orjson.loads(source.read(name, "thresholds.json") or b"{}")
    return Predicted(predictions, thresholds)
