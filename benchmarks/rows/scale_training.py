"""Training at size: long texts, and quality beside LibMultiLabel's linear models."""

import json
import os
import subprocess
from pathlib import Path

from benchmarks import scaled
from benchmarks.apps import OURS
from benchmarks.bench import Bench
from benchmarks.paired import Summary
from benchmarks.processes import ROOT
from benchmarks.results import Findings
from benchmarks.rows.scale import MB, REAL_SIZE, Cost, Place, run

LONG_PROJECTS, LONG_TAGS, LONG_WORDS = 400, 10, (6_000, 20_000)
CHECK_LIMIT, TRAIN_LIMIT = (30, 1024), (120, 2048)
PEER = "LibMultiLabel"
INTERPRETER = "TAGIFAI_LIBMULTILABEL"
"""The variable that names a Python with the package libmultilabel, in an environment of its own."""
KINDS = {"1vsrest": "one-vs-rest", "cost_sensitive": "cost-sensitive"}


def measure_long_texts(bench: Bench, found: Findings) -> None:
    """Check data of long texts, and train on them."""
    for words in LONG_WORDS[: 1 if bench.quick else None]:
        folder = bench.scratch / f"scale-long-{words}"
        plan = scaled.plan(bench.real, LONG_PROJECTS, LONG_TAGS, words_per_text=words)
        data = scaled.write_data(plan, folder / "data")
        for name, limits, command in (
            ("data check", CHECK_LIMIT, ["data", "check"]),
            ("training", TRAIN_LIMIT, ["train", "--models", str(folder / "model")]),
        ):
            cost = run(["-m", "tagifai", *command, "--data", str(data)])
            work = f"{name}, texts of {words:,} words"
            bench.say(f"  {work}: {cost.cpu:.1f} s of CPU, {cost.peak:,.0f} MB")
            _note(found, work, LONG_PROJECTS, OURS, cost)
            found.claim(work, LONG_PROJECTS, "CPU", cost.cpu, limits[0], "s")
            found.claim(work, LONG_PROJECTS, "peak memory", cost.peak, limits[1], MB)


def compare_quality(bench: Bench, place: Place, found: Findings) -> None:
    """Compare F1 with LibMultiLabel's on the same split, thresholds and averages alike."""
    interpreter = os.environ.get(INTERPRETER)
    if not interpreter:
        found.notes.append(f"training: {PEER} was not measured; {INTERPRETER} names no Python")
        return
    models = place.folder / "trained"
    if not (models / "workspace").exists():
        run(["-m", "tagifai", "train", "--data", str(place.data), "--models", str(models)])
    file, ours = _read_ours(place, models)
    for kind, name in KINDS.items():
        command = [interpreter, str(ROOT / "benchmarks" / "libmultilabel_job.py"), str(file), kind]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        theirs = json.loads(done.stdout)
        for average, value in theirs.items():
            work = f"{average} F1, {REAL_SIZE[1]:,} tags"
            who = f"{PEER}, {name}"
            found.add(work, REAL_SIZE[0], who, Summary(1, value, value), "")
            found.add(work, REAL_SIZE[0], OURS, Summary(1, ours[average], ours[average]), "")
            # The smaller the better: theirs as a share of ours.
            found.claim(work, REAL_SIZE[0], f"{who}, to ours", value / ours[average], 1.0)
        bench.say(f"  {PEER}, {name}: {theirs}; ours: {ours}")


def _read_ours(place: Place, models: Path) -> tuple[Path, dict[str, float]]:
    """Write what the peer reads, with our split, and return our F1 on the test projects."""
    import numpy as np
    from scipy import sparse
    from sklearn.metrics import f1_score

    from tagifai.data import load_dataset
    from tagifai.store.versions import load_version, open_source

    version = load_version(open_source(str(models)), "workspace")
    predictions = version.load_predictions()
    assert predictions is not None
    texts = {project.id: project.text for project in load_dataset(place.data).projects}
    y_true = sparse.csr_matrix(predictions.y_true).astype(bool)
    test = np.asarray(predictions.split == "test")
    content = {
        "texts": [texts[one] for one in predictions.ids],
        "tags": [row.indices.tolist() for row in y_true],
        "test": test.tolist(),
    }
    file = place.folder / "libmultilabel.json"
    file.write_text(json.dumps(content))
    decided = sparse.csr_matrix(predictions.decide(version.thresholds))
    pairs = [matrix[test].toarray().astype(int) for matrix in (y_true, decided)]
    return file, {
        average: float(f1_score(*pairs, average=average, zero_division=0))
        for average in ("weighted", "macro")
    }


def _note(found: Findings, work: str, size: int, who: str, cost: Cost) -> None:
    found.add(work, size, who, Summary(1, cost.cpu, cost.cpu), "s of CPU")
    found.add(f"{work}: peak", size, who, Summary(1, cost.peak, cost.peak), MB)
