"""A review: one person's decision on one pair, as an event that is never changed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from tagifai.errors import TagifaiError, one_of, shorten

DECISIONS = ("add", "remove", "right", "skip")
UNDO = "undo"
ANNOTATION = "annotation"
MAX_NOTE = 2_000
MAX_NAME = 500
MAX_UNCHANGED = 2_000_000
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_LIMITS = {"note": MAX_NOTE, "unchanged": MAX_UNCHANGED}
_RARE = ("source", "unchanged")


@dataclass(frozen=True, slots=True)
class Review:
    """One decision of one person on one (project, tag) pair.

    Parameters
    ----------
    uid : str
        Name of this event, unique.
    at : str
        When it was made: UTC, ISO 8601, to the microsecond.
    reviewer, project, tag : str
        Who decided on which pair.
    decision : str
        "add" the tag, "remove" it, the label is "right" as it is, or "skip". Also "undo", which
        undoes the review whose uid is in `undoes`, and "annotation", which says of a whole task
        that its reviewer left the tags in `unchanged` as they were; it has no tag of its own.
    note : str
        Why, in the reviewer's words.
    version, data_digest : str
        What the reviewer saw.
    undoes : str
        The review that an "undo" undoes.
    source : str
        The annotation of another tool that the event comes from. Events of one source and one
        time are one state of it; a later state replaces the earlier ones.
    unchanged : str
        Of an "annotation": the tags that were offered and left as they were, a JSON list.

    Raises
    ------
    TagifaiError
        An empty or overlong field, an unknown decision, a malformed time.
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
    source: str = ""
    unchanged: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str):
                raise TagifaiError(
                    f"review, {field.name}: a text is needed, got {shorten(repr(value))}"
                )
            limit = _LIMITS.get(field.name, MAX_NAME)
            if len(value) > limit:
                raise TagifaiError(
                    f"review, {field.name}: at most {limit:,} characters, got {len(value):,}"
                )
            # SQLite stores no lone surrogate.
            storable = value.encode("utf-8", "replace").decode("utf-8")
            object.__setattr__(self, field.name, storable)
        whole = self.decision == ANNOTATION
        for name in ("uid", "reviewer", "project", *(["source"] if whole else ["tag"])):
            if not getattr(self, name).strip():
                raise TagifaiError(f"review, {name}: empty")
        if self.decision not in (*DECISIONS, UNDO, ANNOTATION):
            raise one_of("decision", self.decision, DECISIONS)
        if bool(self.undoes) != (self.decision == UNDO):
            raise TagifaiError("review, undoes: needed with the decision undo, and only then")
        if bool(self.unchanged) != whole or (whole and (self.tag or not _is_list(self.unchanged))):
            raise TagifaiError(
                "review, unchanged: a JSON list of tags is needed with the decision annotation, "
                "which has no tag, and only then"
            )
        if not _is_time(self.at):
            raise TagifaiError(
                f"review, at: a time as 2026-01-31T12:00:00.000000Z is needed, "
                f"got {shorten(self.at)!r}"
            )

    @property
    def unchanged_tags(self) -> tuple[str, ...]:
        """List the tags that an annotation left as they were; () for any other event."""
        return tuple(json.loads(self.unchanged)) if self.unchanged else ()

    def to_dict(self) -> dict[str, str]:
        """Return the fields in the order of their declaration; the last two only if not empty."""
        values: dict[str, str] = asdict(self)
        return {name: value for name, value in values.items() if value or name not in _RARE}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Review":
        """Build a review from its fields.

        Raises
        ------
        TagifaiError
            A field is missing, unknown or invalid.
        """
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise one_of("field of a review", name, names)
        for name in ("uid", "at", "reviewer", "project", "tag", "decision"):
            if name not in values:
                raise TagifaiError(f"review, {name}: missing")
        return cls(**values)


def current_events(events: Iterable[Review]) -> tuple[Review, ...]:
    """Select what counts now, in the order of time.

    Reviews that were undone are left out, as are the earlier states of an annotation, in
    whichever order its states were imported.
    """
    ordered = sorted(events, key=lambda event: (event.at, event.uid))
    # Nobody can undo the decision of somebody else.
    undone = {(event.undoes, event.reviewer) for event in ordered if event.decision == UNDO}
    latest = {event.source: event.at for event in ordered if event.source}
    return tuple(
        event
        for event in ordered
        if event.decision != UNDO
        and (event.uid, event.reviewer) not in undone
        and (not event.source or event.at == latest[event.source])
    )


def in_force(events: Iterable[Review]) -> tuple[Review, ...]:
    """Select the decisions on pairs that count now, in the order of their time."""
    return tuple(event for event in current_events(events) if event.decision != ANNOTATION)


def as_right(annotation: Review, tag: str) -> Review:
    """Return what an annotation says of a tag it left unchanged: the label is right."""
    return replace(annotation, tag=tag, decision="right", unchanged="", note="")


def _is_list(text: str) -> bool:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list) and all(isinstance(tag, str) and tag.strip() for tag in found)


def _is_time(text: str) -> bool:
    # All have one length, so that the order of the texts is that of the times.
    if len(text) != 27 or text[-1] != "Z":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return text[10] == "T" and text[19] == "."
