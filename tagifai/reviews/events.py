"""A review: one person's decision on one pair, as an event that is never changed."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from tagifai.errors import TagifaiError, one_of, shorten

DECISIONS = ("add", "remove", "right", "skip")
UNDO = "undo"
MAX_NOTE = 2_000
MAX_NAME = 500
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class Review:
    """One decision of one person on one (project, tag) pair.

    `decision`: "add" the tag, "remove" it, the label is "right" as it is, "skip"; or "undo",
    which takes back the review whose uid is in `undoes`. `at` is UTC, ISO 8601, to the
    microsecond. `version` and `data_digest` name what the reviewer had before their eyes.

    Raises:
        TagifaiError: an empty or overlong field, an unknown decision, a malformed time.
    """

    uid: str
    at: str
    reviewer: str
    project: str
    tag: str
    decision: str
    note: str = ""
    version: str = ""
    data_digest: str = ""
    undoes: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str):
                raise TagifaiError(
                    f"review, {field.name}: a text is needed, got {shorten(repr(value))}"
                )
            limit = MAX_NOTE if field.name == "note" else MAX_NAME
            if len(value) > limit:
                raise TagifaiError(
                    f"review, {field.name}: at most {limit} characters, got {len(value):,}"
                )
            # A lone surrogate would not be stored.
            mended = value.encode("utf-8", "replace").decode("utf-8")
            object.__setattr__(self, field.name, mended)
        for name in ("uid", "reviewer", "project", "tag"):
            if not getattr(self, name).strip():
                raise TagifaiError(f"review, {name}: empty")
        if self.decision not in (*DECISIONS, UNDO):
            raise one_of("decision", self.decision, DECISIONS)
        if bool(self.undoes) != (self.decision == UNDO):
            raise TagifaiError("review, undoes: needed with the decision undo, and only then")
        if not _is_time(self.at):
            raise TagifaiError(
                f"review, at: a time as 2026-01-31T12:00:00.000000Z is needed, "
                f"got {shorten(self.at)!r}"
            )

    def to_dict(self) -> dict[str, str]:
        """Give the fields in declared order."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Review":
        """Build a review from its fields.

        Raises:
            TagifaiError: a field is missing, unknown or invalid.
        """
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise one_of("field of a review", name, names)
        for name in ("uid", "at", "reviewer", "project", "tag", "decision"):
            if name not in values:
                raise TagifaiError(f"review, {name}: missing")
        return cls(**values)


def in_force(events: Iterable[Review]) -> tuple[Review, ...]:
    """Keep the decisions that were not taken back, in the order of their time."""
    ordered = sorted(events, key=lambda event: (event.at, event.uid))
    # Nobody takes back what somebody else decided.
    undone = {(event.undoes, event.reviewer) for event in ordered if event.decision == UNDO}
    return tuple(e for e in ordered if e.decision != UNDO and (e.uid, e.reviewer) not in undone)


def _is_time(text: str) -> bool:
    # Of one length, so that the order of texts is the order of times.
    if len(text) != 27 or text[-1] != "Z":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return text[10] == "T" and text[19] == "."
