"""Reviews as files: JSON lines, CSV, Label Studio tasks, Argilla records; there and back."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tagifai.data import Project
from tagifai.data.csv_cells import bare_cell, guard_cell
from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.reviews import ReviewStore
from tagifai.reviews.events import TIME, Review
from tagifai.reviews.tasks import (
    Task,
    argilla_records,
    from_argilla,
    from_label_studio,
    label_studio_tasks,
)

FORMATS = ("jsonl", "label-studio", "argilla", "csv")
MAX_FILE = 256 * 2**20
_COLUMNS = [field.name for field in fields(Review)]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought: events new, known before, of other data, of unknown projects."""

    num_new: int
    num_known: int
    num_other_data: int
    num_unknown: int


def export_reviews(reviews: Iterable[Review], kind: str, tasks: Iterable[Task] = ()) -> str:
    """Write reviews as the text of a file; `parse_reviews` gives the same ones back.

    For "label-studio" and "argilla" give `tasks` (`build_tasks`), which hold the projects'
    texts and the reviews already; the other kinds have no use for them.

    Raises:
        TagifaiError: an unknown kind.
    """
    if kind not in FORMATS:
        raise one_of("format of reviews", kind, FORMATS)
    if kind == "label-studio":
        return json.dumps(label_studio_tasks(tasks), ensure_ascii=False, indent=1)
    if kind == "argilla":
        return json.dumps(argilla_records(tasks), ensure_ascii=False, indent=1)
    rows = [review.to_dict() for review in reviews]
    if kind == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    writer.writerows([guard_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def parse_reviews(
    content: bytes, kind: str, where: str = "reviews", *, now: str = ""
) -> tuple[Review, ...]:
    """Read the reviews of a file, in the order of the file; run nothing of it.

    From Label Studio and Argilla also what annotators chose there: a tag put to a project
    or taken from it, and "right" for a pair they were asked about and left as it is. `now`
    is the time given to answers that carry none (by default the present).

    Raises:
        TagifaiError: not such a file, too large, or an invalid review; the message starts
            with `where` and names the row.
    """
    if kind not in FORMATS:
        raise one_of("format of reviews", kind, FORMATS)
    if len(content) > MAX_FILE:
        raise TagifaiError(f"{where}: {len(content):,} bytes; at most {MAX_FILE:,} are read")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TagifaiError(f"{where}: not UTF-8 text (byte {error.start})") from None
    found: list[Review] = []
    for row, read in _readers(text, kind, where, now or datetime.now(UTC).strftime(TIME)):
        try:
            found.extend(read())
        except TagifaiError as error:
            raise TagifaiError(f"{where}: row {row}: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TagifaiError(
                f"{where}: row {row}: not as {kind} writes it ({shorten(repr(error))})"
            ) from None
    unique = dict.fromkeys(review.uid for review in found)
    by_uid = {review.uid: review for review in reversed(found)}
    return tuple(by_uid[uid] for uid in unique)


def import_reviews(
    store: ReviewStore,
    reviews: Iterable[Review],
    projects: Mapping[str, Project],
    data_digest: str = "",
) -> Imported:
    """Keep the reviews that the store does not hold yet, all or none.

    Reviews made on other data are kept and counted, as are those of projects that this data
    does not have.

    Raises:
        TagifaiError: not one review is about a project of this data.
    """
    reviews = tuple(reviews)
    unknown = [review for review in reviews if review.project not in projects]
    if reviews and len(unknown) == len(reviews):
        raise TagifaiError(
            f"these {len(reviews)} reviews are of another data set: none of their projects "
            f"(such as {shorten(reviews[0].project)!r}) is in this one"
        )
    new = store.merge(reviews)
    other = sum(bool(r.data_digest) and r.data_digest != data_digest for r in reviews)
    return Imported(new, len(reviews) - new, other, len(unknown))


def _readers(
    text: str, kind: str, where: str, now: str
) -> Iterable[tuple[int, Callable[[], Iterable[Review]]]]:
    if kind == "jsonl":
        for row, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                yield row, partial(_line_reviews, line)
    elif kind == "csv":
        for row, values in enumerate(_csv_rows(text, where), start=1):
            yield row, partial(_row_reviews, values)
    else:
        read = from_label_studio if kind == "label-studio" else from_argilla
        try:
            records = _loads(text)
        except TagifaiError as error:
            raise TagifaiError(f"{where}: {error}") from None
        if not isinstance(records, list):
            raise TagifaiError(f"{where}: a list of objects is needed")
        for row, record in enumerate(records, start=1):
            yield row, partial(read, record, now)


def _line_reviews(line: str) -> list[Review]:
    values = _loads(line)
    if not isinstance(values, Mapping):
        raise TypeError("not an object")
    return [Review.from_dict(values)]


def _row_reviews(values: Mapping[str, str]) -> list[Review]:
    return [Review.from_dict(values)]


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TagifaiError(f"not JSON ({shorten(str(error))})") from None


def _csv_rows(text: str, where: str) -> Iterable[dict[str, str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if header != _COLUMNS:
            raise TagifaiError(f"{where}: the header {','.join(_COLUMNS)} is needed")
        for row, cells in enumerate(reader, start=1):
            if len(cells) != len(_COLUMNS):
                raise TagifaiError(
                    f"{where}: row {row}: {len(cells)} cells under {len(_COLUMNS)} columns"
                )
            yield dict(zip(_COLUMNS, map(bare_cell, cells), strict=True))
    except csv.Error as error:
        raise TagifaiError(f"{where}: line {reader.line_num}: not CSV: {error}") from None
