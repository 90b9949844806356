"""Name the kinds of files and open them, bounded; errors of reading name the file."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from tagifai.errors import TagifaiError, shorten
from tagifai.limits import Limit

_CHUNK = 1 << 20

# What changes with a file: when it was written, its size and which file it is.
FileStamp: TypeAlias = tuple[int, int, int]

KINDS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
}


def stamp_file(path: Path) -> FileStamp | None:
    """Return what changes with a file; None where it cannot be found."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def kind_of(path: Path) -> str:
    """Return "json", "jsonl", "csv", "tsv" or "parquet", by a file's name.

    >>> kind_of(Path("train.csv.gz"))
    'csv'

    Raises
    ------
    TagifaiError
        The name is of another kind of file.
    """
    name = path.name.lower()
    packed = name.endswith(".gz")
    kind = KINDS.get(Path(name.removesuffix(".gz")).suffix)
    if kind is None or (packed and kind == "parquet"):
        raise TagifaiError(
            f"{path}: unknown kind of file; allowed: {', '.join(KINDS)}, and .gz after each but "
            "Parquet"
        )
    return kind


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise an error that names the file where reading it fails.

    Raises
    ------
    TagifaiError
        The file is missing, cut off, or text of another encoding.
    """
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TagifaiError(f"{path}: not a whole gzip file ({error})") from None
    except OSError as error:
        message = " ".join(str(error.strerror or error).split())
        raise TagifaiError(f"{path}: cannot be read ({shorten(message, 200)})") from None
    except UnicodeDecodeError as error:
        raise TagifaiError(
            f"{path}: not {error.encoding.upper()} text ({_locate(path, error.encoding)})"
        ) from None
    except UnicodeError as error:  # UTF-16 without the mark that says which one
        raise TagifaiError(f"{path}: {error}") from None


def _locate(path: Path, encoding: str) -> str:
    """Return the place of the first byte that an encoding cannot have.

    The error of a stream counts from the beginning of a chunk alone.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    num_bytes, lines = 0, 1
    with open_bytes(path) as file:
        while chunk := file.read(_CHUNK):
            before = num_bytes - len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                lines += error.object[: error.start].count(b"\n")
                return f"byte {before + error.start + 1:,}, line {lines:,}"
            num_bytes += len(chunk)
            lines += chunk.count(b"\n")
    return "it ends in the middle of a character"


class _Limited(io.RawIOBase):
    """A file that raises an error once more than a number of bytes have come out of it."""

    def __init__(self, source: IO[bytes], path: Path, most: int | Limit) -> None:
        self._source, self._path = source, path
        self._most = str(most) if isinstance(most, Limit) else f"{most:,}"
        self._left = most.num_bytes if isinstance(most, Limit) else most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._source.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise TagifaiError(f"{self._path}: more than {self._most} bytes; no more are read")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._source.close()
        super().close()


def open_bytes(path: Path, max_bytes: int | Limit | None = None) -> IO[bytes]:
    """Open a file for reading, unpacked where its name ends in `.gz`."""
    opened: IO[bytes] = path.open("rb")
    if path.suffix.lower() == ".gz":
        opened = cast(IO[bytes], gzip.GzipFile(fileobj=opened))
    return opened if max_bytes is None else io.BufferedReader(_Limited(opened, path, max_bytes))


def open_text(
    path: Path, encoding: str, max_bytes: int | Limit | None = None, newline: str | None = None
) -> IO[str]:
    """Open a text file for reading, unpacked where its name ends in `.gz`."""
    return io.TextIOWrapper(open_bytes(path, max_bytes), encoding, newline=newline)
