"""Lists of tags changed in a copy of a Parquet file, whose types, metadata and layout stay."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tagifai.data.edits import Retag
from tagifai.errors import TagifaiError, shorten

# Gives what changes of a row (from 0) with these tags, None where nothing does.
Plan = Callable[[int, Sequence[str]], Retag | None]


def rewrite_tags(source: Path, target: Path, plan: Plan, column: str = "tags") -> None:
    """Write a copy of a Parquet file with other tags, row group by row group.

    Schema, metadata, the number of rows of each group and the compression of each column stay;
    columns other than the tags are passed on as they are read.

    Parameters
    ----------
    source, target : Path
        The file and its copy.
    plan : callable
        Tells what changes of a row.
    column : str
        The column that holds the lists.

    Raises
    ------
    TagifaiError
        The column's type cannot hold the new tags, as where each list has a fixed length; the
        message names the row.
    """
    import pyarrow  # here: only those who bring Parquet wait for it
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(source) as file:
        schema = file.schema_arrow
        kind = schema.field(column).type
        if not _is_list(kind):
            raise TagifaiError(f"{source}: {column}: a list of strings is needed, not {kind}")
        options = _options_of(file)
        with parquet.ParquetWriter(target, schema, **options) as writer:
            if schema.metadata and not options.get("store_schema", True):
                # Otherwise it is written along with the schema.
                writer.add_key_value_metadata(schema.metadata)
            row = 0
            for number in range(file.metadata.num_row_groups):
                table = file.read_row_group(number)
                lists, row = _retagged(table.column(column).to_pylist(), row, plan, source, kind)
                try:
                    array = pyarrow.array(lists, kind)
                except pyarrow.ArrowException as error:
                    raise TagifaiError(
                        f"{source}: {column}: type {kind} cannot hold the new tags "
                        f"({shorten(str(error))})"
                    ) from None
                place = table.schema.get_field_index(column)
                table = table.set_column(place, schema.field(column), array)
                writer.write_table(table, row_group_size=max(1, table.num_rows))


def _is_list(kind: Any) -> bool:
    import pyarrow.types as types

    checks = ("is_list", "is_large_list", "is_fixed_size_list", "is_list_view")
    return any(getattr(types, check)(kind) for check in checks if hasattr(types, check))


def _retagged(
    lists: Sequence[list[str] | None], row: int, plan: Plan, source: Path, kind: Any
) -> tuple[list[list[str] | None], int]:
    import pyarrow.types as types

    found: list[list[str] | None] = []
    for number, own in enumerate(lists, start=row):
        change = plan(number, own or ())
        if change is None:
            found.append(own)
            continue
        kept = [tag for tag, stays in zip(own or (), change.keep, strict=True) if stays]
        tags = [*kept, *change.added]
        if types.is_fixed_size_list(kind) and len(tags) != kind.list_size:
            raise TagifaiError(
                f"{source}: row {number + 1}, tags: the type {kind} holds exactly "
                f"{kind.list_size} tags, and there would be {len(tags)}; write the column as "
                f"list<string>"
            )
        found.append(tags)
    return found, row + len(lists)


def _options_of(file: Any) -> dict[str, Any]:
    """Tell how a file is written, as far as pyarrow can write so."""
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
