"""Read the projects of any files, in place, by what `[columns]` says."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tagifai.data.columns import Columns, with_defaults
from tagifai.data.row_fields import read_fields
from tagifai.data.sources import Source, open_sources, read_source, split_of
from tagifai.data.validation import Record
from tagifai.errors import TagifaiError


def read_in_place(
    paths: Sequence[Path], columns: Columns
) -> Iterator[tuple[Path, int, Record | None]]:
    """Yield (file, row, fields) of each row, as `[columns]` says; nothing is guessed.

    The fields are None where nobody decided on the tags, and the row is to be left out.

    Raises
    ------
    TagifaiError
        A file is malformed, a column is missing, or a cell holds something else.
    """
    sources = open_sources(paths, columns.dialect, detect=False)
    number = 0
    for source, split in zip(sources, splits_of(sources, columns), strict=True):
        filled = None
        for row, record in read_source(source):
            number += 1
            if filled is None:
                filled = with_defaults(columns, list(record), str(source.path), source.names)
            where = f"{source.path}: row {row}"
            fields = read_fields(record, filled, number, where, split)
            yield source.path, row, None if fields is None else fields.to_record()


def splits_of(sources: Sequence[Source], columns: Columns) -> tuple[str, ...]:
    """Return the split that each table's file or folder names, "" for none.

    Where all of them name the same split, none counts: all the rows would be in it.

    Raises
    ------
    TagifaiError
        Some names are those of splits, and others are not.
    """
    none = ("",) * len(sources)
    if columns.split:
        return none
    found = tuple(split_of(source.part) for source in sources)
    if len(set(found) - {""}) < 2:
        return none
    if "" in found:
        unnamed = sources[found.index("")]
        raise TagifaiError(
            f"{unnamed.path}: other files say by their names which split they are, and this one "
            f"does not ({unnamed.part}): name it so too, or --split none leaves splits to training"
        )
    return found
