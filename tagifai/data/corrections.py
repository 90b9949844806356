"""Accepted changes of labels, applied to a copy of a data folder; the original stays."""

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagifai.data import PROJECT_FILES, load_dataset
from tagifai.data.records import MAX_TEXT
from tagifai.errors import TagifaiError
from tagifai.settings import REVIEWS_FILE

Change = Mapping[str, Iterable[str]]
_Retag = Callable[[Any, list[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying changed: projects, labels put and taken, those that were so already.

    `unknown` are the projects that the data does not have; the digests name the data before
    and after.
    """

    num_projects: int
    num_added: int
    num_removed: int
    num_same: int
    unknown: tuple[str, ...]
    digest_before: str
    digest_after: str


def apply_changes(folder: Path | str, changes: Mapping[str, Change], to: Path | str) -> Applied:
    """Write a new data folder with the changed tags: {project: {"add": tags, "remove": tags}}.

    Every row and column of the projects file is kept, in its order and format; an added tag
    comes last. Other files of the folder are copied, but for the reviews, which somebody may
    be writing to. All of it is there at the end or none.

    Raises:
        TagifaiError: the data is invalid, or `to` is not empty or lies within the data.
    """
    folder, to = Path(folder), Path(to)
    before = load_dataset(folder)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise TagifaiError(f"{to}: exists and is not empty; name a new folder")
    if to.resolve().is_relative_to(folder.resolve()):
        raise TagifaiError(f"{to}: lies within the data folder {folder}; name one elsewhere")
    counter = _Counter(changes)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to.parent))
    except OSError as error:
        raise TagifaiError(f"{to}: cannot be written ({error.strerror or error})") from None
    try:
        for path in sorted(folder.iterdir()):
            if not path.is_file() or path.name.startswith(REVIEWS_FILE):
                continue
            if path.name in PROJECT_FILES:
                _WRITERS[path.suffix](path, scratch / path.name, counter.retag)
            else:
                shutil.copyfile(path, scratch / path.name)
        after = load_dataset(scratch)
        scratch.chmod(0o755)
        if to.exists():
            to.rmdir()
        scratch.rename(to)
    except OSError as error:
        raise TagifaiError(f"{to}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Applied(
        counter.num_projects,
        counter.num_added,
        counter.num_removed,
        counter.num_same,
        tuple(sorted(set(changes) - counter.seen)),
        before.digest,
        after.digest,
    )


class _Counter:
    """Changes tags, and counts what was changed on the way."""

    def __init__(self, changes: Mapping[str, Change]) -> None:
        self._changes = changes
        self.seen: set[str] = set()
        self.num_projects = self.num_added = self.num_removed = self.num_same = 0

    def retag(self, one: Any, tags: list[str]) -> list[str]:
        """Give the new tags: the very same list where nothing changes."""
        change = self._changes.get(str(one))
        if change is None:
            return tags
        self.seen.add(str(one))
        has = {tag.strip() for tag in tags}
        added = [tag for tag in dict.fromkeys(change.get("add", ())) if tag not in has]
        removed = set(change.get("remove", ())) & has
        asked = len(set(change.get("add", ()))) + len(set(change.get("remove", ())))
        self.num_added += len(added)
        self.num_removed += len(removed)
        self.num_same += asked - len(added) - len(removed)
        if not added and not removed:
            return tags
        self.num_projects += 1
        return [tag for tag in tags if tag.strip() not in removed] + added


def _write_json(source: Path, target: Path, retag: _Retag) -> None:
    text = source.read_text("utf-8-sig")
    rows = json.loads(text)
    for row in rows:
        row["tags"] = retag(row["id"], row["tags"])
    # As indented as it was: the difference of the two files is that of the tags.
    second = text.split("\n")[1:2]
    indent = len(second[0]) - len(second[0].lstrip()) if second else None
    target.write_text(_dumps(rows, indent) + "\n", "utf-8")


def _dumps(value: Any, indent: int | None = None) -> str:
    # A lone surrogate stays the escape that it was.
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent)
    return text


def _write_jsonl(source: Path, target: Path, retag: _Retag) -> None:
    with source.open(encoding="utf-8-sig", newline="") as lines, target.open("wb") as out:
        for line in lines:
            row = json.loads(line) if line.strip() else None
            if row is not None:
                tags = retag(row["id"], row["tags"])
                if tags is not row["tags"]:
                    line = _dumps({**row, "tags": tags}) + "\n"
            out.write(line.encode("utf-8"))


def _write_csv(source: Path, target: Path, retag: _Retag) -> None:
    csv.field_size_limit(MAX_TEXT)
    with source.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.reader(lines, strict=True))
    header = rows[0]
    one, column = header.index("id"), header.index("tags")
    for row in rows[1:]:
        own = json.loads(row[column])
        tags = retag(row[one], own)
        if tags is not own:
            row[column] = json.dumps(tags, ensure_ascii=False)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    target.write_bytes(text.getvalue().encode("utf-8"))


def _write_parquet(source: Path, target: Path, retag: _Retag) -> None:
    import pyarrow  # here: only those who bring Parquet wait for it
    import pyarrow.parquet as parquet

    table = parquet.read_table(source)
    ids, tags = table.column("id").to_pylist(), table.column("tags").to_pylist()
    changed = [retag(one, own) for one, own in zip(ids, tags, strict=True)]
    position = table.schema.get_field_index("tags")
    kind = table.schema.field(position)
    table = table.set_column(position, kind, pyarrow.array(changed, kind.type))
    parquet.write_table(table, target)


_WRITERS: dict[str, Callable[[Path, Path, _Retag], None]] = {
    ".json": _write_json,
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
