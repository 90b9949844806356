"""Build a slice from conditions, measure it, and save it by name to the data folder."""

import json
import os
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from tagifai.data import Project
from tagifai.errors import TagifaiError, one_of
from tagifai.metrics import count_outcomes, precision_recall_f1
from tagifai.parts import Array, cuts_of
from tagifai.predictions import Predictions
from tagifai.preprocessing import preprocess_text
from tagifai.slices import SLICE_FILE, Conditions, load_slices

FEWEST_FOR_INTERVAL = 5


@dataclass(frozen=True, slots=True)
class BuiltSlice:
    """What a slice's projects have in common; all that is given must hold.

    `conditions` are about tags, words and length. `min_unseen`, in [0, 1]: at least this
    share of a text's words is unknown to training. `columns`: for each column of the data,
    the values (as text) of which one must stand there.
    """

    conditions: Conditions = field(default_factory=Conditions)
    min_unseen: float | None = None
    columns: Mapping[str, Collection[str]] = field(default_factory=dict)


def training_words(predictions: Predictions, projects: Mapping[str, Project]) -> frozenset[str]:
    """Collect the words of the preprocessed texts of train and val."""
    learnt = np.flatnonzero(predictions.split != "test")
    found = (projects.get(predictions.ids[row]) for row in learnt)
    return frozenset(w for p in found if p for w in preprocess_text(p.text).split())


def in_slice(
    built: BuiltSlice, projects: Sequence[Project], known_words: Collection[str] = ()
) -> Array:
    """Tell which projects are in the slice, bool (n_projects,).

    Raises:
        TagifaiError: a column that no project has, or a share outside [0, 1].
    """
    if built.min_unseen is not None and not 0 <= built.min_unseen <= 1:
        raise TagifaiError(f"min_unseen: a share from 0 to 1 is needed, got {built.min_unseen}")
    columns = {column for project in projects for column in project.extra}
    for column in built.columns:
        if column not in columns:
            raise one_of("column", column, sorted(columns))
    return np.array(
        [_holds(built, p, preprocess_text(p.text).split(), known_words) for p in projects], bool
    )


def measure_slice(
    predictions: Predictions, thresholds: Mapping[str, float], rows: Sequence[int] | Array
) -> dict[str, Any]:
    """Score the projects of these rows: micro precision, recall, f1, each with an interval.

    Returns {metric: {"value", "low", "high"}} and num_samples. The 95 % interval takes
    projects, not pairs, as drawn at random (ratio estimator, Student's t); it is None below
    `FEWEST_FOR_INTERVAL` projects and where all score alike.
    """
    rows = np.asarray(rows, dtype=np.intp)
    predicted = predictions.y_prob[rows] >= cuts_of(predictions.tags, thresholds)
    tp, fp, fn = count_outcomes(predictions.y_true[rows], predicted, axis=1)
    values = precision_recall_f1(count_outcomes(predictions.y_true[rows], predicted, axis=None))
    parts = ((tp, tp + fp), (tp, tp + fn), (2 * tp, 2 * tp + fp + fn))
    result: dict[str, Any] = {"num_samples": len(rows)}
    for name, value, (part, whole) in zip(
        ("precision", "recall", "f1"), values, parts, strict=True
    ):
        margin = _margin(float(value), part.astype(float), whole.astype(float))
        result[name] = {
            "value": float(value),
            "low": None if margin is None else max(0.0, float(value) - margin),
            "high": None if margin is None else min(1.0, float(value) + margin),
        }
    return result


def save_slice(
    folder: Path | str, name: str, conditions: Conditions, description: str = ""
) -> None:
    """Add a slice to the data folder's `slices.json`; all of it is there at the end or as before.

    Raises:
        TagifaiError: the name is taken, nothing is asked, or the file cannot be written.
    """
    path = Path(folder) / SLICE_FILE
    taken = load_slices(folder)
    if not name.strip() or name in taken:
        raise TagifaiError(f"slice {name!r}: choose a name that is not taken")
    given = {key: value for key, value in asdict(conditions).items() if value not in ((), None)}
    if not given:
        raise TagifaiError(f"slice {name!r}: give at least one condition")
    rows = json.loads(path.read_text("utf-8-sig")) if path.exists() else []
    rows.append({"name": name, "description": description, **given})
    content = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    scratch = ""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{SLICE_FILE}-", delete=False
        ) as file:
            scratch = file.name
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except OSError as error:
        Path(scratch).unlink(missing_ok=True)
        raise TagifaiError(f"{path}: cannot be written ({error.strerror or error})") from None


def _holds(
    built: BuiltSlice, project: Project, words: Sequence[str], known: Collection[str]
) -> bool:
    if built.min_unseen is not None:
        unseen = sum(word not in known for word in words)
        if not words or unseen / len(words) < built.min_unseen:
            return False
    return built.conditions(project, words) and all(
        str(project.extra.get(column)) in values for column, values in built.columns.items()
    )


def _margin(value: float, part: Array, whole: Array) -> float | None:
    n = len(part)
    if n < FEWEST_FOR_INTERVAL or not whole.sum():
        return None
    spread = float(np.std((part - value * whole) / whole.mean(), ddof=1))
    return float(stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n)) if spread > 0 else None
