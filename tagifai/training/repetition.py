"""Train over several seeds: the mean, deviation and number of samples of each figure."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tagifai.behavioral import PARTS, TYPES, BehavioralTest
from tagifai.data import Dataset
from tagifai.errors import TagifaiError
from tagifai.inference import predict_tags
from tagifai.metrics import COVERED, PAIRS_OF
from tagifai.models.classifier import Progress
from tagifai.models.params import Params
from tagifai.slices import Slice
from tagifai.training.train import Trained, train

TIMED_TEXTS = 100
SPENT = (
    "seconds",
    "cpu_seconds",
    "milliseconds_a_prediction",
    "cpu_milliseconds_a_prediction",
)
OF_ALL_TESTS = tuple(f"behavioral_{name}" for name in ("score", "name_matcher", *PARTS, *TYPES))


@dataclass(frozen=True, slots=True)
class Repetition:
    """Figures of the same training over several seeds.

    Attributes
    ----------
    seeds : list of int
        The seeds, one training each.
    runs : list of mapping
        By seed, each figure by name, and what training took (`SPENT`).
    mean : mapping
        By figure, its mean over the seeds for which it is defined.
    std : mapping
        By figure, its sample standard deviation (n − 1); None for one seed.
    support : mapping
        By figure, the mean number of samples behind it: see `count_support`.
    num_runs : mapping
        By figure, the number of seeds for which it is defined.
    """

    seeds: list[int]
    runs: Sequence[Mapping[str, float | None]]
    mean: Mapping[str, float]
    std: Mapping[str, float | None]
    support: Mapping[str, float]
    num_runs: Mapping[str, int]

    def to_json(self) -> dict[str, object]:
        """Return it as `train --repeat --json` prints it."""
        return asdict(self)

    def rows(self) -> list[dict[str, str]]:
        """Return one row of text per figure; groups of behavioral tests come last.

        >>> figures = {"mean": {"ece": 0.005, "f1": 0.75}, "std": {"ece": None, "f1": 0.0125}}
        >>> counts = {"support": {"f1": 215.5, "ece": 7327.0}, "num_runs": {"f1": 2, "ece": 1}}
        >>> for row in Repetition([0, 1], [], **figures, **counts).rows():
        ...     print(row)
        {'metric': 'f1', 'mean': '0.7500 ± 0.0125', 'support': '215.5'}
        {'metric': 'ece', 'mean': '0.0050 (1 of 2 seeds)', 'support': '7,327'}
        """
        names = sorted({**self.support, **dict.fromkeys(SPENT, 0)}, key=_place)
        return [self._row(name) for name in names if name in self.mean]

    def _row(self, name: str) -> dict[str, str]:
        deviation, support, runs = self.std[name], self.support.get(name), self.num_runs[name]
        figures = [self.mean[name], *([] if deviation is None else [deviation])]
        note = "" if runs == len(self.seeds) else f" ({runs} of {len(self.seeds)} seeds)"
        return {
            "metric": name.replace("0_05", "0.05").replace("_", " "),
            "mean": " ± ".join(f"{figure:.4f}" for figure in figures) + note,
            "support": "" if support is None else f"{support:,.1f}".removesuffix(".0"),
        }


def repeat(
    dataset: Dataset,
    params: Params,
    seeds: Sequence[int],
    *,
    jobs: int = 1,
    scratch: Path | None = None,
    progress: Progress | None = None,
    slices: Mapping[str, Slice] | None = None,
    saved: Sequence[BehavioralTest] = (),
) -> Repetition:
    """Train once per seed, which decides split, folds and fits.

    Parameters
    ----------
    dataset, params, jobs, scratch, slices, saved
        As for `train`; the seed of `params` is replaced.
    seeds : sequence of int
        One or more seeds.
    progress : callable, optional
        Called after each seed with the number done, the number of all, and the seed.

    Returns
    -------
    Repetition
        The metrics, and beside them `seconds` by the clock and `cpu_seconds` of this process for
        training and scoring, and `milliseconds_a_prediction`, the median of up to 100 test texts
        tagged one by one.

    Raises
    ------
    TagifaiError
        There is no seed, or `train` fails.
    """
    if not seeds:
        raise TagifaiError("at least one seed is needed")
    runs, supports = [], []
    for done, seed in enumerate(seeds, start=1):
        clock, cpu = time.perf_counter(), time.process_time()
        trained = train(
            dataset,
            params.replaced({"seed": seed}),
            jobs=jobs,
            scratch=scratch,
            slices=slices,
            saved=saved,
        )
        spent = {
            "seconds": time.perf_counter() - clock,
            "cpu_seconds": time.process_time() - cpu,
            **_time_predictions(trained, dataset),
        }
        runs.append({**flat_metrics(trained.performance), **spent})
        supports.append(count_support(trained.performance))
        if progress:
            progress(done, len(seeds), f"seed {seed}")
    return _summarize(seeds, runs, supports)


def _summarize(
    seeds: Sequence[int],
    runs: Sequence[Mapping[str, float | None]],
    supports: Sequence[Mapping[str, float | None]],
) -> Repetition:
    defined = _defined(runs)
    return Repetition(
        seeds=list(seeds),
        runs=runs,
        mean={name: float(np.mean(values)) for name, values in defined.items()},
        std={
            name: float(np.std(values, ddof=1)) if len(values) > 1 else None
            for name, values in defined.items()
        },
        support={
            name: float(np.mean(counts))
            for name, counts in _defined(supports).items()
            if name in defined
        },
        num_runs={name: len(values) for name, values in defined.items()},
    )


def _defined(runs: Sequence[Mapping[str, float | None]]) -> dict[str, list[float]]:
    """Return by name the values of the runs for which they are defined."""
    names = dict.fromkeys(name for run in runs for name in run)
    found = {
        name: [value for run in runs if (value := run.get(name)) is not None] for name in names
    }
    return {name: values for name, values in found.items() if values}


def flat_metrics(performance: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the figures of a performance that runs are compared by, one level deep.

    >>> flat_metrics({"overall": {"f1": 0.7, "macro": {"f1": 0.6}}})
    {'f1': 0.7, 'macro_f1': 0.6}
    """
    flat: dict[str, float | None] = {}
    for name, value in performance["overall"].items():
        if name in COVERED:
            continue
        if isinstance(value, dict):
            left_out = ("num_samples", *COVERED)
            flat |= {f"{name}_{inner}": v for inner, v in value.items() if inner not in left_out}
        else:
            flat[name] = value
    slices = performance.get("slices", {}).get("overall", {})
    flat |= {f"slices_{name}": value for name, value in slices.items() if name not in COVERED}
    behavioral = performance.get("behavioral", {})
    flat |= {
        f"behavioral_{name}": behavioral[name]
        for name in ("score", "name_matcher", "num_samples")
        if name in behavioral
    }
    return flat | {f"behavioral_{name}": group["score"] for name, group in _groups(performance)}


def count_support(performance: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the number of samples behind each figure of `flat_metrics`.

    Projects of the test split; pairs of project and tag for Brier score and calibration
    errors; projects in slices; behavioral tests.

    >>> count_support({"overall": {"f1": 0.7, "ece": 0.01, "num_samples": 9, "num_pairs": 27}})
    {'f1': 9, 'ece': 27}
    """
    flat = flat_metrics(performance)
    groups = {f"behavioral_{name}": group["num_samples"] for name, group in _groups(performance)}
    counts = {
        **PAIRS_OF,
        "behavioral_score": "behavioral_num_samples",
        "behavioral_name_matcher": "behavioral_num_samples",
        **{f"slices_{name}": "slices_num_samples" for name in ("precision", "recall", "f1")},
    }
    return {
        name: groups[name] if name in groups else flat[counts.get(name, "num_samples")]
        for name in flat
        if name not in counts.values() and name != "num_samples"
    }


def _groups(performance: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    behavioral = performance.get("behavioral", {})
    for kind in ("by_part", "by_type", "by_group"):
        yield from behavioral.get(kind, {}).items()


def _place(name: str) -> int:
    """Return where a figure stands: F1, other overall ones, what it took, groups of tests."""
    if name.startswith("behavioral_") and name not in OF_ALL_TESTS:
        return 4 if name.startswith("behavioral_written") else 3
    return 0 if name == "f1" else 2 if name in SPENT else 1


def _time_predictions(trained: Trained, dataset: Dataset) -> dict[str, float]:
    texts = {project.id: project.text for project in dataset.projects}
    taken = []
    for id_ in trained.predictions.select("test").ids[:TIMED_TEXTS]:
        clock, cpu = time.perf_counter(), time.process_time()
        predict_tags(trained.model, trained.tags, trained.thresholds, [texts[id_]])
        taken.append((time.perf_counter() - clock, time.process_time() - cpu))
    by_clock, by_cpu = np.median(taken, axis=0) * 1000
    return {
        "milliseconds_a_prediction": float(by_clock),
        "cpu_milliseconds_a_prediction": float(by_cpu),
    }
