"""Changed tags written into copies of the files that hold them, and nothing else changed there."""

import codecs
import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tagifai.data.columns import Columns
from tagifai.data.csv_edits import needs_quotes, quotes_always, scan_cells, write_cell
from tagifai.data.edits import (
    JsonStyle,
    Replacement,
    Span,
    find_members,
    parse_list,
    replace_spans,
    style_of,
)
from tagifai.data.parquet_edits import list_columns, rewrite_columns
from tagifai.data.records import SEPARATOR_LINE, Dialect, read_cells
from tagifai.data.tag_cells import read_tags
from tagifai.data.tag_writing import CellForm, Wanted, edit_cell, flip, form_of, name_of
from tagifai.errors import TagifaiError, shorten

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
    told = SEPARATOR_LINE.fullmatch(first)
    start = len(first) if told else 0
    delimiter = dialect.delimiter or (told[1] if told else _usual_delimiter(path))
    quoting = dialect.quoting or "standard"
    rows = list(scan_cells(text[start:], delimiter, quoting))
    rows = rows if dialect.header else rows[1:]
    if [[cell.text for cell in row] for row in rows] != read:
        raise TagifaiError(
            f"{path}: quotes stand in it where only some programs read them, so it cannot be "
            f"edited in place; save it anew"
        )
    places = {name: header.index(name) for name in _columns_of(columns)}
    cells = {name: [row[place].text for row in rows] for name, place in places.items()}
    # Cells other than lists never escape, so the lists alone tell.
    held = "".join(cell for listed in cells.values() for cell in listed)
    escaped = held.isascii() and ("\\u" in held or text.isascii())
    editor = _Editor(columns, cells, style_of(text, _lists(cells), ascii_only=escaped))
    always = {place: quotes_always(rows, place, delimiter, quoting) for place in places.values()}
    replacements = []
    for row, wanted in plan.items():
        old = {name: rows[row][place].text for name, place in places.items()}
        for name, new in editor.edit(old, wanted, f"{path}: row {row + 1}").items():
            cell = rows[row][places[name]]
            quoted = cell.quoted
            if quoted and needs_quotes(cell.text, delimiter, quoting):
                quoted = always[places[name]]
            written = write_cell(new, quoted=quoted, delimiter=delimiter, quoting=quoting)
            span = Span(cell.span.start + start, cell.span.stop + start)
            replacements.append(Replacement(span, written))
    return replace_spans(text, replacements)


def _usual_delimiter(path: Path) -> str:
    return "\t" if path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab")) else ","


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
    names = _columns_of(columns)
    raw = {
        name: [text[slice(*members[name])] if name in members else "" for members in records]
        for name in names
    }
    style = style_of(text, _lists(raw))
    values = {name: [_as_cell(value) for value in listed] for name, listed in raw.items()}
    editor = _Editor(columns, values, style)
    usual = {
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
            kind = before[:1] if before != "null" else usual[name]
            written = style.quote(new) if kind == '"' else new or "null"
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
    names = _columns_of(columns)
    lists = list_columns(source)

    def edited(first: int, cells: Mapping[str, Sequence[Any]]) -> dict[str, dict[int, Any]]:
        texts = {name: [cell for cell in cells[name] if isinstance(cell, str)] for name in names}
        editor = _Editor(columns, texts, JsonStyle())
        changed: dict[str, dict[int, Any]] = {}
        for place in range(len(cells[names[0]])):
            if wanted := plan.get(first + place):
                old = {name: _or_empty(cells[name][place], name in lists) for name in names}
                row = first - start + place + 1
                for name, new in editor.edit(old, wanted, f"{source}: row {row}").items():
                    changed.setdefault(name, {})[place] = new
        return changed

    rewrite_columns(source, target, names, edited, start)


def _or_empty(cell: Any, is_list: bool) -> Any:
    return [] if cell is None and is_list else cell


class _Editor:
    """Changes the tags of rows, by what `columns` say and what stands in the other rows."""

    def __init__(
        self, columns: Columns, cells: Mapping[str, Sequence[str]], style: JsonStyle
    ) -> None:
        self._columns = columns
        self._cells = cells
        self._forms = {
            name: form_of(
                cells[name], style, columns.separator, columns.names, multi_hot=columns.multi_hot
            )
            for name in columns.tags
        }

    def edit(self, old: Mapping[str, Any], wanted: Wanted, where: str) -> dict[str, Any]:
        """Return what changes of a row's cells, {column: new cell}."""
        if self._columns.one_hot:
            return self._one_hot(old, wanted, where)
        removed = {name_of(tag) for tag in wanted.removed}
        plan = {
            name: Wanted(frozenset(removed.intersection(self._tags_in(old[name], form))))
            for name, form in self._forms.items()
        }
        new: dict[str, Any] = {}
        for tag in wanted.added:
            problem: TagifaiError | None = None
            # In the first column that can hold it.
            for name, own in plan.items():
                more = Wanted(own.removed, (*own.added, tag))
                try:
                    new[name] = self._edit(old[name], more, name, where)
                except TagifaiError as error:
                    problem = problem or error
                    continue
                plan[name] = more
                break
            else:
                assert problem is not None  # there is a column
                raise problem
        for name, own in plan.items():
            if own.removed and name not in new:
                new[name] = self._edit(old[name], own, name, where)
        return new

    def _tags_in(self, value: Any, form: CellForm) -> list[str]:
        try:
            found = read_tags(value, form.separator, form.names, multi_hot=form.multi_hot)
        except Exception:  # told where it is changed; unlabelled ones have none
            return []
        return [name_of(tag) for tag in found]

    def _edit(self, value: Any, wanted: Wanted, name: str, where: str) -> Any:
        form = self._forms[name]
        try:
            if isinstance(value, list | tuple):
                return _edit_values(value, wanted, form)
            if value is None or isinstance(value, str):
                return edit_cell(value or "", wanted, form)
            written = edit_cell(str(value), wanted, form)
            return int(written) if written else None
        except (TagifaiError, ValueError) as error:
            raise TagifaiError(f"{where}, {shorten(name)}: {error}") from None

    def _one_hot(self, old: Mapping[str, Any], wanted: Wanted, where: str) -> dict[str, Any]:
        columns = {name_of(name): name for name in self._columns.one_hot}
        blank = self._columns.unlabelled == "negative"
        new: dict[str, Any] = {}
        for tags, value in ((wanted.removed, 0), (wanted.added, 1)):
            for tag in tags:
                name = columns.get(name_of(tag))
                if name is None:
                    raise TagifaiError(
                        f"{where}: {shorten(tag)!r} has no column; add it to the file and `one_hot`"
                    )
                cell = old[name]
                if isinstance(cell, bool):
                    new[name] = bool(value)
                elif isinstance(cell, int | float):
                    new[name] = type(cell)(value)
                else:
                    others = self._cells.get(name, ())
                    new[name] = flip(cell or "", value, others, blank=blank)
        return new


def _edit_values(values: Sequence[Any], wanted: Wanted, form: CellForm) -> list[Any]:
    """Change a list of tags, of numbers that stand for tags, or of 0 and 1."""
    names = form.names if isinstance(form.names, Mapping) else {}
    number_of = {name_of(name): number for number, name in names.items()}
    lacking = [tag for tag in wanted.added if names and name_of(tag) not in number_of]
    if lacking:
        raise TagifaiError(f"{shorten(lacking[0])!r} has no number; name it in `names` first")
    if form.multi_hot:
        found = list(values)
        for tags, value in ((wanted.removed, 0), (wanted.added, 1)):
            for tag in tags:
                place = sorted(names).index(number_of[name_of(tag)])
                found[place] = type(found[place])(value)
        return found
    keep = wanted.of([tag for v in values for tag in read_tags([v], "", form.names)]).keep
    kept = [value for value, stays in zip(values, keep, strict=True) if stays]
    return [*kept, *(number_of[name_of(tag)] if names else tag for tag in wanted.added)]


def _columns_of(columns: Columns) -> tuple[str, ...]:
    return columns.one_hot or columns.tags


def _lists(cells: Mapping[str, Iterable[str]]) -> list[Any]:
    found = []
    for listed in cells.values():
        for cell in listed:
            try:
                found.append(parse_list(cell))
            except (TagifaiError, ValueError, IndexError):
                continue
    return found
