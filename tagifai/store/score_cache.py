"""Answers of a predictor, saved as they come: an interrupted run goes on where it stopped."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tagifai.arrays import Array
from tagifai.errors import TagifaiError


class ScoreCache:
    """Probabilities by the digest of a text, in one SQLite file of a run.

    What the rows depend on besides the text (which predictor, which tags) belongs in the file's
    name: see `open_scores`. The file is for one run at a time; `close(keep=False)` removes it.

    Parameters
    ----------
    path : Path or None
        The file, made if need be; None saves nothing beyond the run.
    num_tags : int
        Numbers in a row.

    Raises
    ------
    TagifaiError
        The file cannot be opened or written.
    """

    def __init__(self, path: Path | None, num_tags: int) -> None:
        self.path = path
        self.num_tags = num_tags
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._open()
        except (OSError, sqlite3.Error) as error:
            raise TagifaiError(f"{path}: cannot be written ({error})") from None

    def get(self, texts: Sequence[str]) -> dict[int, Array]:
        """Return the saved rows of texts, by their place; float32 (n_tags,)."""
        found = {}
        with closing(self._connection.cursor()) as cursor:
            for place, text in enumerate(texts):
                cursor.execute("SELECT value FROM scores WHERE key = ?", (_key(text),))
                row = cursor.fetchone()
                if row is not None and len(row[0]) == 4 * self.num_tags:
                    found[place] = np.frombuffer(row[0], np.float32)
        return found

    def put(self, texts: Iterable[str], y_prob: Array) -> None:
        """Save the rows of texts, float32 (n_texts, n_tags), at once.

        Raises
        ------
        TagifaiError
            The file cannot be written: a full disk, for one.
        """
        rows = np.ascontiguousarray(y_prob, np.float32)
        pairs = [(_key(text), row.tobytes()) for text, row in zip(texts, rows, strict=True)]
        try:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", pairs)
        except sqlite3.Error as error:
            raise TagifaiError(f"{self.path}: cannot be written ({error})") from None

    def __len__(self) -> int:
        """Return how many texts are saved."""
        (number,) = self._connection.execute("SELECT COUNT(*) FROM scores").fetchone()
        return int(number)

    def close(self, *, keep: bool) -> None:
        """Close the file; remove it once its rows are part of a version."""
        self._connection.close()
        if not keep and self.path is not None:
            for end in ("", "-wal", "-shm"):
                Path(f"{self.path}{end}").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(keep=kind is not None)

    def _open(self) -> sqlite3.Connection:
        if self.path is None:
            return _connect(":memory:")
        with suppress(sqlite3.DatabaseError):
            return _connect(self.path)
        # Damaged: what it held is asked for again.
        self.path.unlink()
        return _connect(self.path)


def open_scores(folder: Path | None, predictor: str, tags: Sequence[str]) -> ScoreCache:
    """Open the cache of one predictor's answers.

    Parameters
    ----------
    folder : Path or None
        The folder of the cache; None saves nothing.
    predictor : str
        All that says which predictor it is, the digest of its files for one.
    tags : sequence of str
        The order of its columns.
    """
    digest = hashlib.sha256("\0".join([predictor, *tags]).encode("utf-8", "replace")).hexdigest()
    path = None if folder is None else folder / "scores" / f"{digest[:32]}.sqlite"
    return ScoreCache(path, len(tags))


def _connect(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE IF NOT EXISTS scores (key BLOB PRIMARY KEY, value BLOB)")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
