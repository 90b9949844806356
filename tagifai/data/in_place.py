"""Write changed tags into copies of the files that hold them; nothing else changes there."""

import codecs
import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tagifai.data.columns import Columns
from tagifai.data.csv_edits import needs_quotes, quotes_always, scan_cells, write_cell
from tagifai.data.csv_files import SEPARATOR_LINE, Dialect, find_delimiter, read_cells
from tagifai.data.edits import (
    ItemList,
    JsonStyle,
    Replacement,
    Span,
    find_members,
    parse_list,
    replace_spans,
    style_of,
)
from tagifai.data.parquet_edits import list_column_names, rewrite_columns
from tagifai.data.row_edits import RowEditor, tag_columns
from tagifai.data.tag_writing import Wanted
from tagifai.errors import TagifaiError

# What changes in a file, by the row from 0.
Plan = Mapping[int, Wanted]
# Longer ones first: the mark of UTF-16 begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def edit_text(path: Path, target: Path, encoding: str, edit: Callable[[str], str]) -> None:
    """Write an edited copy of a file of text, its encoding and byte-order mark as they were.

    Raises
    ------
    TagifaiError
        The encoding cannot hold a new character, or writes some in several ways.
    """
    packed = path.suffix.lower() == ".gz"
    content = path.read_bytes()
    content = gzip.decompress(content) if packed else content
    # "utf-8-sig" and "utf-16" take off a mark, and would write one where there was none.
    name = codecs.lookup(encoding or "utf-8").name.removesuffix("-sig")
    mark, name = next(
        ((mark, own) for mark, own in _MARKS if content.startswith(mark) and own[:5] == name[:5]),
        (b"", name),
    )
    text = content[len(mark) :].decode(name)
    if text.encode(name) != content[len(mark) :]:
        raise TagifaiError(
            f"{path}: {name} writes some characters in two ways, so the file cannot be edited in "
            f"place; save it in UTF-8"
        )
    edited = edit(text)
    try:
        written = mark + edited.encode(name)
    except UnicodeEncodeError as error:
        raise TagifaiError(
            f"{path}: {edited[error.start : error.end]!r} of a new tag cannot be written in "
            f"{name}; save the file in UTF-8"
        ) from None
    target.write_bytes(gzip.compress(written, mtime=0) if packed else written)


def edit_csv(text: str, path: Path, dialect: Dialect, columns: Columns, plan: Plan) -> str:
    """Change the tags in a CSV or TSV file: see `scan_cells` for what can be edited.

    Raises
    ------
    TagifaiError
        The form of a cell cannot hold the new tags; the message names row and column.
    """
    read = list(read_cells(io.StringIO(text, newline=""), path, dialect))
    if not dialect.header:
        header, *read = read
    else:
        header, read = list(dialect.header), read[1:]
    header = [name.strip() for name in header]
    first = text[: text.find("\n") + 1] or text
    start = len(first) if SEPARATOR_LINE.fullmatch(first) else 0
    delimiter = find_delimiter(path, dialect, first)
    quoting = dialect.quoting or "standard"
    rows = list(scan_cells(text[start:], delimiter, quoting))
    rows = rows if dialect.header else rows[1:]
    if [[cell.text for cell in row] for row in rows] != read:
        raise TagifaiError(
            f"{path}: quotes stand in it where only some programs read them, so it cannot be "
            f"edited in place; save it again"
        )
    places = {name: header.index(name) for name in tag_columns(columns)}
    cells = {name: [row[place].text for row in rows] for name, place in places.items()}
    # Cells other than lists never escape, so the lists alone decide.
    held = "".join(cell for listed in cells.values() for cell in listed)
    escaped = held.isascii() and ("\\u" in held or text.isascii())
    editor = RowEditor(columns, cells, style_of(text, _lists(cells), ascii_only=escaped))
    always = {place: quotes_always(rows, place, delimiter, quoting) for place in places.values()}
    replacements = []
    for row, wanted in plan.items():
        old = {name: rows[row][place].text for name, place in places.items()}
        for name, new in editor.edit(old, wanted, f"{path}: row {row + 1}").items():
            cell = rows[row][places[name]]
            quoted = cell.quoted
            if quoted and needs_quotes(cell.text, delimiter, quoting):
                quoted = always[places[name]]
            written = write_cell(str(new), quoted=quoted, delimiter=delimiter, quoting=quoting)
            span = Span(cell.span.start + start, cell.span.stop + start)
            replacements.append(Replacement(span, written))
    return replace_spans(text, replacements)


def edit_json(text: str, path: Path, columns: Columns, plan: Plan, *, lines: bool) -> str:
    """Change the tags in a JSON list of objects, or in JSON lines.

    Raises
    ------
    TagifaiError
        The file is of another shape, or the form of a value cannot hold the new tags; the
        message names row and column.
    """
    if not lines and not text.lstrip().startswith("["):
        raise TagifaiError(
            f"{path}: rows within a JSON object cannot be edited in place; save them as a list"
        )
    records = list(find_members(text, lines))
    names = tag_columns(columns)
    raw = {
        name: [text[slice(*members[name])] if name in members else "" for members in records]
        for name in names
    }
    style = style_of(text, _lists(raw))
    values = {name: [_as_cell(value) for value in listed] for name, listed in raw.items()}
    editor = RowEditor(columns, values, style)
    kinds = {
        name: next((value[:1] for value in listed if value not in ("", "null")), '"')
        for name, listed in raw.items()
    }
    replacements = []
    for row, wanted in plan.items():
        old = {name: values[name][row] for name in names}
        for name, new in editor.edit(old, wanted, f"{path}: row {row + 1}").items():
            if name not in records[row]:
                raise TagifaiError(f"{path}: row {row + 1}: no {name!r} in it to change")
            before = raw[name][row]
            kind = before[:1] if before != "null" else kinds[name]
            written = style.quote(str(new)) if kind == '"' else str(new or "null")
            replacements.append(Replacement(records[row][name], written))
    return replace_spans(text, replacements)


def _as_cell(raw: str) -> str:
    """Return a JSON value as a cell of CSV would hold it."""
    if raw.startswith('"'):
        return str(json.loads(raw))
    return "" if raw == "null" else raw


def edit_parquet(source: Path, target: Path, columns: Columns, plan: Plan, start: int = 0) -> None:
    """Write a copy of a Parquet file with changed tags: see `rewrite_columns`.

    Raises
    ------
    TagifaiError
        A type cannot hold the new tags; the message names row and column.
    """
    names = tag_columns(columns)
    lists = list_column_names(source)

    def edited(first: int, cells: Mapping[str, Sequence[object]]) -> dict[str, dict[int, object]]:
        texts = {name: [cell for cell in cells[name] if isinstance(cell, str)] for name in names}
        editor = RowEditor(columns, texts, JsonStyle())
        changed: dict[str, dict[int, object]] = {}
        for place in range(len(cells[names[0]])):
            if wanted := plan.get(first + place):
                old = {name: _or_empty(cells[name][place], name in lists) for name in names}
                row = first - start + place + 1
                for name, new in editor.edit(old, wanted, f"{source}: row {row}").items():
                    changed.setdefault(name, {})[place] = new
        return changed

    rewrite_columns(source, target, names, edited, start)


def _or_empty(cell: object, is_list: bool) -> object:
    return [] if cell is None and is_list else cell


def _lists(cells: Mapping[str, Iterable[str]]) -> list[ItemList]:
    found = []
    for listed in cells.values():
        for cell in listed:
            try:
                found.append(parse_list(cell))
            except (TagifaiError, ValueError, IndexError):
                continue
    return found
