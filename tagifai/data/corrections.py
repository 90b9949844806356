"""Accepted changes of labels, applied to a copy of a data folder; the original stays.

In the file of the projects the lists of tags that change are edited in place: all else, down to
quotes, blanks, line ends and escapes, is as it was.
"""

import codecs
import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagifai.data import PROJECT_FILES, TAG_FILE, Dataset, Project, known_tags, load_dataset
from tagifai.data.csv_edits import Cell, quotes_always, scan_cells, write_cell
from tagifai.data.edits import (
    JsonList,
    Replacement,
    Retag,
    append_record,
    edit_list,
    find_members,
    parse_list,
    replace_spans,
    style_of,
)
from tagifai.data.names import normalise_name
from tagifai.data.parquet_edits import rewrite_tags
from tagifai.data.records import STANDARD, Dialect, kind_of, read_cells, replace_surrogates
from tagifai.errors import TagifaiError, shorten
from tagifai.settings import REVIEWS_FILE

Change = Mapping[str, Iterable[str]]
# Longer ones first: the mark of UTF-16 begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying changed.

    Parameters
    ----------
    num_projects, num_added, num_removed, num_same : int
        Projects changed, labels put and taken, and those that were so already.
    unknown : tuple of str
        Projects that the data does not have.
    new_tags : tuple of str
        Tags that the data did not have.
    digest_before, digest_after : str
        Names of the data before and after.
    """

    num_projects: int
    num_added: int
    num_removed: int
    num_same: int
    unknown: tuple[str, ...]
    new_tags: tuple[str, ...]
    digest_before: str
    digest_after: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What changes of one project: names taken away, and names added."""

    removed: frozenset[str]
    added: tuple[str, ...]

    def of(self, values: Sequence[str]) -> Retag:
        """Tell what it does to tags as they are written."""
        removed = {_name(tag) for tag in self.removed}
        return Retag(tuple(_name(value) not in removed for value in values), self.added)


_Plan = Mapping[int, _Wanted]


def apply_changes(folder: Path | str, changes: Mapping[str, Change], to: Path | str) -> Applied:
    """Write a new data folder with the changed tags: {project: {"add": tags, "remove": tags}}.

    Only the changed lists of tags differ from the file that was read; an added tag comes last. A
    tag that the data does not have gets an entry in the tag file, where there is one. All other
    files and folders are copied, but for the reviews, which somebody may be writing to, and
    hidden folders. All of it is there at the end or none.

    Raises
    ------
    TagifaiError
        The data is invalid, `to` is not empty or lies within the data, or the tags are written in
        a form that cannot hold the changed ones.
    """
    folder, to = Path(folder), Path(to)
    before = load_dataset(folder)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise TagifaiError(f"{to}: exists and is not empty; name a new folder")
    if to.resolve().is_relative_to(folder.resolve()):
        raise TagifaiError(f"{to}: lies within the data folder {folder}; name one elsewhere")
    plan = _plan(before.projects, changes)
    known = set(known_tags(before))
    new_tags = tuple(
        dict.fromkeys(tag for wanted in plan.values() for tag in wanted.added if tag not in known)
    )
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to.parent))
    except OSError as error:
        raise TagifaiError(f"{to}: cannot be written ({error.strerror or error})") from None
    try:
        for path in sorted(folder.iterdir()):
            _copy(path, scratch / path.name, before, plan, new_tags)
        after = load_dataset(scratch)
        _verify(before, after, plan, folder)
        scratch.chmod(0o755)
        if to.exists():
            to.rmdir()
        scratch.rename(to)
    except OSError as error:
        raise TagifaiError(f"{to}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    ids = {project.id for project in before.projects}
    asked = sum(
        len(set(change.get("add", ()))) + len(set(change.get("remove", ())))
        for one, change in changes.items()
        if one in ids
    )
    num_added = sum(len(wanted.added) for wanted in plan.values())
    num_removed = sum(len(wanted.removed) for wanted in plan.values())
    return Applied(
        len(plan),
        num_added,
        num_removed,
        asked - num_added - num_removed,
        tuple(sorted(set(changes) - ids)),
        new_tags,
        before.digest,
        after.digest,
    )


def _plan(projects: Sequence[Project], changes: Mapping[str, Change]) -> _Plan:
    """Tell what changes, by the place of the project."""
    plan = {}
    for place, project in enumerate(projects):
        change = changes.get(project.id, {})
        added = dict.fromkeys(tag for tag in change.get("add", ()) if tag not in project.tags)
        removed = frozenset(change.get("remove", ())).intersection(project.tags)
        if added or removed:
            plan[place] = _Wanted(removed, tuple(added))
    return plan


def _copy(path: Path, target: Path, before: Dataset, plan: _Plan, new_tags: Sequence[str]) -> None:
    if path.is_dir():
        if not path.name.startswith((".", "__pycache__")):
            shutil.copytree(path, target, symlinks=True)
    elif not path.is_file() or path.name.startswith(REVIEWS_FILE):
        return
    elif path.name in PROJECT_FILES and plan:
        _write_projects(path, target, before, plan)
    elif path.name == TAG_FILE and new_tags and before.tags:
        _edit_text(path, target, STANDARD, lambda text: _with_tags(text, new_tags))
    else:
        shutil.copyfile(path, target)


def _write_projects(path: Path, target: Path, before: Dataset, plan: _Plan) -> None:
    kind = kind_of(path)
    count = len(before.projects)
    if kind == "parquet":
        rewrite_tags(
            path, target, lambda row, tags: plan[row].of(tags) if row in plan else None
        )  # fmt: skip
    elif kind in ("csv", "tsv"):
        _edit_text(path, target, STANDARD, lambda text: _in_csv(text, path, STANDARD, plan, count))
    else:
        lines = kind == "jsonl"
        _edit_text(path, target, STANDARD, lambda text: _in_json(text, path, lines, plan, count))


def _edit_text(path: Path, target: Path, dialect: Dialect, edit: Callable[[str], str]) -> None:
    """Write an edited copy of a file of text, in its encoding, its byte-order mark as it was."""
    content = path.read_bytes()
    # "utf-8-sig" and "utf-16" take off a mark, and would write one where there was none.
    name = codecs.lookup(dialect.encoding).name.removesuffix("-sig")
    mark, encoding = next(
        ((mark, own) for mark, own in _MARKS if content.startswith(mark) and own[:5] == name[:5]),
        (b"", name),
    )
    text = content[len(mark) :].decode(encoding)
    if text.encode(encoding) != content[len(mark) :]:
        raise TagifaiError(
            f"{path}: {encoding} writes some characters in two ways, so it cannot be edited in "
            f"place; write the file in UTF-8"
        )
    edited = edit(text)
    try:
        target.write_bytes(mark + edited.encode(encoding))
    except UnicodeEncodeError as error:
        raise TagifaiError(
            f"{path}: {edited[error.start : error.end]!r} of a new tag cannot be written in "
            f"{encoding}; write the file in UTF-8"
        ) from None


def _in_json(text: str, path: Path, lines: bool, plan: _Plan, count: int) -> str:
    spans = [members["tags"] for members in find_members(text, lines)]
    _check_count(path, len(spans), count)
    lists = [_list_in(path, row, text[slice(*span)]) for row, span in enumerate(spans, start=1)]
    style = style_of(text, lists)
    return replace_spans(
        text,
        (
            Replacement(spans[row], edit_list(lists[row], wanted.of(lists[row].values), style))
            for row, wanted in plan.items()
        ),
    )


def _in_csv(text: str, path: Path, dialect: Dialect, plan: _Plan, count: int) -> str:
    delimiter = dialect.delimiter or ("\t" if kind_of(path) == "tsv" else ",")
    rows = list(scan_cells(text, delimiter, dialect.quoting))
    read = list(read_cells(io.StringIO(text, newline=""), path, dialect))[len(dialect.header) > 0 :]
    if [[cell.text for cell in row] for row in rows] != read:
        raise TagifaiError(
            f"{path}: its quotes are written in a way that cannot be edited in place; write them "
            f'as ""'
        )
    header = list(dialect.header) or [cell.text for cell in rows.pop(0)]
    _check_count(path, len(rows), count)
    column = header.index("tags")
    lists = [_list_in(path, row, cells[column].text) for row, cells in enumerate(rows, start=1)]
    style = style_of(text, lists, ascii_only=_is_ascii([cells[column] for cells in rows], text))
    always = quotes_always(rows, column, delimiter, dialect.quoting)
    return replace_spans(
        text,
        (
            Replacement(
                rows[row][column].span,
                write_cell(
                    edit_list(lists[row], wanted.of(lists[row].values), style),
                    quoted=always, delimiter=delimiter, quoting=dialect.quoting,
                ),
            )
            for row, wanted in plan.items()
        ),
    )  # fmt: skip


def _is_ascii(cells: Iterable[Cell], text: str) -> bool:
    """Tell whether lists escape what is beyond ASCII: the other cells of CSV never do."""
    written = "".join(cell.text for cell in cells)
    return written.isascii() and ("\\u" in written or text.isascii())


def _list_in(path: Path, row: int, text: str) -> JsonList:
    try:
        return parse_list(text)
    except TagifaiError as error:
        raise TagifaiError(f"{path}: row {row}, tags: {error}") from None


def _check_count(path: Path, found: int, wanted: int) -> None:
    if found != wanted:
        raise TagifaiError(
            f"{path}: {found:,} rows found where {wanted:,} were read, so it cannot be edited"
        )


def _with_tags(text: str, new_tags: Iterable[str]) -> str:
    for tag in new_tags:
        text = append_record(text, "tag", tag)
    return text


def _name(value: str) -> str:
    return normalise_name(replace_surrogates(value))


def _verify(before: Dataset, after: Dataset, plan: _Plan, folder: Path) -> None:
    """Check that what was written reads as what was wanted, and nothing else changed.

    Raises
    ------
    TagifaiError
        It does not; nothing is left behind.
    """
    same = len(before.projects) == len(after.projects)
    for place, (old, new) in enumerate(zip(before.projects, after.projects, strict=False)):
        wanted = plan.get(place, _Wanted(frozenset(), ()))
        tags = tuple(tag for tag in old.tags if tag not in wanted.removed) + wanted.added
        if not same or (old.id, old.text, tags) != (new.id, new.text, new.tags):
            raise TagifaiError(
                f"{folder}: project {shorten(old.id)!r} cannot be written so that it reads as "
                f"{shorten(str(list(tags)))}; nothing was written"
            )
