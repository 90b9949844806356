"""Columns changed in a copy of a Parquet file, whose types, metadata and layout stay."""

from collections.abc import Callable, Mapping, Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING

from tagifai.errors import TagifaiError, shorten

if TYPE_CHECKING:
    from pyarrow import DataType
    from pyarrow.parquet import ParquetFile

# Takes the row (from 0) that a group of rows begins with, and its cells by column; returns the new
# cells, by column and place in the group.
Edit = Callable[[int, Mapping[str, Sequence[object]]], Mapping[str, Mapping[int, object]]]


def rewrite_columns(
    source: Path, target: Path, columns: Sequence[str], edit: Edit, start: int = 0
) -> None:
    """Write a copy of a Parquet file with other cells, row group by row group.

    Schema, metadata, the number of rows of each group and the compression of each column stay;
    other columns are passed on as they are read.

    Parameters
    ----------
    source, target : Path
        The file and its copy.
    columns : sequence of str
        The columns that may change.
    edit : callable
        Returns what changes in a group of rows.
    start : int
        Number of the file's first row.

    Raises
    ------
    TagifaiError
        A column's type cannot hold a new cell, as where each list has a fixed length; the message
        names row and column.
    """
    import pyarrow  # here: only those who read Parquet wait for it
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(source) as file:
        schema = file.schema_arrow
        options = _options_of(file)
        with parquet.ParquetWriter(target, schema, **options) as writer:
            if schema.metadata and not options.get("store_schema", True):
                # Otherwise it is written along with the schema.
                writer.add_key_value_metadata(schema.metadata)
            for number in range(file.metadata.num_row_groups):
                table = file.read_row_group(number)
                cells = {name: table.column(name).to_pylist() for name in columns}
                for name, changed in edit(start, cells).items():
                    kind = schema.field(name).type
                    for place, cell in changed.items():
                        _check_length(f"{source}: row {start + place + 1}, {name}", kind, cell)
                        # A number that was not there is written as a cell of text is.
                        cells[name][place] = _as_number(cell, kind)
                    try:
                        array = pyarrow.array(cells[name], kind)
                    except (pyarrow.ArrowException, TypeError, ValueError) as error:
                        raise TagifaiError(
                            f"{source}: {name}: the type {kind} cannot hold the new tags "
                            f"({shorten(str(error))})"
                        ) from None
                    place = table.schema.get_field_index(name)
                    table = table.set_column(place, schema.field(name), array)
                writer.write_table(table, row_group_size=max(1, table.num_rows))
                start += table.num_rows


def count_rows(source: Path) -> int:
    """Count the rows of a Parquet file."""
    import pyarrow.parquet as parquet

    return int(parquet.read_metadata(source).num_rows)


def list_column_names(source: Path) -> set[str]:
    """Return the names of the columns of a Parquet file that hold lists."""
    import pyarrow.parquet as parquet
    import pyarrow.types as types

    checks = [
        getattr(types, name)
        for name in ("is_list", "is_large_list", "is_fixed_size_list", "is_list_view")
        if hasattr(types, name)
    ]
    schema = parquet.read_schema(source)
    return {column.name for column in schema if any(check(column.type) for check in checks)}


def _as_number(cell: object, kind: "DataType") -> object:
    import pyarrow.types as types

    return int(cell) if isinstance(cell, str) and types.is_integer(kind) else cell


def _check_length(where: str, kind: "DataType", cell: object) -> None:
    import pyarrow.types as types

    if not types.is_fixed_size_list(kind) or not isinstance(cell, Sized):
        return
    if len(cell) != kind.list_size:
        raise TagifaiError(
            f"{where}: the type {kind} holds exactly {kind.list_size} tags, and there would be "
            f"{len(cell)}; write the column as list<string>"
        )


def _options_of(file: "ParquetFile") -> dict[str, object]:
    """Return how a file is written, as options of `ParquetWriter`."""
    metadata = file.metadata
    if not metadata.num_row_groups:
        return {}
    group = metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    compressions = {
        one.path_in_schema: one.compression.replace("UNCOMPRESSED", "NONE") for one in columns
    }
    encoded = [
        one.path_in_schema
        for one in columns
        if any("DICTIONARY" in encoding for encoding in one.encodings)
    ]
    alike = set(compressions.values())
    version = metadata.format_version
    return {
        "compression": alike.pop() if len(alike) == 1 else compressions,
        "use_dictionary": encoded if 0 < len(encoded) < len(columns) else bool(encoded),
        "write_statistics": any(one.is_stats_set for one in columns),
        "version": version if version in ("1.0", "2.4", "2.6") else "2.6",
        "store_schema": b"ARROW:schema" in (metadata.metadata or {}),
    }
