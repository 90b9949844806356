"""Score and evaluate data that fit no machine: part by part, on as many workers as there are.

Each part is a Parquet file. A task is given its path, reads it some rows at a time, writes the
predictions beside it and returns counts, which are merged: memory does not grow with the data.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tagifai.arrays import Array
from tagifai.data.names import normalise_names
from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.metrics.figures import FIGURES, Counts, Figures, precision_recall_f1
from tagifai.predictions import SPLITS, decide, threshold_array

if TYPE_CHECKING:
    import pyarrow

    from tagifai.models.predictor import Progress

ROWS_AT_ONCE = 5_000
NEEDED = ("id", "title", "description", "tags")
PART_NAME = "part-{:05}.parquet"


@dataclass(frozen=True, slots=True)
class ScoredVersion:
    """Which version predicts, and where a worker finds it.

    Attributes
    ----------
    models, version : str
        The home of versions, and the version's name.
    allow : tuple of str
        What predictors may do: see `--allow-predictor`.
    """

    models: str
    version: str
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartTask:
    """A part to score.

    Attributes
    ----------
    predictor : ScoredVersion
        What predicts.
    source, target : Path
        The part, and where its predictions are written; the folder exists.
    split : str
        The split to score, by the column of this name; "" for all rows.
    top : int
        The most probabilities to write of a project.
    floor : float
        Probabilities below it are not written.
    """

    predictor: ScoredVersion
    source: Path
    target: Path
    split: str = ""
    top: int = 50
    floor: float = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class PartCounts:
    """What a part, or several together, come to.

    Attributes
    ----------
    projects : int
        Projects that were scored.
    tp, fp, fn : int64 arrays of shape (n_tags,)
        True positives, false positives and false negatives of each tag.
    squared : float
        The sum of squared errors of all probabilities.
    """

    projects: int
    tp: Array
    fp: Array
    fn: Array
    squared: float

    def __add__(self, other: "PartCounts") -> "PartCounts":
        """Merge the counts of two parts."""
        return PartCounts(
            self.projects + other.projects,
            self.tp + other.tp,
            self.fp + other.fp,
            self.fn + other.fn,
            self.squared + other.squared,
        )


@dataclass(frozen=True, slots=True)
class PartsFigures:
    """The figures of all parts.

    Attributes
    ----------
    parts, projects : int
        How many were scored.
    micro : Figures
        Of all pairs, pooled.
    weighted, macro : mapping of str to float or None
        Averages over the tags for which a figure is defined, by support and alike.
    brier : float or None
        The mean squared error of the probabilities.
    by_tag : mapping of str to mapping
        Each tag's precision, recall, F1 and number of projects that have it.
    """

    parts: int
    projects: int
    micro: Figures
    weighted: Mapping[str, float | None]
    macro: Mapping[str, float | None]
    brier: float | None
    by_tag: Mapping[str, Mapping[str, float | None]]

    def to_json(self) -> dict[str, object]:
        """Return the figures as `--json` prints them."""
        return asdict(self)


def find_parts(folder: Path, split: str = "") -> list[Path]:
    """Find the parts of a folder, and check that each has the columns that are needed.

    Parameters
    ----------
    folder : Path
        A Parquet file, or a folder of them.
    split : str
        The split that will be scored; then a column `split` is needed, too.

    Raises
    ------
    TagifaiError
        There is no part, or one is damaged or has another schema.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    if split and split not in SPLITS:
        raise one_of("split", split, SPLITS)
    paths = sorted(folder.glob("*.parquet")) if folder.is_dir() else [folder]
    if not paths:
        raise TagifaiError(f"{folder}: no Parquet file in it")
    needed = (*NEEDED, "split") if split else NEEDED
    first: dict[str, object] = {}
    for path in paths:
        try:
            schema = parquet.read_schema(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise TagifaiError(f"{path}: not Parquet ({shorten(str(error), 120)})") from None
        for name in needed:
            if name not in schema.names:
                raise TagifaiError(
                    f"{path}: no column {name!r}; needed: {', '.join(needed)}, among "
                    f"{shorten(', '.join(schema.names), 200)}"
                )
            kind = schema.field(name).type
            if first.setdefault(name, kind) != kind:
                raise TagifaiError(
                    f"{path}: column {name!r} is {kind}, and {first[name]} in {paths[0]}"
                )
    return paths


def score_parts(
    predictor: ScoredVersion,
    parts: Sequence[Path],
    target: Path,
    *,
    split: str = "",
    top: int = 50,
    floor: float = 0.01,
    spread: Callable[[Callable[[PartTask], PartCounts], Sequence[PartTask]], Iterator[PartCounts]]
    | None = None,
    progress: "Progress | None" = None,
) -> PartsFigures:
    """Score parts, write their predictions to a new folder, and return the figures of all.

    Parameters
    ----------
    predictor : ScoredVersion
        What predicts.
    parts : sequence of Path
        From `find_parts`.
    target : Path
        A new or empty folder.
    split, top, floor
        As in `PartTask`.
    spread : callable, optional
        Does tasks elsewhere and yields their results in order, as `Spread.map` does.
    progress : callable, optional
        Called after each part.

    Raises
    ------
    TagifaiError
        The folder has something in it or cannot be written, a row is not a project, or the
        version cannot predict.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise TagifaiError(f"{target}: not empty; predictions go to a new folder")
    except OSError as error:
        raise TagifaiError(f"{target}: cannot be written ({error.strerror or error})") from None
    tags, _, _ = _open(predictor)
    tasks = [
        PartTask(
            predictor,
            path.resolve(),
            target.resolve() / PART_NAME.format(number),
            split,
            top,
            floor,
        )
        for number, path in enumerate(parts)
    ]
    results = map(score_part, tasks) if spread is None else spread(score_part, tasks)
    total: PartCounts | None = None
    for done, counts in enumerate(results, start=1):
        total = counts if total is None else total + counts
        if progress is not None:
            progress(done, len(tasks), "parts")
    assert total is not None
    return _figures(total, len(tasks), tags)


def score_part(task: PartTask) -> PartCounts:
    """Score one part and write its predictions; nothing is left of a part that fails.

    Raises
    ------
    TagifaiError
        As `score_parts` does.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    tags, thresholds, predict = _open(task.predictor)
    zeros = np.zeros(len(tags), np.int64)
    total = PartCounts(0, zeros, zeros, zeros, 0.0)
    unfinished = task.target.with_suffix(".unfinished")
    writer = None
    try:
        for batch in _batches(task):
            y_true = _truth(batch, tags, task.source)
            y_prob = predict(_texts(batch))
            table = _pack(batch, y_true, y_prob, tags, task)
            writer = writer or parquet.ParquetWriter(unfinished, table.schema, compression="zstd")
            writer.write_table(table)
            total += _count(y_true, y_prob, thresholds)
        if writer is None:
            writer = parquet.ParquetWriter(unfinished, _schema(tags), compression="zstd")
        writer.close()
        unfinished.replace(task.target)
    except (OSError, pyarrow.ArrowException) as error:
        raise TagifaiError(
            f"{task.source}: its predictions cannot be written to {task.target} "
            f"({shorten(str(error), 160)})"
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return total


def _batches(task: PartTask) -> Iterator["pyarrow.RecordBatch"]:
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    columns = [*NEEDED, "split"] if task.split else list(NEEDED)
    with parquet.ParquetFile(task.source) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=columns):
            if task.split:
                batch = batch.filter(compute.equal(batch.column("split"), task.split))
            if batch.num_rows:
                yield batch


def _texts(batch: "pyarrow.RecordBatch") -> list[str]:
    """Return what a predictor reads of each row, as `Project.text` has it."""
    titles, descriptions = (batch.column(name).to_pylist() for name in ("title", "description"))
    return [f"{a or ''} {b or ''}".strip() for a, b in zip(titles, descriptions, strict=True)]


def _truth(batch: "pyarrow.RecordBatch", tags: tuple[str, ...], source: Path) -> Array:
    place = {tag: column for column, tag in enumerate(tags)}
    y_true = np.zeros((batch.num_rows, len(tags)), bool)
    for row, own in enumerate(batch.column("tags").to_pylist()):
        if not isinstance(own, list):
            name = batch.column("id")[row].as_py()
            raise TagifaiError(f"{source}: id {name}, tags: a list is needed, got {own!r}")
        y_true[row, [place[tag] for tag in normalise_names(own) if tag in place]] = True
    return y_true


def _count(y_true: Array, y_prob: Array, thresholds: Array) -> PartCounts:
    decided = decide(y_prob, thresholds)
    tp, fp, fn = (
        pairs.sum(axis=0, dtype=np.int64)
        for pairs in (y_true & decided, ~y_true & decided, y_true & ~decided)
    )
    squared = float(np.square(y_prob.astype(np.float64) - y_true).sum())
    return PartCounts(len(y_true), tp, fp, fn, squared)


def _pack(
    batch: "pyarrow.RecordBatch",
    y_true: Array,
    values: Array,
    tags: tuple[str, ...],
    task: PartTask,
) -> "pyarrow.Table":
    import pyarrow

    kept = values >= task.floor
    if task.top < len(tags):
        least = np.partition(values, len(tags) - task.top, axis=1)[:, len(tags) - task.top]
        # Of equals the first ones.
        above, equal = values > least[:, None], values == least[:, None]
        room = task.top - above.sum(axis=1, keepdims=True)
        kept &= above | (equal & (equal.cumsum(axis=1) <= room))
    lists = pyarrow.ListArray.from_arrays(_ends(kept), pyarrow.array(values[kept]))
    ids = [str(one) for one in batch.column("id").to_pylist()]
    columns = [pyarrow.array(ids, pyarrow.string()), _lists(y_true), _lists(kept), lists]
    return pyarrow.Table.from_arrays(columns, schema=_schema(tags))


def _schema(tags: tuple[str, ...]) -> "pyarrow.Schema":
    import orjson
    import pyarrow

    lists = pyarrow.list_(pyarrow.int32())
    fields = {
        "id": pyarrow.string(),
        "tags": lists,
        "columns": lists,
        "probabilities": pyarrow.list_(pyarrow.float32()),
    }
    return pyarrow.schema(fields, metadata={"tags": orjson.dumps(tags)})


def _lists(mask: Array) -> "pyarrow.ListArray":
    import pyarrow

    return pyarrow.ListArray.from_arrays(
        _ends(mask), pyarrow.array(np.nonzero(mask)[1].astype(np.int32))
    )


def _ends(mask: Array) -> "pyarrow.Array":
    import pyarrow

    return pyarrow.array(np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int32))


def _figures(total: PartCounts, parts: int, tags: Sequence[str]) -> PartsFigures:
    from tagifai.metrics import average_defined

    found = dict(
        zip(FIGURES, precision_recall_f1(Counts(total.tp, total.fp, total.fn)), strict=True)
    )
    support = total.tp + total.fn
    pooled = [int(counts.sum()) for counts in (total.tp, total.tp + total.fp, support)]
    by_tag = {
        tag: {
            **{name: _defined(values[column]) for name, values in found.items()},
            "num_samples": int(support[column]),
        }
        for column, tag in enumerate(tags)
    }
    pairs = total.projects * len(tags)
    return PartsFigures(
        parts,
        total.projects,
        Figures.of(*pooled),
        {name: average_defined(values, support)[0] for name, values in found.items()},
        {name: average_defined(values)[0] for name, values in found.items()},
        total.squared / pairs if pairs else None,
        by_tag,
    )


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


@lru_cache(maxsize=1)
def _open(
    predictor: ScoredVersion,
) -> tuple[tuple[str, ...], Array, Callable[[list[str]], Array]]:
    """Open a version once a process: its tags, its thresholds, and what predicts."""
    from tagifai.services.data import DataService
    from tagifai.services.versions import VersionService
    from tagifai.store.cache import ContentCache, open_memory
    from tagifai.store.versions import open_source

    service = VersionService(
        open_source(predictor.models),
        ContentCache(open_memory(None)),
        DataService(Path()),
        allow_predictor=predictor.allow,
    )
    version = service.load(predictor.version)
    if service.keeps_model(predictor.version):
        model = service.model(predictor.version)
        tags = tuple(version.info.get("tags") or version.thresholds)
        predict: Callable[[list[str]], Array] = model.predict_proba
    else:
        other = service.predictor(predictor.version)
        tags, predict = tuple(other.tags), other.predict_proba
    thresholds = threshold_array(tags, {tag: version.threshold(tag) for tag in tags})
    return tags, thresholds, predict
