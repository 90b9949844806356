"""Read projects from files as people have them: in place, or to import them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tagifai.data.columns import Columns, fields_of, with_defaults
from tagifai.data.sources import Source, open_sources, read_source, split_of
from tagifai.errors import TagifaiError


def read_in_place(
    paths: Sequence[Path], columns: Columns
) -> Iterator[tuple[Path, int, dict[str, Any] | None]]:
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
            yield source.path, row, fields_of(record, filled, number, where, split)


def splits_of(sources: Sequence[Source], columns: Columns) -> tuple[str, ...]:
    """Name the split of each table by its file or folder, "" where it says none.

    One split alone is none: all the rows would be in it.

    Raises
    ------
    TagifaiError
        Some names say a split, and others do not.
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
