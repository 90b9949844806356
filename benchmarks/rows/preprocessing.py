"""`preprocess_text` over all real texts, beside its straightforward form."""

import time
from collections.abc import Callable
from typing import Any

from benchmarks import straightforward
from benchmarks.apps import OURS
from benchmarks.bench import Bench
from benchmarks.paired import paired_ratio, summarize
from benchmarks.results import Findings
from tagifai.text.preprocessing import preprocess_text

LIMITS = {"preprocess_text, all texts": 1 / 5, "preprocess_text, all texts, stemmed": 1 / 10}
PLAIN = "straightforward form"


def measure(bench: Bench) -> Findings:
    """Preprocess all texts by turns in both forms; they must give the same bytes."""
    found = Findings()
    texts = [project.text for project in bench.dataset.projects]
    size = len(texts)
    for (work, limit), stem in zip(LIMITS.items(), (False, True), strict=True):
        first, _ = clock(preprocess_text, texts, stem)
        ours, plain = [], []
        for _ in range(bench.steps):
            ms, given = clock(preprocess_text, texts, stem)
            ours.append(ms)
            ms, wanted = clock(straightforward.preprocess, texts, stem)
            plain.append(ms)
            if given != wanted:
                raise ValueError(f"{work}: not the same texts")
        found.add(work, size, OURS, summarize(ours))
        found.add(work, size, f"{OURS}, the first time", summarize([first]))
        found.add(work, size, PLAIN, summarize(plain))
        found.claim(work, size, f"to the {PLAIN}", paired_ratio(ours, plain), limit)
    found.notes.append("preprocess_text: byte-identical to the straightforward form")
    return found


def clock(form: Callable[..., str], texts: list[str], stem: bool) -> tuple[float, Any]:
    """Return the ms that a form takes for all texts, and what it made of them."""
    start = time.perf_counter()
    made = [form(text, stem=stem) for text in texts]
    return 1000 * (time.perf_counter() - start), made
