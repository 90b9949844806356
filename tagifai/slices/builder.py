"""Build a slice from conditions, measure it, and save it by name to the data folder."""

import json
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tagifai.data.records import MAX_BYTES
from tagifai.errors import TagifaiError, shorten
from tagifai.metrics import Counts, count_outcomes
from tagifai.metrics.intervals import share_interval
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.selection import Array
from tagifai.slices import SLICE_FILE, Conditions, load_slices
from tagifai.slices.finder import Condition

MAX_NAME = 80
MOST_SLICES = 200
_WRITING = threading.Lock()


def measure_slice(
    predictions: Predictions, thresholds: Mapping[str, float], rows: Sequence[int] | Array
) -> dict[str, Any]:
    """Score the projects of these rows: micro precision, recall, f1, each with an interval.

    Returns {metric: {"value", "low", "high"}} and num_samples. The 95 % interval takes
    projects, not pairs, as drawn at random (`share_interval`); it is None where fewer than ten
    projects have anything to count, and the value where none has.
    """
    rows = np.asarray(rows, dtype=np.intp)
    cuts = threshold_array(predictions.tags, thresholds)
    predicted = decide(predictions.y_prob[rows], cuts)
    return slice_estimates(count_outcomes(predictions.y_true[rows], predicted, axis=1))


def slice_estimates(counts: Counts) -> dict[str, Any]:
    """Score projects by their outcomes, (n_projects,) each, as `measure_slice` does."""
    estimates = {name: asdict(share_interval(*part)) for name, part in counts.parts().items()}
    return {"num_samples": len(counts.tp), **estimates}


def save_slice(
    folder: Path | str, name: str, conditions: Conditions, description: str = ""
) -> None:
    """Add a slice to the data folder's `slices.json`; all of it is there at the end or as before.

    Raises:
        TagifaiError: the name is taken, nothing is asked, or the file cannot be written.
    """
    path = Path(folder) / SLICE_FILE
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
    """Turn a proposal of the finder into the same slice as one would build it.

    >>> as_conditions([Condition("tag", "nlp"), Condition("length", "at most", "6")]).given()
    {'all_of': ['nlp'], 'max_words': 6}
    """
    tags, words, columns = [], [], {}
    bounds: dict[str, Any] = {}
    for one in found:
        if one.kind == "tag":
            tags.append(one.name)
        elif one.kind == "word":
            words.append(one.name)
        elif one.kind == "column":
            columns[one.name] = (one.value,)
        elif one.kind == "length" and one.name == "at most":
            bounds["max_words"] = int(one.value)
        elif one.kind == "length":
            bounds["min_words"] = int(one.value)
        else:
            bounds["min_unseen"] = float(one.value)
    return Conditions(all_of=tuple(tags), all_words=tuple(words), columns=columns, **bounds)


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
