"""Read the rows of JSON, JSON lines, CSV, TSV and Parquet files, one by one."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tagifai.data.arrow_files import read_parquet
from tagifai.data.csv_files import STANDARD, Dialect, read_csv
from tagifai.data.files import kind_of, readable
from tagifai.data.json_files import MAX_JSON_BYTES, check_size, read_json_lines, read_json_list
from tagifai.data.validation import Row, validate_row
from tagifai.limits import Limit
from tagifai.pointers import refuse_pointer_file


def read_records(
    path: Path,
    dialect: Dialect = STANDARD,
    *,
    kind: str = "",
    max_bytes: int | Limit | None = None,
    allow_nan: bool = False,
) -> Iterator[tuple[int, object]]:
    """Read the rows of a file one by one, numbered from 1.

    JSON lines, CSV, TSV and Parquet are streamed; a JSON list is held while it is read. Each may
    be packed (`.gz`), except Parquet. Cells of CSV are strings; blank lines are skipped.

    Parameters
    ----------
    path : Path
        A `.json`, `.jsonl`, `.ndjson`, `.csv`, `.tsv`, `.tab` or `.parquet` file, or one of the
        text files with `.gz` after it.
    dialect : Dialect
        How a CSV or TSV file is written; of the others, `encoding` alone counts.
    kind : str
        What kind of file it is, where its name does not say so: see `kind_of`.
    max_bytes : int or Limit, optional
        The most that is read, unpacked; a `Limit` names its setting. Parquet, which is read in
        parts, has none.
    allow_nan : bool
        Read NaN and Infinity in JSON as null: Python writes them, and JSON does not have them.

    Yields
    ------
    row : int
        The row's number.
    record : object
        A dict, unless a JSON file holds something else: validate it with `validate_row`.

    Raises
    ------
    TagifaiError
        Another kind of file, unreadable, malformed or too large.
    """
    kind = kind or kind_of(path)
    refuse_pointer_file(path)
    records: Iterable[object]
    if kind == "parquet":
        records = read_parquet(path)
    elif kind == "json":
        records = read_json_list(path, dialect.encoding, max_bytes or MAX_JSON_BYTES, allow_nan)
    elif kind == "jsonl":
        records = read_json_lines(path, dialect.encoding, max_bytes, allow_nan)
    else:
        records = read_csv(path, dialect, max_bytes)
    with readable(path):
        yield from enumerate(records, start=1)


def read_rows(path: Path | str, model: type[Row]) -> list[Row]:
    """Read and validate every row of a small file, such as the slices of a data folder.

    Raises
    ------
    TagifaiError
        The file is unreadable or over 10 MB, or `model` refuses a row; the message names file,
        row (from 1) and field.
    """
    path = Path(path)
    check_size(path)
    return [validate_row(path, number, record, model) for number, record in read_records(path)]
