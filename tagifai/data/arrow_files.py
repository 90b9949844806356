"""Read Parquet and Arrow files, and the folders that `datasets` saves, with pyarrow alone."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tagifai.data.csv_files import refuse_doubles
from tagifai.data.files import readable
from tagifai.data.json_files import read_object
from tagifai.data.validation import Record
from tagifai.errors import TagifaiError, shorten

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
ClassNames = Mapping[str, tuple[str, ...]]
_BATCH = 1_000


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
    import pyarrow.parquet as parquet

    with arrow_errors(path, "Parquet"), parquet.ParquetFile(path) as file:
        refuse_doubles(path, file.schema_arrow.names)
        # Group by group: pyarrow reads lists of dictionaries within one alone.
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(_BATCH, row_groups=[group]):
                yield from batch.to_pylist()


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
        for batch in batches:
            batch.validate(full=True)  # offsets that lead outside would end the program
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
