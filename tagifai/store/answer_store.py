"""Answers of predictors that cost money or time, kept across restarts by what was asked."""

import os
import sqlite3
import threading
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

MAX_BYTES = 256 * 2**20
_WRITES_BETWEEN_SWEEPS = 500
# What a row takes beside its numbers.
_ROW_BYTES = 100
_TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value BLOB, made REAL)"
_OLDEST = """
DELETE FROM answers WHERE key IN (
    SELECT key FROM (
        SELECT key, SUM(LENGTH(value) + ?) OVER (ORDER BY made DESC, key) AS total FROM answers
    ) WHERE total > ?
)
"""


class AnswerStore:
    """Numbers by the digest of what was asked, in one SQLite file that processes share.

    A key says all that an answer depends on, and neither keys of servers nor texts are in the
    file. A file that cannot be used costs one warning, and answers are kept in memory instead.

    Parameters
    ----------
    path : Path or None
        The file, made when the first answer is kept; None keeps answers in memory.
    max_bytes : int
        About how much is kept; the oldest answers are dropped first.

    Examples
    --------
    >>> answers = AnswerStore(None)
    >>> answers.put("digest of a question", [0.25, 1.0])
    >>> answers.get("digest of a question"), answers.get("another")
    ([0.25, 1.0], None)
    """

    def __init__(self, path: Path | None, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self._connection: sqlite3.Connection | None = None
        self._writes = 0
        self._lock = threading.Lock()

    def get(self, key: str, max_age: float | None = None) -> Sequence[float] | None:
        """Return what was kept under a key; None if nothing was, or more than `max_age` s ago."""
        with self._lock:
            if self._connection is None and self.path is not None and not self.path.exists():
                return None
            try:
                row = (
                    self._open()
                    .execute("SELECT value, made FROM answers WHERE key = ?", (key,))
                    .fetchone()
                )
            except sqlite3.Error as error:
                self._give_up(error)
                return None
        if row is None or (max_age is not None and not 0 <= time.time() - row[1] <= max_age):
            return None
        content = row[0]
        if not isinstance(content, bytes) or len(content) % 8:
            return None
        return [float(value) for value in np.frombuffer(content, "<f8")]

    def put(self, key: str, value: Sequence[float]) -> None:
        """Keep an answer; what cannot be written is asked again another time."""
        content = np.asarray(value, "<f8").tobytes()
        with self._lock:
            try:
                connection = self._open()
                with connection:
                    connection.execute(
                        "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)",
                        (key, content, time.time()),
                    )
                    if self._writes % _WRITES_BETWEEN_SWEEPS == 0:
                        connection.execute(_OLDEST, (_ROW_BYTES, self.max_bytes))
                self._writes += 1
            except sqlite3.Error as error:
                self._give_up(error)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        if self.path is None:
            self._connection = _connect(":memory:")
            return self._connection
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # For its owner alone, since reading an answer trusts it.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            if hasattr(os, "geteuid") and self.path.stat().st_uid != os.geteuid():
                raise PermissionError(f"{self.path} belongs to another user")
        except (OSError, ValueError) as error:
            raise sqlite3.OperationalError(str(error)) from None
        try:
            self._connection = _connect(self.path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # damaged: what it held is asked for again
            for end in ("", "-wal", "-shm"):
                Path(f"{self.path}{end}").unlink(missing_ok=True)
            self._connection = _connect(self.path)
        return self._connection

    def _give_up(self, error: sqlite3.Error) -> None:
        """Keep answers in memory from now on; another process may only be slow at writing."""
        if "locked" in str(error):
            return
        if self._connection is not None:
            self._connection.close()
        message = f"answers of predictors are not kept: {self.path}: {error}"
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        self.path, self._connection = None, None


class FreshAnswers:
    """A store whose answers are replaced and not read: everything is asked again.

    >>> kept = AnswerStore(None)
    >>> FreshAnswers(kept).put("a", [0.5]), FreshAnswers(kept).get("a"), kept.get("a")
    (None, None, [0.5])
    """

    def __init__(self, answers: AnswerStore) -> None:
        self._answers = answers

    def get(self, key: str, max_age: float | None = None) -> None:
        """Return nothing."""

    def put(self, key: str, value: Sequence[float]) -> None:
        """Keep an answer."""
        self._answers.put(key, value)


def open_answers(cache_folder: Path | None) -> AnswerStore:
    """Open the answers of a cache folder; in memory where nothing is cached on disk."""
    return AnswerStore(None if cache_folder is None else cache_folder / "answers.sqlite")


def _connect(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
