"""People's decisions on labels, saved as events in SQLite: none is ever changed or lost."""

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.pointers import refuse_pointer_file
from tagifai.store.review_events import DECISIONS, TIME, UNDO, Review, in_force

__all__ = ["DECISIONS", "JOURNALS", "UNDO", "Review", "ReviewStore", "in_force"]

JOURNALS = ("wal", "delete")
_BUSY_SECONDS = 30
_SCHEMA = """
CREATE TABLE IF NOT EXISTS reviews (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    project TEXT NOT NULL,
    tag TEXT NOT NULL,
    decision TEXT NOT NULL,
    note TEXT NOT NULL,
    version TEXT NOT NULL,
    data_digest TEXT NOT NULL,
    undoes TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    unchanged TEXT NOT NULL DEFAULT ''
)
"""
# Columns that files of earlier releases do not have.
_LATER = ("source", "unchanged")


class ReviewStore:
    """The reviews in one SQLite file; several processes and threads may write at once.

    `submit` and `undo` return once the event is on the disk (synchronous FULL).

    Parameters
    ----------
    path : Path or str
        The file, created where there is none.
    journal : str
        "wal" is faster; "delete" is for a network disk, where a write-ahead log is unsafe.

    Raises
    ------
    TagifaiError
        The file cannot be opened, or is no review file.
    """

    def __init__(self, path: Path | str, *, journal: str = "wal") -> None:
        if journal not in JOURNALS:
            raise one_of("journal", journal, JOURNALS)
        self.path = Path(path)
        self._lock = threading.Lock()
        refuse_pointer_file(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            (mode,) = self._connection.execute(f"PRAGMA journal_mode={journal}").fetchone()
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute(_SCHEMA)
            self._add_columns()
            self._connection.execute("CREATE INDEX IF NOT EXISTS reviews_at ON reviews (at)")
            # A table of another program fails here, not at the first decision.
            self._connection.execute(f"SELECT {_COLUMNS} FROM reviews LIMIT 1")  # noqa: S608
        except (OSError, sqlite3.Error) as error:
            raise TagifaiError(f"{self.path}: reviews cannot be kept here ({error})") from None
        self.journal = str(mode)

    def _add_columns(self) -> None:
        def lacking() -> list[str]:
            found = {row[1] for row in self._connection.execute("PRAGMA table_info(reviews)")}
            # The table of another program is left as it is.
            own = {field.name for field in fields(Review)} - set(_LATER) <= found
            return [name for name in _LATER if own and name not in found]

        if lacking():
            # Another process may be adding them now.
            self._connection.execute("BEGIN IMMEDIATE")
            for name in lacking():
                self._connection.execute(
                    f"ALTER TABLE reviews ADD COLUMN {name} TEXT NOT NULL DEFAULT ''"
                )
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; all events that were acknowledged are on the disk already."""
        with self._lock:
            self._connection.close()

    def submit(
        self,
        *,
        reviewer: str,
        project: str,
        tag: str,
        decision: str,
        note: str = "",
        version: str = "",
        data_digest: str = "",
    ) -> Review:
        """Save a decision, and return it once it is durable.

        Raises
        ------
        TagifaiError
            An invalid field, or it could not be kept.
        """
        if decision not in DECISIONS:
            raise one_of("decision", decision, DECISIONS)
        values = {
            "reviewer": reviewer,
            "project": project,
            "tag": tag,
            "decision": decision,
            "note": note,
            "version": version,
            "data_digest": data_digest,
        }
        return self._write(lambda events: values)

    def undo(self, reviewer: str, uid: str | None = None) -> Review:
        """Undo a reviewer's own review: the one named, or their latest still in force.

        The undone review stays in the file; an event says that it no longer counts.

        Raises
        ------
        TagifaiError
            Nothing to undo, or it is somebody else's or undone already.
        """

        def values(events: tuple[Review, ...]) -> dict[str, str]:
            own = [event for event in in_force(events) if event.reviewer == reviewer]
            chosen = [event for event in own if uid in (None, event.uid)]
            if not chosen:
                raise TagifaiError(
                    f"nothing to undo for {shorten(reviewer)!r}"
                    if uid is None
                    else f"no review {shorten(uid)!r} of {shorten(reviewer)!r} is in force"
                )
            last = chosen[-1]
            return {
                "reviewer": reviewer,
                "project": last.project,
                "tag": last.tag,
                "decision": UNDO,
                "undoes": last.uid,
                "version": last.version,
                "data_digest": last.data_digest,
            }

        return self._write(values, reviewer=reviewer)

    def events(self, reviewer: str | None = None) -> tuple[Review, ...]:
        """Read all events, or one reviewer's, in the order of their time."""
        with self._lock:
            return self._read(reviewer)

    def last_seq(self) -> int:
        """Return the number of the last event, 0 without any; it changes with every event."""
        with self._lock:
            try:
                (last,) = self._connection.execute("SELECT max(seq) FROM reviews").fetchone()
            except sqlite3.Error as error:
                raise self._failed(error) from None
        return int(last or 0)

    def merge(self, reviews: Iterable[Review]) -> int:
        """Save the events that are not here yet, all or none; return how many were new."""
        rows = [astuple(review) for review in reviews]
        insert = f"INSERT OR IGNORE INTO reviews ({_COLUMNS}) VALUES ({_MARKS})"  # noqa: S608
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                before = self._connection.total_changes
                self._connection.executemany(insert, rows)
                added = self._connection.total_changes - before
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._failed(error) from None
        return added

    def _write(self, values: "_Values", reviewer: str | None = None) -> Review:
        insert = f"INSERT INTO reviews ({_COLUMNS}) VALUES ({_MARKS})"  # noqa: S608
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                # Only an undo depends on earlier events.
                chosen = values(self._read(reviewer) if reviewer is not None else ())
                (last,) = self._connection.execute("SELECT max(at) FROM reviews").fetchone()
                review = Review(uid=uuid.uuid4().hex, at=_later_than(last), **chosen)
                self._connection.execute(insert, astuple(review))
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._failed(error) from None
            except BaseException:
                self._roll_back()
                raise
        return review

    def _read(self, reviewer: str | None) -> tuple[Review, ...]:
        query = f"SELECT {_COLUMNS} FROM reviews"  # noqa: S608 - the names are our own
        where = " WHERE reviewer = ?" if reviewer is not None else ""
        try:
            rows = self._connection.execute(
                f"{query}{where} ORDER BY at, uid", (reviewer,) if where else ()
            )
            return tuple(Review(*row) for row in rows)
        except sqlite3.Error as error:
            raise self._failed(error) from None

    def _failed(self, error: sqlite3.Error) -> TagifaiError:
        self._roll_back()
        return TagifaiError(f"{self.path}: the review was not kept ({error})")

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


_Values = Callable[[tuple[Review, ...]], Mapping[str, str]]
_COLUMNS = ", ".join(field.name for field in fields(Review))
_MARKS = ", ".join("?" for _ in fields(Review))


def _later_than(last: str | None) -> str:
    # After a clock was set back, a new decision must still follow the older ones.
    now = datetime.now(UTC).strftime(TIME)
    if last is None or now > last:
        return now
    moment = datetime.strptime(last, TIME).replace(tzinfo=UTC)
    return (moment + timedelta(microseconds=1)).strftime(TIME)
