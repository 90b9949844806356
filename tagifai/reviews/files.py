"""Write and read files of reviews: JSON lines, CSV, Label Studio tasks, Argilla records."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial

from tagifai.data.csv_cells import bare_cell, guard_cell
from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.limits import Limit, Limits
from tagifai.reviews.annotations import Annotation, Answers, from_argilla, from_label_studio
from tagifai.reviews.tasks import Task, argilla_records, label_studio_tasks
from tagifai.store.review_events import MAX_UNCHANGED, Review

FORMATS = ("jsonl", "label-studio", "argilla", "csv")
_COLUMNS = [field.name for field in fields(Review)]
# A file of an earlier release lacks the last two.
_HEADERS = (_COLUMNS, _COLUMNS[:-2])


@dataclass(frozen=True, slots=True)
class ReviewFile:
    """The content of a file of reviews.

    Parameters
    ----------
    reviews : tuple of Review
        Reviews that tagifai wrote, in the order of the file.
    annotations : tuple of Annotation
        People's answers in another tool, in the order of the file.
    families : mapping of str to str
        The project of each task, by the beginning of the sources of its annotations.
    unused : mapping of str to int
        Results that are no decisions, by the reason.
    rows : mapping of str to int
        The row of each review, by its uid, from 1.
    where : str
        The file, for messages.
    """

    reviews: tuple[Review, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    families: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    where: str = "reviews"


def export_reviews(reviews: Iterable[Review], kind: str, tasks: Iterable[Task] = ()) -> str:
    """Return reviews as the text of a file, which `read_reviews` reads back.

    Parameters
    ----------
    reviews : iterable of Review
        The reviews.
    kind : str
        One of `FORMATS`.
    tasks : iterable of Task
        For "label-studio" and "argilla", what `build_tasks` returned, with the projects' texts
        and the reviews in it.

    Raises
    ------
    TagifaiError
        An unknown kind.
    """
    if kind not in FORMATS:
        raise one_of("format of reviews", kind, FORMATS)
    if kind == "label-studio":
        return json.dumps(label_studio_tasks(tasks), ensure_ascii=False, indent=1)
    if kind == "argilla":
        return json.dumps(argilla_records(tasks), ensure_ascii=False, indent=1)
    if kind == "jsonl":
        lines = (json.dumps(review.to_dict(), ensure_ascii=False) for review in reviews)
        return "".join(f"{line}\n" for line in lines)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    writer.writerows([guard_cell(getattr(r, name)) for name in _COLUMNS] for r in reviews)
    return text.getvalue()


def read_reviews(
    content: bytes,
    kind: str,
    where: str = "reviews",
    limit: Limit = Limits().reviews,  # noqa: B008 - frozen
) -> ReviewFile:
    """Read the reviews and annotations of a file, in its order; nothing in it is executed.

    Parameters
    ----------
    content : bytes
        The file.
    kind : str
        One of `FORMATS`.
    where : str
        The file, which messages start with.
    limit : Limit
        How large the file may be.

    Raises
    ------
    TagifaiError
        The file is of another kind, or too large, or something in it is neither a review nor an
        answer to a task of tagifai; the message names row and field.
    """
    if kind not in FORMATS:
        raise one_of("format of reviews", kind, FORMATS)
    limit.check(len(content), where)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TagifaiError(f"{where}: not UTF-8 text (byte {error.start})") from None
    reviews: dict[str, Review] = {}
    annotations: list[Annotation] = []
    families: dict[str, str] = {}
    unused: Counter[str] = Counter()
    rows: dict[str, int] = {}
    for row, read in _readers(text, kind, where):
        try:
            answers = read()
        except TagifaiError as error:
            raise TagifaiError(f"{where}: row {row}: {error}") from None
        for review in answers.reviews:
            reviews.setdefault(review.uid, review)
            rows.setdefault(review.uid, row)
        annotations += (
            replace(one, where=f"row {row}, {one.where}") for one in answers.annotations
        )
        families |= {answers.family: answers.project} if answers.family else {}
        unused += answers.unused
    return ReviewFile(
        tuple(reviews.values()), tuple(annotations), families, dict(unused), rows, where
    )


def _readers(text: str, kind: str, where: str) -> Iterable[tuple[int, Callable[[], Answers]]]:
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
            yield row, partial(read, record)


def _line_reviews(line: str) -> Answers:
    values = _loads(line)
    if not isinstance(values, Mapping):
        raise TagifaiError(f"an object is needed, got {shorten(line.strip())}")
    return Answers((Review.from_dict(values),))


def _row_reviews(values: Mapping[str, str]) -> Answers:
    return Answers((Review.from_dict(values),))


def _loads(text: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TagifaiError(f"not JSON ({shorten(str(error))})") from None
    return found


def _csv_rows(text: str, where: str) -> Iterable[dict[str, str]]:
    csv.field_size_limit(MAX_UNCHANGED)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if header not in _HEADERS:
            raise TagifaiError(f"{where}: the header {','.join(_COLUMNS)} is needed")
        lines = (cells for cells in reader if any(map(str.strip, cells)))  # not the blank ones
        for row, cells in enumerate(lines, start=1):
            if len(cells) != len(header):
                raise TagifaiError(
                    f"{where}: row {row}: {len(cells)} cells under {len(header)} columns"
                )
            yield dict(zip(header, map(bare_cell, cells), strict=True))
    except csv.Error as error:
        raise TagifaiError(f"{where}: line {reader.line_num}: not CSV: {error}") from None
