"""Build a slice from conditions, measure it, and save it by name to the data folder."""

import json
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tagifai.arrays import Array
from tagifai.data.hub import refuse_hub_folder
from tagifai.data.json_files import MAX_BYTES
from tagifai.errors import TagifaiError, shorten
from tagifai.metrics import Counts, count_outcomes
from tagifai.metrics.intervals import Estimate, share_interval
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.slices import SLICE_FILE, Conditions, load_slices
from tagifai.slices.finder import Condition

MAX_NAME = 80
MOST_SLICES = 200
_WRITING = threading.Lock()


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """Figures of a slice, pooled over all (project, tag) pairs (micro), with 95 % intervals.

    The intervals take projects, not pairs, as drawn at random (`share_interval`). They are None
    where fewer than ten projects have anything to count, and the value is None where none has.
    `num_samples` is the number of projects, `num_positives` that of the tags they carry.
    """

    num_samples: int
    num_positives: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


def measure_slice(
    predictions: Predictions, thresholds: Mapping[str, float], rows: Sequence[int] | Array
) -> SliceFigures:
    """Score the projects of these rows: micro precision, recall and F1, each with an interval."""
    rows = np.asarray(rows, dtype=np.intp)
    cuts = threshold_array(predictions.tags, thresholds)
    predicted = decide(predictions.y_prob[rows], cuts)
    return slice_estimates(count_outcomes(predictions.y_true[rows], predicted, axis=1))


def slice_estimates(counts: Counts) -> SliceFigures:
    """Score projects by their outcomes, (n_projects,) each, as `measure_slice` does."""
    estimates = {name: share_interval(*part) for name, part in counts.parts().items()}
    return SliceFigures(
        num_samples=len(counts.tp),
        num_positives=int((counts.tp + counts.fn).sum()),
        **estimates,
    )


def save_slice(
    folder: Path | str, name: str, conditions: Conditions, description: str = ""
) -> None:
    """Add a slice to the data folder's `slices.json`, or leave the file as it was.

    Raises
    ------
    TagifaiError
        The name is taken, nothing is asked, or the file cannot be written.
    """
    path = Path(folder) / SLICE_FILE
    refuse_hub_folder(folder)
    with _WRITING:
        taken = load_slices(folder)
        name = name.strip()
        if not name or len(name) > MAX_NAME or name in taken:
            raise TagifaiError(
                f"slice {shorten(name)!r}: choose a name that is not taken, of 1 to {MAX_NAME} "
                f"characters"
            )
        if len(taken) >= MOST_SLICES:
            raise TagifaiError(f"{path}: at most {MOST_SLICES} slices are kept")
        given = conditions.given()
        Conditions.of(given, f"slice {name!r}")
        rows = json.loads(path.read_text("utf-8-sig")) if path.exists() else []
        rows.append({"name": name, "description": description, **given})
        content = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
        if len(content.encode()) > MAX_BYTES:
            raise TagifaiError(f"{path}: full; at most {MAX_BYTES:,} bytes are read")
        _write(path, content)


def as_conditions(found: Iterable[Condition]) -> Conditions:
    """Return the conditions of a found slice as somebody would build them.

    >>> as_conditions([Condition("tag", "nlp"), Condition("length", "at most", "6")]).given()
    {'all_of': ['nlp'], 'max_words': 6}
    """
    built = Conditions()
    for one in found:
        if one.kind == "tag":
            built = replace(built, all_of=(*built.all_of, one.name))
        elif one.kind == "word":
            built = replace(built, all_words=(*built.all_words, one.name))
        elif one.kind == "column":
            built = replace(built, columns={**built.columns, one.name: (one.value,)})
        elif one.kind == "length" and one.name == "at most":
            built = replace(built, max_words=int(one.value))
        elif one.kind == "length":
            built = replace(built, min_words=int(one.value))
        else:
            built = replace(built, min_unseen=float(one.value))
    return built


def _write(path: Path, content: str) -> None:
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
        if scratch:
            Path(scratch).unlink(missing_ok=True)
        raise TagifaiError(f"{path}: cannot be written ({error.strerror or error})") from None
