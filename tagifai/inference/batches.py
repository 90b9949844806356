"""Many texts at once: from CSV, JSON lines or pasted lines; answers as a table to download."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tagifai.data.csv_cells import cell_of, guard_cell
from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.inference import TextPrediction

KINDS = ("lines", "csv", "jsonl")
MAX_ROWS = 50_000
MAX_TEXT = 100_000
CHUNK = 500
_MAX_BAD = 1_000
_MAX_LINES_A_ROW = 2_000
_TEXT_COLUMNS = ("text", "title", "description")

PredictTexts = Callable[[list[str]], Sequence[TextPrediction]]


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A row of the input: its number from 1, and its text, or why it has none."""

    number: int
    text: str = ""
    id: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The prediction for a row: (tag, probability) pairs, likeliest first."""

    row: BatchRow
    tags: tuple[tuple[str, float], ...] = ()
    near: tuple[tuple[str, float], ...] = ()
    """Up to three tags below their thresholds, likeliest first."""
    reason: str = ""


def read_texts(content: bytes, kind: str, max_text: int = MAX_TEXT) -> list[BatchRow]:
    """Read texts: one a line ("lines"), or from the columns or keys text, title, description.

    A title and a description are joined as those of projects. A row that cannot be read, or has
    more than `max_text` characters, says why in `error`, and the rest go on. Blank lines are
    skipped.

    Parameters
    ----------
    content
        The bytes of a file, or of what was pasted; UTF-8.
    kind
        One of `KINDS`.
    max_text
        The most characters of a text.

    Raises
    ------
    TagifaiError
        Too many rows, no row or no such column, or so many bad rows that the kind must be wrong.
    """
    if kind not in KINDS:
        raise one_of("kind of texts", kind, KINDS)
    # Bytes that are not UTF-8 become lone surrogates, by which their row is found.
    text = content.decode("utf-8-sig", "surrogateescape")
    readers = {"lines": _lines, "csv": _csv, "jsonl": _jsonl}
    rows: list[BatchRow] = []
    bad = 0
    # A cell may be as long as the file: a text that is too long is reported with its row.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    for row in readers[kind](text):
        if len(row.text) > max_text:
            row = BatchRow(
                row.number,
                error=f"{len(row.text):,} characters; at most {max_text:,} are read (--max-text)",
            )
        bad += bool(row.error)
        if bad > _MAX_BAD:
            raise TagifaiError(
                f"more than {_MAX_BAD:,} bad rows, the last of them row {row.number}: {row.error}"
            )
        if len(rows) == MAX_ROWS:
            raise TagifaiError(f"more than {MAX_ROWS:,} rows; split them into several files")
        rows.append(row)
    if not rows:
        raise TagifaiError("no text in it")
    return rows


def kind_of(filename: str) -> str:
    """Return the kind of a file, by its name.

    >>> kind_of("texts.CSV"), kind_of("notes.txt")
    ('csv', 'lines')
    """
    suffix = filename.lower().rpartition(".")[2]
    return {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl"}.get(suffix, "lines")


def predict_rows(
    rows: Sequence[BatchRow], predict: PredictTexts, size: Callable[[], int] = lambda: CHUNK
) -> Iterator[list[BatchAnswer]]:
    """Predict rows in their order; yield the answers in parts, to show progress.

    `size` is called for the number of rows of the next part.
    """
    start = 0
    while start < len(rows):
        part = rows[start : start + max(1, size())]
        start += len(part)
        answers = iter(predict([row.text for row in part if not row.error]))
        yield [BatchAnswer(row) if row.error else _answer(row, next(answers)) for row in part]


def to_csv(answers: Sequence[BatchAnswer]) -> str:
    """Write answers as CSV that a spreadsheet shows and never runs.

    Columns: row, id, text, tags, probabilities (of the tags), near_misses, note. Tags,
    probabilities and near misses are JSON lists, as the tags of a projects file are; of a row
    that could not be read they are empty.
    """
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(["row", "id", "text", "tags", "probabilities", "near_misses", "note"])
    for answer in answers:
        cells: list[object] = [
            answer.row.id,
            answer.row.text,
            [tag for tag, _ in answer.tags],
            [round(probability, 4) for _, probability in answer.tags],
            [tag for tag, _ in answer.near],
            answer.reason,
        ]
        if answer.row.error:  # nothing was predicted, not even that there is no tag
            cells = [answer.row.id, answer.row.text, None, None, None, answer.row.error]
        writer.writerow([answer.row.number, *(guard_cell(cell_of(cell)) for cell in cells)])
    return output.getvalue()


def to_jsonl(answers: Sequence[BatchAnswer]) -> str:
    """Write answers as JSON lines: row, id, text, tags and near_misses {tag: p}, note."""
    return "".join(
        json.dumps(
            {
                "row": answer.row.number,
                "id": answer.row.id,
                "text": answer.row.text,
                "tags": dict(answer.tags),
                "near_misses": dict(answer.near),
                "note": answer.row.error or answer.reason,
            },
            ensure_ascii=False,
        )
        + "\n"
        for answer in answers
    )


def _answer(row: BatchRow, prediction: TextPrediction) -> BatchAnswer:
    tags = tuple((tag, prediction.probabilities[tag]) for tag in prediction.tags)
    near = tuple(prediction.near_misses.items())
    return BatchAnswer(row, tags, near[:3], prediction.reason or "")


def _row(number: int, text: object, identifier: object = "") -> BatchRow:
    if not isinstance(text, str):
        return BatchRow(number, error=f"the text is not a string: {shorten(repr(text), 60)}")
    if any("\udc80" <= char <= "\udcff" for char in text):
        return BatchRow(number, error="not UTF-8 text")
    return BatchRow(
        number, replace_surrogates(text), shorten(replace_surrogates(str(identifier)), 200)
    )


def _lines(text: str) -> Iterator[BatchRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _row(number, line.rstrip("\r"))


def _jsonl(text: str) -> Iterator[BatchRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if any("\udc80" <= char <= "\udcff" for char in line):
            yield BatchRow(number, error="not UTF-8 text")
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield BatchRow(number, error=f"not JSON: {shorten(str(error), 100)}")
            continue
        if isinstance(record, str):
            yield _row(number, replace_surrogates(record))
        elif not isinstance(record, dict) or not set(_TEXT_COLUMNS) & set(record):
            yield BatchRow(number, error="a string, or an object with text or title, is needed")
        else:
            yield _from_fields(number, record)


def _from_fields(number: int, record: Mapping[str, object]) -> BatchRow:
    identifier = record.get("id", "")
    if "text" in record:
        return _row(number, record["text"], identifier)
    parts = [record[name] for name in ("title", "description") if name in record]
    strings = [part for part in parts if isinstance(part, str)]
    if len(strings) < len(parts):
        return _row(number, next(part for part in parts if not isinstance(part, str)), identifier)
    return _row(number, " ".join(strings).strip(), identifier)


def _csv(text: str) -> Iterator[BatchRow]:
    lines = io.StringIO(text, newline="").readlines()
    records = _csv_records(lines)
    _, header, error = next(records, (0, [], ""))
    columns = [name.strip().lower() for name in header]
    if error or not set(_TEXT_COLUMNS) & set(columns):
        found = shorten(", ".join(header), 100) if header else error or "nothing"
        raise TagifaiError(
            f"a first line that names a column text, or title and description, is needed; "
            f"got {replace_surrogates(found)}"
        )
    for number, cells, error in records:
        if error:
            yield BatchRow(number, error=error)
        elif len(cells) != len(columns):
            what = f"{len(cells)} cells under {len(columns)} columns"
            yield BatchRow(number, error=what)
        else:
            yield _from_fields(number, dict(zip(columns, cells, strict=True)))


def _csv_records(lines: Sequence[str]) -> Iterator[tuple[int, list[str], str]]:
    """Yield (row, cells, error), the header as row 0; after a bad row go on at its next line."""
    at, number = 0, 0
    while at < len(lines):
        # A quotation mark left open must not swallow the rest of the file.
        window = lines[at : at + _MAX_LINES_A_ROW]
        reader = csv.reader(window, strict=True)
        read = 0
        try:
            for cells in reader:
                read = reader.line_num
                if len(cells) > 1 or "".join(cells).strip():  # else a blank line
                    yield number, cells, ""
                    number += 1
        except csv.Error as error:
            cut = reader.line_num == len(window) and at + len(window) < len(lines)
            if not (cut and read):
                yield number, [], f"not CSV: {error}"
                number += 1
                read += 1
        at += read
