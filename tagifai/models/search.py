"""Search parameters: random trials scored out of fold, that go on where they were stopped."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.model_selection import KFold, ParameterGrid
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from tagifai.data import Dataset, prepare
from tagifai.errors import TagifaiError, shorten
from tagifai.metrics import overall_metrics
from tagifai.metrics.thresholds import choose_thresholds
from tagifai.models import build_model
from tagifai.models.classifier import Progress
from tagifai.models.params import Params
from tagifai.models.splits import split_projects
from tagifai.models.training import label_matrix

SPACE: Mapping[str, Sequence[Any]] = {
    "word_ngrams": (1, 2, 3),
    "char_ngrams": (0, 4, 5, 6),
    "min_df": (1, 2, 3),
    "stem": (False, True),
    "aliases": ("none", "exact", "fuzzy"),
    "alias_weight": (0.1, 0.3, 1.0),
    "estimator": ("logistic", "svc"),
    "C": (0.1, 0.3, 1.0, 3.0, 10.0),
    "class_weight": (None, "balanced"),
    "log_count_ratio": (False, True),
    "ratio_c": (0.03, 0.1, 0.3, 1.0),
    "threshold_shrinkage": (10.0, 30.0, 100.0),
}


def optimize(
    dataset: Dataset,
    params: Params,
    *,
    trials: int = 30,
    path: Path | str | None = None,
    space: Mapping[str, Sequence[Any]] = SPACE,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Try `trials` random choices from `space` around `params`; best first.

    Each trial: {"number", "params" (what differs), "f1", "seconds"}. The score is the weighted
    F1 of train and validation projects out of fold, with thresholds from other folds; test is
    never looked at. Trial 0 is `params` unchanged. The choices follow from `params.seed`
    alone, so that a run which reads the trials kept in `path` (JSON lines, one added as each
    ends) goes on where the last one was stopped.

    Raises:
        TagifaiError: `path` holds trials of other data, other params or another space.
    """
    if trials < 1:
        raise TagifaiError(f"trials must be 1 or more, got {trials}")
    grid = ParameterGrid({name: list(choices) for name, choices in space.items()})
    # One order whatever the number of trials: more of them continue fewer.
    order = np.random.default_rng(params.seed).permutation(len(grid))
    chosen: list[dict[str, Any]] = [{}, *(dict(grid[int(i)]) for i in order[: trials - 1])]
    base = {"data": dataset.digest, "base": params.to_dict()}
    done = _read_trials(Path(path), base, chosen) if path else {}
    waiting = [number for number in range(len(chosen)) if number not in done]
    results = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_run_trial)(dataset, params, number, chosen[number]) for number in waiting
    )
    for trial in results:
        done[trial["number"]] = trial
        if path:
            with Path(path).open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({**trial, **base}) + "\n")
        if progress:
            best = max(one["f1"] for one in done.values())
            progress(len(done), len(chosen), f"best F1 {best:.3f}")
    return sorted(done.values(), key=lambda one: (-one["f1"], one["number"]))


def score_params(dataset: Dataset, params: Params) -> float:
    """Give the weighted F1 of train and validation projects, out of fold, in [0, 1].

    Thresholds too come from other projects than those they are applied to.
    """
    prepared = prepare(dataset, params.min_tag_freq)
    y_true = label_matrix(prepared)
    split = split_projects(y_true, params.train_size, params.val_size, params.seed)
    rows = np.flatnonzero(split != "test")
    model = build_model(params, prepared.tags, dataset.tags)
    with threadpool_limits(limits=1):
        y_prob = model.score_out_of_fold([prepared.projects[i].text for i in rows], y_true[rows])
    y_true = y_true[rows]
    y_pred = np.zeros_like(y_true)
    for others, part in KFold(params.folds, shuffle=True, random_state=params.seed).split(y_true):
        cut = choose_thresholds(
            y_true[others],
            y_prob[others],
            params.thresholds,
            params.threshold,
            params.threshold_shrinkage,
        )
        y_pred[part] = y_prob[part] >= cut
    return float(overall_metrics(y_true, y_pred)["f1"])


def _run_trial(
    dataset: Dataset, params: Params, number: int, choice: dict[str, Any]
) -> dict[str, Any]:
    start = time.perf_counter()
    try:
        f1 = score_params(dataset, params.replaced(choice))
    except TagifaiError:  # a choice at odds with itself, such as one without any feature
        f1 = 0.0
    seconds = round(time.perf_counter() - start, 1)
    return {"number": number, "params": choice, "f1": f1, "seconds": seconds}


def _read_trials(
    path: Path, base: dict[str, Any], chosen: list[dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    if not path.exists():
        return {}
    done: dict[int, dict[str, Any]] = {}
    lines = path.read_text("utf-8").splitlines(keepends=True)
    for row, line in enumerate(lines, start=1):
        try:
            trial = json.loads(line)
            kept = {name: trial[name] for name in ("number", "params", "f1", "seconds")}
            same = {name: trial[name] for name in base} == json.loads(json.dumps(base))
        except (ValueError, KeyError, TypeError):
            if row == len(lines):
                # The run was stopped while it wrote this line: the trial is made again.
                path.write_text("".join(lines[:-1]), "utf-8")
                break
            raise TagifaiError(f"{path}: row {row} is no trial: {shorten(line)!r}") from None
        number = kept["number"]
        if not same or (number < len(chosen) and kept["params"] != chosen[number]):
            raise TagifaiError(
                f"{path}: row {row} is a trial of other data, parameters or space; "
                f"choose another file or remove it"
            )
        if number < len(chosen):
            done[number] = kept
    return done
