"""Apply accepted changes of labels to a copy of a data folder; the original stays.

In the copied files only the lists of tags that change are edited. All else, down to quotes,
blanks, line ends and escapes, is as it was.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagifai.data import TAG_FILE, Dataset, Project, known_tags, load_dataset
from tagifai.data.columns import Columns, with_defaults
from tagifai.data.csv_files import STANDARD
from tagifai.data.edits import append_record
from tagifai.data.files import kind_of
from tagifai.data.folders import scratch_folder
from tagifai.data.in_place import Plan, edit_csv, edit_json, edit_parquet, edit_text
from tagifai.data.parquet_edits import count_rows
from tagifai.data.reading import read_in_place
from tagifai.data.sources import Source, open_sources, read_source
from tagifai.data.tag_writing import Wanted
from tagifai.errors import TagifaiError, shorten
from tagifai.settings import REVIEWS_FILE

Change = Mapping[str, Iterable[str]]
_USUAL = Columns(tags=("tags",))


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying changed.

    Attributes
    ----------
    num_projects, num_added, num_removed, num_same : int
        Projects changed, labels added and removed, and labels that were so already.
    unknown : tuple of str
        Projects that the data does not have.
    new_tags : tuple of str
        Tags that the data did not have.
    digest_before, digest_after : str
        Digests of the data before and after.
    """

    num_projects: int
    num_added: int
    num_removed: int
    num_same: int
    unknown: tuple[str, ...]
    new_tags: tuple[str, ...]
    digest_before: str
    digest_after: str


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
    with scratch_folder(to) as scratch:
        after = _write_changed(folder, scratch, before, plan, new_tags)
        if to.exists():
            to.rmdir()
        scratch.rename(to)
    return _count_applied(before, after, plan, changes, new_tags)


def _write_changed(
    folder: Path, scratch: Path, before: Dataset, plan: Plan, new_tags: Sequence[str]
) -> Dataset:
    """Write a changed copy of a data folder, and return what it reads as."""
    _copy(folder, scratch)
    if plan:
        _write_projects(folder, scratch, before, plan)
    if new_tags and before.tags:
        edit_text(
            folder / TAG_FILE,
            scratch / TAG_FILE,
            STANDARD.encoding,
            lambda text: _with_tags(text, new_tags),
        )
    after = load_dataset(scratch)
    _verify(before, after, plan, folder)
    return after


def _count_applied(
    before: Dataset,
    after: Dataset,
    plan: Plan,
    changes: Mapping[str, Change],
    new_tags: tuple[str, ...],
) -> Applied:
    """Count what the changes changed, and what was so already."""
    ids = {project.id for project in before.projects}
    num_wanted = sum(
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
        num_wanted - num_added - num_removed,
        tuple(sorted(set(changes) - ids)),
        new_tags,
        before.digest,
        after.digest,
    )


def _plan(projects: Sequence[Project], changes: Mapping[str, Change]) -> Plan:
    """Return what changes, by the project's place in the data."""
    plan = {}
    for place, project in enumerate(projects):
        change = changes.get(project.id, {})
        added = dict.fromkeys(tag for tag in change.get("add", ()) if tag not in project.tags)
        removed = frozenset(change.get("remove", ())).intersection(project.tags)
        if added or removed:
            plan[place] = Wanted(removed, tuple(added))
    return plan


def _copy(folder: Path, to: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if not path.name.startswith((".", "__pycache__")):
                shutil.copytree(path, to / path.name, symlinks=True)
        elif path.is_file() and not path.name.startswith(REVIEWS_FILE):
            shutil.copyfile(path, to / path.name)


def _write_projects(folder: Path, to: Path, before: Dataset, plan: Plan) -> None:
    """Write the files of the projects that change over their copies."""
    columns = before.config.columns
    if columns is None:
        path, kind = before.files[0], kind_of(before.files[0])
        source = Source(path, path, kind, STANDARD, before.files)
        _write_source(source, folder, to, _USUAL, plan)
        return
    paths = [folder / name for name in columns.file] or list(before.files)
    rows = [
        (file, row) for file, row, fields in read_in_place(paths, columns) if fields is not None
    ]
    wanted = {rows[place]: one for place, one in plan.items()}
    for source in open_sources(paths, columns.dialect, detect=False):
        own = {row - 1: one for (file, row), one in wanted.items() if file == source.path}
        if own:
            found = list(next(record for _, record in read_source(source)))
            filled = with_defaults(columns, found, str(source.path), source.names)
            _write_source(source, folder, to, filled, own)


def _write_source(source: Source, folder: Path, to: Path, columns: Columns, plan: Plan) -> None:
    if source.kind == "arrow" or source.key:
        raise TagifaiError(
            f"{source.path}: rows in {'Arrow' if source.kind == 'arrow' else 'a JSON object'} "
            f"cannot be edited in place; `data import` makes a file that can"
        )
    if source.kind == "parquet":
        start = 0
        for path in source.files:
            after = start + count_rows(path)
            if any(start <= row < after for row in plan):
                edit_parquet(path, to / path.relative_to(folder), columns, plan, start)
            start = after
        return
    (path,) = source.files
    edit_text(
        path,
        to / path.relative_to(folder),
        source.dialect.encoding,
        lambda text: _edited(text, source, columns, plan),
    )


def _edited(text: str, source: Source, columns: Columns, plan: Plan) -> str:
    if source.kind in ("csv", "tsv"):
        return edit_csv(text, source.path, source.dialect, columns, plan)
    return edit_json(text, source.path, columns, plan, lines=source.kind == "jsonl")


def _with_tags(text: str, new_tags: Iterable[str]) -> str:
    for tag in new_tags:
        text = append_record(text, "tag", tag)
    return text


def _verify(before: Dataset, after: Dataset, plan: Plan, folder: Path) -> None:
    """Check that what was written reads as what was wanted, and nothing else changed.

    Raises
    ------
    TagifaiError
        It does not; nothing is left behind.
    """
    columns = before.config.columns
    # Tags in columns of their own are read in the order of these.
    in_order = columns is None or not (columns.one_hot or columns.multi_hot or columns.tags[1:])
    same = len(before.projects) == len(after.projects)
    for place, (old, new) in enumerate(zip(before.projects, after.projects, strict=False)):
        wanted = plan.get(place, Wanted())
        tags = tuple(tag for tag in old.tags if tag not in wanted.removed) + wanted.added
        as_wanted = tags == new.tags if in_order else set(tags) == set(new.tags)
        if not (same and as_wanted and (old.id, old.text) == (new.id, new.text)):
            raise TagifaiError(
                f"{folder}: project {shorten(old.id)!r} cannot be written so that it reads as "
                f"{shorten(str(list(tags)))}; nothing was written"
            )
