"""Make a data folder of people's own files, and report how they were understood."""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import orjson

from tagifai.data import PROJECT_FILES, Project, load_dataset, make_project
from tagifai.data.columns import Columns, column_names, named_columns, to_toml
from tagifai.data.config import CONFIG_FILE, load_config
from tagifai.data.folders import put_into_place, scratch_folder, write_file
from tagifai.data.known_names import (
    ID_NAMES,
    TAG_NAMES_OF_MANY,
    TAG_NAMES_OF_ONE,
    TEXT_NAMES,
    TITLE_NAMES,
    name_key,
)
from tagifai.data.layout import Layout, decide_layout
from tagifai.data.profiles import profile_rows
from tagifai.data.reading import splits_of
from tagifai.data.row_fields import RowFields, read_fields
from tagifai.data.sources import Source, open_sources, read_source
from tagifai.data.tag_cells import MISSING
from tagifai.data.unique_ids import UniqueIds
from tagifai.data.validation import Record, replace_surrogates
from tagifai.errors import TagifaiError, counted, shorten

PROJECTS_FILE = "projects.jsonl"
SHOWN = 3
Untagged = Literal["", "negative", "unlabelled"]
Progress = Callable[[int, int, str], None]
_KNOWN_NAMES = TEXT_NAMES | TITLE_NAMES | ID_NAMES | TAG_NAMES_OF_MANY | TAG_NAMES_OF_ONE
_ROWS_BETWEEN_NEWS = 5_000
_CONFIG = """# What this data set says of itself. Every key is optional.

# What a project without a tag is: "negative" of every tag, or "unlabelled" and left out.
untagged = "{}"
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """What files were understood to be.

    Attributes
    ----------
    sources : tuple of Source
        The tables, in the order of their rows.
    splits : tuple of str
        The split that the name of each file says, "" for none.
    num_rows : tuple of int
        The rows of each table.
    layout : Layout
        Which column holds what.
    """

    sources: tuple[Source, ...]
    splits: tuple[str, ...]
    num_rows: tuple[int, ...]
    layout: Layout


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read, and written unless it was a dry run.

    Attributes
    ----------
    reading : Reading
        What the files were understood to be.
    num_projects, num_left_out, num_labels, num_untagged, num_textless, num_composed : int
        Projects; rows left out since nobody decided on their tags; (project, tag) pairs;
        projects without a tag; projects without a text; projects whose tags were in another
        Unicode form than NFC, which is written.
    tags, splits : mapping of str to int
        Projects of each tag, and of each split.
    rows : tuple of RowFields
        The first projects, as written.
    in_place : str
        The table `[columns]` of `data.toml` that reads the same files in place; "" where none can.
    written : tuple of Path
        The files that were written.
    """

    reading: Reading
    num_projects: int
    num_left_out: int
    num_labels: int
    num_untagged: int
    num_textless: int
    num_composed: int
    tags: Mapping[str, int]
    splits: Mapping[str, int]
    rows: tuple[RowFields, ...]
    in_place: str
    written: tuple[Path, ...] = ()


def understand(paths: Sequence[Path], given: Columns) -> Reading:
    """Decide what files hold, without making anything of them.

    Parameters
    ----------
    paths : sequence of Path
        The files and folders to read, one after the other.
    given : Columns
        What is known of them.

    Raises
    ------
    TagifaiError
        A file is malformed, or two readings are possible; the message names the flag that decides.
    """
    with flags_named():
        sources = open_sources(paths, given.dialect, detect=True)
        where = shorten(", ".join(dict.fromkeys(str(source.path) for source in sources)), 200)
        num_rows = [0] * len(sources)

        def rows() -> Iterator[tuple[int, Mapping[str, object]]]:
            number = 0
            for place, source in enumerate(sources):
                for row, record in read_source(source):
                    if row == 1:
                        _check_header(source, list(record), given)
                    num_rows[place] = row
                    number += 1
                    yield number, record

        profiles = profile_rows(rows())
        if not profiles:
            raise TagifaiError(f"{where}: no row in it")
        names = {column: names for source in sources for column, names in source.names.items()}
        layout = decide_layout(profiles, given, names, where)
        splits = splits_of(sources, layout.columns)
    return Reading(sources, splits, tuple(num_rows), layout)


def import_projects(
    paths: Sequence[Path],
    to: Path | None,
    given: Columns,
    *,
    untagged: Untagged = "",
    progress: Progress | None = None,
) -> Imported:
    """Read files as people have them, and write a data folder of them.

    Parameters
    ----------
    paths : sequence of Path
        The files and folders to read, one after the other.
    to : Path or None
        The folder to write `projects.jsonl` into, which is made where it is not there. None
        writes nothing.
    given : Columns
        What is known of the files; names and cells decide the rest.
    untagged : {"", "negative", "unlabelled"}
        What a project without a tag is, which is written to `data.toml`; "" leaves it open.
    progress : callable, optional
        Receives rows done, all rows, and what is being done.

    Raises
    ------
    TagifaiError
        A file is malformed, two readings are possible, or the folder has projects already. What
        was there before stays as it was.
    """
    if to is not None:
        _check_target(to, untagged)
    reading = understand(paths, given)
    tally = _Tally()
    rows = _projects(reading, tally, progress)
    written: tuple[Path, ...] = ()
    if to is None:
        for _ in rows:
            pass
    else:
        written = _write(rows, to, untagged)
    return Imported(
        reading,
        tally.num_projects,
        tally.num_left_out,
        sum(tally.tags.values()),
        tally.num_untagged,
        tally.num_textless,
        tally.num_composed,
        dict(sorted(tally.tags.items(), key=lambda item: (-item[1], item[0]))),
        {name: tally.splits[name] for name in ("train", "val", "test") if tally.splits[name]},
        tuple(tally.rows),
        _in_place(reading, tally.num_left_out),
        written,
    )


@contextmanager
def flags_named() -> Iterator[None]:
    """Replace names of settings by those of their flags in errors that are raised within."""
    try:
        yield
    except TagifaiError as error:
        text = re.sub(
            r'`(separator|names|unlabelled|multi_hot|id)( = "([^"]*)")?`',
            lambda found: f"--{found[1].replace('_', '-')} {found[3] or ''}".rstrip(),
            str(error),
        )
        raise TagifaiError(text) from None


def notes_on(imported: Imported) -> list[str]:
    """List what deserves a look before anybody trains on it."""
    found = []
    if imported.num_left_out:
        found.append(
            f"{counted(imported.num_left_out, 'row')} left out: nobody decided on their tags (-1)"
        )
    if imported.num_untagged:
        found.append(
            f"{counted(imported.num_untagged, 'project')} without a tag: negatives of every tag, "
            'unless data.toml says untagged = "unlabelled" (--untagged unlabelled writes it)'
        )
    unused = [tag for tag in imported.reading.layout.columns.one_hot if tag not in imported.tags]
    if unused:
        found.append(f"columns without a project: {shorten(', '.join(unused), 200)}")
    if imported.num_textless:
        found.append(f"{counted(imported.num_textless, 'project')} without a text")
    if imported.num_composed:
        found.append(
            f"{counted(imported.num_composed, 'project')} with tags in another Unicode form: NFC "
            "is written"
        )
    missing = [tag for tag in imported.tags if tag.lower() in MISSING]
    if missing:
        found.append(f"tags that may stand for a missing value: {', '.join(missing)}")
    return found


class _Tally:
    """What the projects come to, counted as they go by."""

    def __init__(self) -> None:
        self.num_projects = self.num_left_out = 0
        self.num_untagged = self.num_textless = self.num_composed = 0
        self.tags: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()
        self.rows: list[RowFields] = []

    def add(self, project: Project, fields: RowFields) -> None:
        self.num_projects += 1
        self.num_untagged += not project.tags
        self.num_textless += not (project.title or project.description).strip()
        self.num_composed += bool(project.written)
        self.tags.update(project.tags)
        self.splits.update([fields.split] if fields.split else [])
        if len(self.rows) < SHOWN:
            self.rows.append(fields)


def _projects(reading: Reading, tally: _Tally, progress: Progress | None) -> Iterator[RowFields]:
    """Yield the fields of each project, validated; ids come once."""
    columns = reading.layout.columns
    names = column_names(columns)
    ids = UniqueIds(columns.id, ": --id COL names another column, --id none numbers the rows")
    number, total = 0, sum(reading.num_rows)
    with flags_named():
        for source, split in zip(reading.sources, reading.splits, strict=True):
            for row, record in read_source(source):
                number += 1
                if progress is not None and number % _ROWS_BETWEEN_NEWS == 0:
                    progress(number, total, "projects")
                where = f"{source.path}: row {row}"
                fields = read_fields(record, columns, number, where, split)
                if fields is None:
                    tally.num_left_out += 1
                    continue
                project = make_project(where, fields.to_record(), names)
                ids.add(project.id, source.path, row)
                fields = replace(
                    fields,
                    id=project.id,
                    title=project.title,
                    description=project.description,
                    tags=list(project.tags),
                )
                tally.add(project, fields)
                yield fields
        if not tally.num_projects:
            raise TagifaiError(f"{reading.sources[0].path}: no project in it")
    if progress is not None:
        progress(total, total, "projects")


def _check_header(source: Source, header: Sequence[str], given: Columns) -> None:
    """Raise an error where the first row holds cells in place of names of columns."""
    if source.kind not in ("csv", "tsv") or given.header or set(named_columns(given)) & {*header}:
        return
    strange = [
        name
        for name in header
        if (name and not any(map(str.isalpha, name))) or len(name) > 60 or name.count(" ") > 3
    ]
    if strange and not any(name_key(name) in _KNOWN_NAMES for name in header):
        raise TagifaiError(
            f"{source.path}: the first row looks like cells, not like names of columns "
            f"({', '.join(shorten(repr(name), 30) for name in header[:4])}): --header COL,COL,… "
            f"names the {len(header)} columns of a file without a header"
        )


def _in_place(reading: Reading, num_left_out: int) -> str:
    """Write the `[columns]` that read the same files in place; "" where they cannot."""
    folders = {source.path.parent for source in reading.sources}
    dialects = {source.dialect for source in reading.sources}
    if len(folders) > 1 or len(dialects) > 1:
        return ""
    (dialect,) = dialects
    kinds = {source.kind for source in reading.sources}
    default = {"csv": ",", "tsv": "\t"}
    unlabelled = reading.layout.columns.unlabelled
    columns = replace(
        reading.layout.columns,
        unlabelled=unlabelled if num_left_out or unlabelled != "whole" else "",
        file=tuple(dict.fromkeys(source.given.name for source in reading.sources)),
        encoding="" if dialect.encoding == "utf-8-sig" else dialect.encoding,
        delimiter=""
        if {default.get(kind, "") for kind in kinds} == {dialect.delimiter}
        else dialect.delimiter,
        quoting="" if dialect.quoting == "standard" else dialect.quoting,
    )
    return to_toml(columns)


def _check_target(to: Path, untagged: Untagged) -> None:
    if os.path.lexists(to) and not to.is_dir():
        raise TagifaiError(f"{to}: not a folder; name a new one, or one without projects")
    taken = [name for name in PROJECT_FILES if os.path.lexists(to / name)]
    if taken:
        raise TagifaiError(f"{to}: has {taken[0]} already, which stays; name another folder")
    if os.path.lexists(to / CONFIG_FILE):
        if untagged:
            raise TagifaiError(
                f"{to / CONFIG_FILE}: is there already, and stays; set `untagged` in it yourself"
            )
        if load_config(to).columns is not None:
            raise TagifaiError(
                f"{to / CONFIG_FILE}: has [columns], which read other files in place; name another "
                "folder"
            )


def _write(rows: Iterator[RowFields], to: Path, untagged: Untagged) -> tuple[Path, ...]:
    """Write the data folder: all of it is there at the end, or none of it."""
    names = [PROJECTS_FILE]
    with scratch_folder(to) as folder:
        write_file(folder / PROJECTS_FILE, (_line(fields.to_record()) for fields in rows))
        if untagged:
            names.insert(0, CONFIG_FILE)
            write_file(folder / CONFIG_FILE, [_CONFIG.format(untagged).encode()])
        load_dataset(folder)
        put_into_place(folder, to, names)
    return tuple(to / name for name in sorted(names, reverse=True))


def _line(fields: Record) -> bytes:
    try:
        return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a lone surrogate, or a number of more than 64 bits
        return json.dumps(_paired(fields)).encode() + b"\n"


def _paired(value: object) -> object:
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, Mapping):
        return {_paired(key): _paired(inner) for key, inner in value.items()}
    return [_paired(inner) for inner in value] if isinstance(value, list) else value
