"""Whether the thresholds that are chosen are ever worse than one for all tags."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.rows import Row, Settings, spread
from tagifai.metrics import overall_metrics
from tagifai.metrics.thresholds import choose_thresholds
from tagifai.predictions import decide

ROOT = Path(__file__).parents[2]
WORSE = 0.002
HELD_OUT = 0.15


def measure(settings: Settings) -> list[Row]:
    """Choose thresholds on random parts of three data sets, and apply them to the rest."""
    sets = {"a synthetic set of well and badly calibrated tags": (*synthetic(), 0.0)}
    folders = {"the embedded data": ROOT / "data", "Made With ML": settings.data}
    for name, folder in folders.items():
        if folder is not None and settings.scale >= 1:
            sets[name] = out_of_fold(folder, ROOT / "data")
    rows = []
    for name, (y_true, y_prob, smoothing) in sets.items():
        runs = settings.runs(40)
        gains = spread(partial(gain, y_true, y_prob, smoothing), runs, settings.jobs)
        mean = float(np.mean(gains))
        rows.append(
            Row(
                f"weighted F1 by chosen thresholds less that by the common one, on {name}",
                f"{mean:+.4f}".replace("-", "−") + f", mean of {runs} splits",
                f"≥ −{WORSE}",
                mean >= -WORSE,
                key=name == "the embedded data",
            )
        )
    return rows


def gain(
    y_true: NDArray[np.uint8], y_prob: NDArray[np.float32], smoothing: float, seed: int
) -> float:
    """Return how much weighted F1 the chosen thresholds add to the common one, where held out."""
    order = np.random.default_rng(seed).permutation(len(y_true))
    held_out, learnt = np.split(order, [round(HELD_OUT * len(order))])
    f1 = {}
    for kind in ("common", "per-tag"):
        cut = choose_thresholds(y_true[learnt], y_prob[learnt], kind, 0.5, None, smoothing)
        scored = overall_metrics(y_true[held_out], decide(y_prob[held_out], cut))
        f1[kind] = scored.weighted.values["f1"] or 0.0
    return f1["per-tag"] - f1["common"]


def out_of_fold(folder: Path, config: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32], float]:
    """Return labels, out-of-fold probabilities and the smoothing that training would take.

    `config` is the folder whose data.toml says which tags are left out.
    """
    from dataclasses import replace

    from tagifai.data import load_dataset, prepare
    from tagifai.data.config import load_config
    from tagifai.models import build_model
    from tagifai.models.params import Params
    from tagifai.training.train import label_matrix

    dataset = replace(load_dataset(folder), config=load_config(config))
    params = Params()
    prepared = prepare(dataset, params.min_tag_freq)
    y_true = label_matrix(prepared)
    model = build_model(params, prepared.tags, dataset.tags)
    y_prob = model.score_out_of_fold([project.text for project in prepared.projects], y_true)
    return y_true, y_prob, params.threshold_smoothing


def synthetic(
    n: int = 1_500, tags: int = 40, seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Draw labels and probabilities; some tags' probabilities are off, most are not."""
    rng = np.random.default_rng(seed)
    rate = np.geomspace(8, 200, tags) / n
    y_true = rng.random((n, tags)) < rate
    signal = rng.uniform(1, 3, tags)
    evidence = signal * (y_true - 0.5) + rng.standard_normal((n, tags))
    off = np.where(rng.random(tags) < 0.3, rng.normal(0, 1, tags), 0)
    odds = np.log(rate / (1 - rate)) + signal * evidence + off
    return y_true.astype(np.uint8), (1 / (1 + np.exp(-odds))).astype(np.float32)
