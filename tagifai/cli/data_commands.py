"""Commands about data folders: check, import, split and download."""

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tagifai.cli.answers import Answer, data_folder
from tagifai.cli.terminal import print_table, print_text, progress_bar, shown
from tagifai.data import load_dataset
from tagifai.data.columns import Columns, check_columns, number_names
from tagifai.data.json_files import load_json
from tagifai.data.project_table import projects_by_id
from tagifai.data.tag_cells import NONE, Names
from tagifai.errors import TagifaiError, counted, shorten
from tagifai.hub import hub_name_of, is_on_hub
from tagifai.settings import load_limits

# The rest in functions: other commands need not wait for it.
if TYPE_CHECKING:
    from tagifai.data.importing import Imported

_LISTED = 10
# Keys of a model's configuration under which the names of its labels stand.
_NAME_KEYS = ("id2label", "label2id", "names")


def check_data(options: argparse.Namespace) -> Answer:
    """Read a data folder and check its rules."""
    from tagifai.data.agreement import measure_agreement
    from tagifai.data.check import check_dataset, format_report, report_to_dict

    folder = data_folder(options)
    dataset = load_dataset(folder)
    agreement = measure_agreement(folder, projects_by_id(dataset.projects))
    report = check_dataset(dataset, progress=progress_bar("checking"))

    def show() -> None:
        print_text(format_report(report))
        if agreement:
            print_text(
                f"{agreement.num_projects:,} projects were tagged twice: "
                f"F1 of one tagging against the other {shown(agreement.f1)}"
            )

    return Answer(
        {**report_to_dict(report), "agreement": agreement and asdict(agreement)},
        show,
        failed=options.strict and bool(report.findings),
    )


def split_data(options: argparse.Namespace) -> Answer:
    """Write a test split that all versions of a data folder share."""
    from tagifai.data.hub import refuse_hub_folder
    from tagifai.training.fixed_split import describe_split, write_splits

    folder = data_folder(options)
    refuse_hub_folder(folder)
    dataset = load_dataset(folder)
    path, splits = write_splits(
        folder, dataset, test=options.test, val=options.val, seed=options.seed
    )
    rows = describe_split(dataset, splits)

    def show() -> None:
        columns = {"split": "split", "projects": "projects", "tags": "tags with 10 or more"}
        print_table([asdict(row) for row in rows], columns, title=f"written to {path}")

    return Answer({"file": str(path), "splits": rows}, show)


def download_data(options: argparse.Namespace) -> Answer:
    """Fetch the Made With ML projects."""
    from tagifai.data.download import download_projects

    download_projects(options.to, progress=progress_bar("downloading"))
    return Answer({"to": str(options.to)}, lambda: print_text(f"downloaded to {options.to}"))


def import_data(options: argparse.Namespace) -> Answer:
    """Make a data folder of people's own files, or report how they would be understood."""
    from tagifai.data.importing import import_projects

    if options.to is None and not options.dry_run:
        raise TagifaiError("--to DIR names the folder to write; --dry-run writes nothing")
    given = _given(options)
    with _files(options) as files:
        imported = import_projects(
            files,
            None if options.dry_run else options.to,
            given,
            untagged=options.untagged,
            progress=progress_bar("importing"),
        )
    if is_on_hub(options.files[0]):
        imported = replace(imported, in_place="")
    return Answer(_to_json(imported), lambda: _show(imported, options.to, options.dry_run))


@contextmanager
def _files(options: argparse.Namespace) -> "Iterator[Sequence[Path]]":
    """Yield the files to import, those of a dataset on the Hub fetched."""
    from tagifai.data.hub import HubDataset

    if not any(map(is_on_hub, options.files)):
        if options.config:
            raise TagifaiError("--config chooses within hf:ORG/DATASET, and only files are named")
        yield options.files
        return
    if len(options.files) > 1:
        raise TagifaiError(f"{options.files[0]}: a dataset of the Hub is imported by itself")
    dataset = HubDataset(
        hub_name_of(options.files[0]), load_limits(vars(options)), progress_bar("downloading")
    )
    with dataset.fetch(options.config) as fetched:
        yield fetched.paths


def _given(options: argparse.Namespace) -> Columns:
    columns = Columns(
        id=options.id,
        title=options.title,
        text=options.text,
        tags=_split(options.tags, "--tags"),
        separator=_unescape(options.separator),
        one_hot=_split(options.one_hot, "--one-hot"),
        names=_read_names(options.names),
        multi_hot=options.multi_hot,
        split=options.split,
        unlabelled=options.unlabelled,
        leave_out=_split(options.leave_out, "--leave-out"),
        encoding=options.encoding,
        delimiter=_unescape(options.delimiter),
        quoting=options.quoting,
        header=_split(options.header, "--header"),
    )
    if len(columns.delimiter) > 1:
        raise TagifaiError(f"--delimiter: one character is needed, got {options.delimiter!r}")
    check_columns(columns, "arguments")
    return columns


def _split(text: str, flag: str) -> tuple[str, ...]:
    """Split comma-separated names; a name with a comma is in quotes."""
    if not text:
        return ()
    try:
        (names,) = csv.reader([text], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError) as error:
        raise TagifaiError(f"{flag}: names separated by commas are needed ({error})") from None
    found = tuple(name.strip() for name in names)
    if not all(found) or len(set(found)) < len(found):
        raise TagifaiError(f"{flag}: a name is blank, or comes twice: {shorten(text)}")
    return found


def _unescape(text: str) -> str:
    r"""Read \t and \n as they are typed.

    >>> _unescape("\\t") == "\t", _unescape("tab") == "\t", _unescape(";")
    (True, True, ';')
    """
    return {"\\t": "\t", "tab": "\t", "\\n": "\n", "space": " "}.get(text, text)


def _read_names(text: str) -> Names:
    """Read the argument of --names: "none", a file, or a,b,c, or 1=a,2=b."""
    if not text:
        return None
    if text == NONE:
        return "none"
    path = Path(text)
    if path.is_file():
        return _names_of_file(path)
    listed = _split(text, "--names")
    if all("=" in name for name in listed):
        pairs = dict(name.split("=", 1) for name in listed)
        return number_names(pairs, "--names")
    if len(listed) == 1:
        raise TagifaiError(
            f"--names: {shorten(text)}: no such file; a,b,c or 0=a,1=b gives names themselves"
        )
    return dict(enumerate(listed))


def _names_of_file(path: Path) -> Names:
    where = str(path)
    if path.suffix.lower() == ".json":
        found = load_json(path)
        for key in _NAME_KEYS:
            if isinstance(found, dict) and isinstance(found.get(key), dict | list):
                found = found[key]
                break
        if isinstance(found, dict):
            return number_names(found, where)
    else:
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except OSError as error:
            raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None
        except UnicodeDecodeError as error:
            raise TagifaiError(f"{path}: not UTF-8 text (byte {error.start + 1})") from None
        found = [line.strip() for line in lines if line.strip()]
    if not isinstance(found, list) or not found:
        raise TagifaiError(f"{where}: a name a line is needed, or a JSON list of names")
    return number_names(dict(enumerate(found)), where)


def _to_json(imported: "Imported") -> dict[str, object]:
    from tagifai.data.importing import notes_on

    reading = imported.reading
    return {
        "files": [
            {
                "path": str(source.path),
                "kind": source.kind,
                "written": list(source.written),
                "rows": rows,
                "split": split or None,
            }
            for source, rows, split in zip(
                reading.sources, reading.num_rows, reading.splits, strict=True
            )
        ],
        "columns": dict(reading.layout.parts),
        "in_place": imported.in_place or None,
        "projects": imported.num_projects,
        "left_out": imported.num_left_out,
        "labels": imported.num_labels,
        "untagged": imported.num_untagged,
        "without_text": imported.num_textless,
        "tags": dict(imported.tags),
        "splits": dict(imported.splits),
        "notes": notes_on(imported),
        "first": [fields.to_record() for fields in imported.rows],
        "written": [str(path) for path in imported.written],
    }


def _show(imported: "Imported", to: Path | None, dry_run: bool) -> None:
    from tagifai.data.importing import notes_on

    reading = imported.reading
    for source, num_rows in zip(reading.sources, reading.num_rows, strict=True):
        how = ", ".join((_KINDS[source.kind], *source.written, counted(num_rows, "row")))
        print_text(f"{source.path}: {how}")
    for part, description in reading.layout.parts.items():
        print_text(f"  {part:10}{description}")
    if any(reading.splits):
        print_text(f"  {'split':10}by the names of the files")
    print_text(
        f"{counted(imported.num_projects, 'project')}, {counted(imported.num_labels, 'label')}, "
        f"{counted(len(imported.tags), 'tag')}: {_listed(imported.tags)}"
    )
    if imported.splits:
        print_text(f"splits: {_listed(imported.splits)}")
    for note in notes_on(imported):
        print_text(f"note: {note}")
    rows = [
        {
            "id": fields.id,
            "title": fields.title,
            "description": shorten(fields.description, 200),
            "tags": ", ".join(fields.tags),
        }
        for fields in imported.rows
    ]
    titles = {"title": "title"} if any(fields.title for fields in imported.rows) else {}
    print_table(rows, {"id": "id", **titles, "description": "text", "tags": "tags"})
    if imported.in_place:
        print_text(f"To read it in place instead, in data.toml:\n\n{imported.in_place}\n")
    if dry_run:
        print_text("nothing was written (--dry-run)")
    else:
        print_text(f"written: {', '.join(map(str, imported.written))}")
        print_text(f"next: python -m tagifai data check --data {to}")


_KINDS = {
    "csv": "CSV",
    "tsv": "TSV",
    "json": "JSON",
    "jsonl": "JSON lines",
    "parquet": "Parquet",
    "arrow": "Arrow",
}


def _listed(counts: Mapping[str, int]) -> str:
    pairs = list(counts.items())
    more = f" and {len(pairs) - _LISTED} more" if len(pairs) > _LISTED else ""
    return ", ".join(f"{name} {count:,}" for name, count in pairs[:_LISTED]) + more
