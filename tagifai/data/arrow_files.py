"""Read Parquet and Arrow files, and the folders that `datasets` saves, with pyarrow alone."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagifai.data.csv_files import refuse_doubles
from tagifai.data.files import readable
from tagifai.data.json_files import read_object
from tagifai.data.unpacked import Unpacked, unpacked_size
from tagifai.data.validation import Record
from tagifai.errors import TagifaiError, shorten

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyarrow.parquet import FileMetaData, ParquetFile

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
ClassNames = Mapping[str, tuple[str, ...]]
_BATCH = 1_000
# Rows of a batch whose texts share beginnings: each may be as long as the whole column.
_FEW = 64
# Bytes of the rows that are read at once, as the file tells.
_AT_ONCE = 32 * 2**20
# Bytes that a batch may unpack to without anybody having counted before.
_MUCH = 64 * 2**20
# Bytes of a number, or of the place of a text.
_WIDTH = 8


@contextmanager
def arrow_errors(path: Path, kind: str) -> Iterator[None]:
    """Raise an error that names the file where pyarrow refuses it: "not Parquet: …"."""
    import pyarrow  # here: only those who read Parquet wait for it

    try:
        yield
    except (pyarrow.ArrowException, ValueError, OverflowError) as error:
        message = " ".join(str(error).split())
        raise TagifaiError(f"{path}: not {kind}: {shorten(message, 200)}") from None


def read_parquet(path: Path) -> Iterator[Record]:
    """Yield the rows of a Parquet file.

    Raises
    ------
    TagifaiError
        The file is not Parquet, or has a column twice.
    """
    with arrow_errors(path, "Parquet"), open_parquet(path) as file:
        refuse_doubles(path, file.schema_arrow.names)
        for batch in bounded_batches(path, file, Unpacked.of(path), _BATCH):
            yield from batch.to_pylist()


def open_parquet(path: Path) -> "ParquetFile":
    """Open a Parquet file so that texts which it holds once are held once in memory, too."""
    import pyarrow.parquet as parquet

    metadata = parquet.read_metadata(path)
    return parquet.ParquetFile(path, metadata=metadata, read_dictionary=_repetitive(metadata))


def _repetitive(metadata: "FileMetaData") -> list[str]:
    """List the columns of texts that may unpack to far more than they take in the file."""
    found: dict[str, None] = {}
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(number)
            if (
                chunk.physical_type == "BYTE_ARRAY"
                and any("DICTIONARY" in one for one in chunk.encodings)
                and chunk.num_values * chunk.total_uncompressed_size > _MUCH
            ):
                found[chunk.path_in_schema] = None
    return list(found)


def bounded_batches(
    path: Path, file: "ParquetFile", unpacked: Unpacked, rows: int
) -> Iterator["RecordBatch"]:
    """Yield the rows of a Parquet file in batches, each counted before its texts are unpacked.

    Parameters
    ----------
    path : Path
        Named in messages.
    file : pyarrow.parquet.ParquetFile
        What `open_parquet` returned.
    unpacked : Unpacked
        What the file, and those before, unpacked to.
    rows : int
        The most rows of a batch.

    Raises
    ------
    TagifaiError
        The file unpacks to too much.
    """
    before = 0
    # Group by group: pyarrow reads lists of dictionaries within one alone.
    for group in range(file.num_row_groups):
        columns = file.metadata.row_group(group)
        chunks = [columns.column(number) for number in range(columns.num_columns)]
        numbers = sum(_WIDTH * chunk.num_values for chunk in chunks)
        unpacked.check(numbers + columns.total_byte_size, str(path))
        # Texts stored by what they share with the one before have no dictionary to count by.
        shares = any("DELTA_BYTE_ARRAY" in chunk.encodings for chunk in chunks)
        fitting = _AT_ONCE * columns.num_rows // max(1, columns.total_byte_size)
        at_once = _FEW if shares else max(_FEW, min(rows, fitting))
        for batch in file.iter_batches(at_once, row_groups=[group]):
            unpacked.add(unpacked_size(batch), str(path))
            batch = _without_dictionaries(batch)
            _refuse_other_text(path, batch, before)
            before += batch.num_rows
            yield batch


def _refuse_other_text(path: Path, batch: "RecordBatch", before: int) -> None:
    """Raise TagifaiError where a text is not UTF-8: Parquet's reader does not look at that."""
    import pyarrow as pa

    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            for row in range(batch.num_rows):
                try:
                    column.slice(row, 1).validate(full=True)
                except pa.ArrowInvalid:
                    raise TagifaiError(
                        f"{path}: row {before + row + 1}, {shorten(name)}: not UTF-8 text"
                    ) from None
            raise


def _without_dictionaries(batch: "RecordBatch") -> "RecordBatch":
    import pyarrow as pa

    columns = {
        name: column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    return pa.RecordBatch.from_pydict(columns)


def is_saved_dataset(folder: Path) -> bool:
    """Check whether a folder is what `save_to_disk` of `datasets` writes."""
    return any((folder / name).is_file() for name in (STATE, SPLITS))


def saved_splits(folder: Path) -> dict[str, Path]:
    """Return the folder of each split of a saved `DatasetDict`, and {"": folder} of a `Dataset`.

    Raises
    ------
    TagifaiError
        The folder's own files are missing or malformed.
    """
    path = folder / SPLITS
    if not path.is_file():
        return {"": folder}
    names = read_object(path).get("splits")
    if not isinstance(names, list) or not all(_is_plain_name(name) for name in names):
        raise TagifaiError(f"{path}: splits: a list of names of folders is needed")
    return {name: folder / name for name in names}


def saved_files(folder: Path) -> tuple[Path, ...]:
    """List the Arrow files of a saved `Dataset`, in the order of its rows.

    Raises
    ------
    TagifaiError
        `state.json` is missing or malformed, or the rows are chosen by an index beside them.
    """
    path = folder / STATE
    state = read_object(path)
    if state.get("_indices_files") or state.get("_indices_data_files"):
        raise TagifaiError(
            f"{path}: its rows are chosen by an index; call flatten_indices() before save_to_disk()"
        )
    listed = state.get("_data_files")
    files = listed if isinstance(listed, list) else []
    names = [str(one.get("filename")) for one in files if isinstance(one, dict)]
    if not names or not all(_is_plain_name(name) for name in names):
        raise TagifaiError(f"{path}: _data_files: a list of files is needed")
    return tuple(folder / name for name in names)


def saved_class_names(folder: Path) -> ClassNames:
    """Return the names of the numbers in each column, as `dataset_info.json` lists them."""
    path = folder / INFO
    return class_names(read_object(path).get("features")) if path.is_file() else {}


def class_names(features: object) -> ClassNames:
    """Return the names of each `ClassLabel` column, alone or in a list.

    >>> class_names({"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}})
    {'label': ('neg', 'pos')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for column, feature in (features if isinstance(features, dict) else {}).items():
        while isinstance(feature, dict | list):
            if isinstance(feature, list):  # how older versions write a list
                feature = feature[0] if feature else None
            elif isinstance(feature.get("names"), list):
                found[column] = tuple(map(str, feature["names"]))
                break
            else:
                feature = feature.get("feature")
    return found


def schema_class_names(path: Path, kind: str) -> ClassNames:
    """Return the names of each `ClassLabel` column that a Parquet or Arrow file keeps itself."""
    import pyarrow.parquet as parquet

    with readable(path), arrow_errors(path, "Parquet" if kind == "parquet" else "Arrow"):
        if kind == "parquet":
            metadata = parquet.read_schema(path).metadata
        else:
            with _open(path) as reader:
                metadata = reader.schema.metadata
    try:
        return class_names(json.loads((metadata or {})[b"huggingface"])["info"]["features"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}


def read_arrow(path: Path) -> Iterator[Record]:
    """Yield the rows of an Arrow file, a stream or one for random access.

    Raises
    ------
    TagifaiError
        The file is unreadable or not Arrow.
    """
    with readable(path), arrow_errors(path, "Arrow"), _open(path) as reader:
        refuse_doubles(path, reader.schema.names)
        batches = (
            (reader.get_batch(number) for number in range(reader.num_record_batches))
            if hasattr(reader, "num_record_batches")
            else reader
        )
        unpacked = Unpacked.of(path)
        for batch in batches:
            batch.validate(full=True)  # offsets that lead outside would end the program
            unpacked.add(unpacked_size(batch), str(path))
            for start in range(0, batch.num_rows, _BATCH):
                yield from batch.slice(start, _BATCH).to_pylist()


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    import pyarrow

    # Not mapped into memory: a file that shrinks meanwhile would end the program.
    with pyarrow.OSFile(str(path)) as file:
        try:
            reader = pyarrow.ipc.open_stream(file)
        except pyarrow.ArrowInvalid:
            file.seek(0)
            reader = pyarrow.ipc.open_file(file)
        with reader:
            yield reader


def _is_plain_name(name: object) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..") and Path(name).name == name
