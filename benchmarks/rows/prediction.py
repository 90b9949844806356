"""Training on the real data; one prediction, and ten thousand."""

import time

from benchmarks.apps import OURS
from benchmarks.bench import SMALL, Bench
from benchmarks.paired import Summary, p50, paired_ratio, summarize
from benchmarks.results import Findings
from tagifai.services.app import Services
from tagifai.settings import Settings

ONE, MANY, TRAINING = "one prediction", "10,000 predictions", "training on the real data, one core"
BY_ONE = "one at a time"
ONE_LIMIT, MANY_LIMIT, TRAINING_LIMIT = 5.0, 1 / 10, 60.0
VERSION = "v0.1.0"
TEXTS = 10_000


def measure(bench: Bench) -> Findings:
    """Time the training that the versions came of, then their predictions."""
    found = Findings()
    bench.trained  # noqa: B018 - trains, where nothing has asked for it before
    seconds = bench.training_seconds
    found.add(TRAINING, bench.num_real, OURS, Summary(1, seconds, seconds), "s CPU")
    if not bench.quick:
        found.claim(TRAINING, bench.num_real, "s of CPU", seconds, TRAINING_LIMIT, "s")
    settings = Settings(data=bench.data(SMALL), models=str(bench.models(SMALL)), no_cache=True)
    inference = Services(settings).inference
    texts = [project.text for project in bench.dataset.projects]
    count = 1_000 if bench.quick else TEXTS
    many = [texts[i % len(texts)] + f" {i // len(texts)}" for i in range(count)]
    inference.predict_texts(VERSION, texts[:1])
    singles, batches, by_one = [], [], []
    for number in range(bench.few):
        start = time.perf_counter()
        together = inference.predict_texts(VERSION, many)
        batches.append(1000 * (time.perf_counter() - start))
        chosen = range(number, count, count // 100)
        before = time.perf_counter()
        for i in chosen:
            start = time.perf_counter()
            alone = inference.predict_texts(VERSION, [many[i]])
            singles.append(1000 * (time.perf_counter() - start))
            if alone[0].tags != together[i].tags:
                raise ValueError(f"other tags alone than among many: {many[i]!r}")
        by_one.append(1000 * (time.perf_counter() - before) * count / len(chosen))
    found.add(ONE, None, OURS, summarize(singles))
    found.claim(ONE, None, "ms", p50(singles), ONE_LIMIT, "ms")
    found.add(MANY, count, OURS, summarize(batches))
    found.add(MANY, count, BY_ONE, summarize(by_one))
    found.claim(MANY, count, f"to {BY_ONE}", paired_ratio(batches, by_one), MANY_LIMIT)
    return found
