"""Import the reviews and annotations of a file: what is new, and what it replaces."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tagifai.data import Dataset, Project, known_tags
from tagifai.data.names import refuse_unknown_tags, spelling_key
from tagifai.errors import TagifaiError, counted, shorten
from tagifai.reviews import ReviewStore
from tagifai.reviews.annotations import Annotation, annotation_events
from tagifai.reviews.files import ReviewFile
from tagifai.store.review_events import ANNOTATION, TIME, UNDO, Review, current_events, in_force

_GONE = "question about a tag that the data does not have"


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import.

    Parameters
    ----------
    num_new, num_known : int
        Decisions that are new, and those known before.
    num_other_data, num_unknown : int
        Among all: those made on other data, and those of projects that this data lacks.
    num_replaced : int
        Earlier decisions that no longer count, since a later state of their annotation does not
        have them.
    num_outdated : int
        New decisions that do not count, since a later state of their annotation was known.
    num_missing : int
        Annotations known before that are no longer in the file's tasks.
    taken_back : bool
        Whether the decisions of these were undone.
    new_tags : tuple of str
        Tags that the data does not have yet.
    applied : tuple of (str, str)
        Project and tag of each replaced decision that was applied to this data already.
    unused : mapping of str to int
        Results that are no decisions, by the reason.
    """

    num_new: int
    num_known: int
    num_other_data: int
    num_unknown: int
    num_replaced: int = 0
    num_outdated: int = 0
    num_missing: int = 0
    taken_back: bool = False
    new_tags: tuple[str, ...] = ()
    applied: tuple[tuple[str, str], ...] = ()
    unused: Mapping[str, int] = field(default_factory=dict)


def import_reviews(
    store: ReviewStore,
    found: ReviewFile,
    dataset: Dataset,
    *,
    new_tags: bool = False,
    take_back_missing: bool = False,
    now: str = "",
) -> Imported:
    """Save the reviews and annotations that the store does not have yet, all or none.

    Reviews made on other data are saved and counted, as are those of projects that this data
    does not have.

    Parameters
    ----------
    store : ReviewStore
        Where they are saved.
    found : ReviewFile
        What `read_reviews` read.
    dataset : Dataset
        The data that they are about.
    new_tags : bool
        Whether a tag that the data does not have, and that somebody adds, becomes a new one.
    take_back_missing : bool
        Whether to undo the decisions of annotations that are no longer in the file's tasks.
    now : str
        Time of the states of annotations that have none, by default the present.

    Raises
    ------
    TagifaiError
        Not one review is about a project of this data, or a tag is not known to it.
    """
    before = store.events()
    # A tag that was imported as a new one stays one until the reviews are applied.
    known = {*known_tags(dataset), *(event.tag for event in before if event.decision == "add")}
    fresh = _check_tags(found, {event.uid for event in before}, known, new_tags)
    known.update(fresh)
    now = now or datetime.now(UTC).strftime(TIME)
    events = [*found.reviews, *_placed(found.annotations, before, known, now)]
    _check_projects(events, {project.id for project in dataset.projects}, found.where)
    missing = _missing(found, [*before, *events])
    if take_back_missing:
        events += [_emptied(event, now) for event in missing]
    store.merge(events)
    return replace(
        _summary(before, events, dataset),
        num_missing=len(missing),
        taken_back=take_back_missing and bool(missing),
        new_tags=tuple(fresh),
        unused=_count_unused(found, known),
    )


def _summary(before: Sequence[Review], events: Sequence[Review], dataset: Dataset) -> Imported:
    """Compare what counted before with what counts after some events were imported."""
    projects, digest = {project.id: project for project in dataset.projects}, dataset.digest
    known = {event.uid for event in before}
    after = in_force([*before, *events])
    counting = {event.uid for event in after}
    said = {(e.reviewer, e.project, e.tag, e.decision) for e in after}
    lost = [e for e in in_force(before) if (e.reviewer, e.project, e.tag, e.decision) not in said]
    decisions = [event for event in events if event.decision != ANNOTATION]
    new = [event for event in decisions if event.uid not in known]
    return Imported(
        num_new=len(new),
        num_known=len(decisions) - len(new),
        num_other_data=sum(e.data_digest not in ("", digest) for e in decisions),
        num_unknown=sum(event.project not in projects for event in decisions),
        num_replaced=len(lost),
        num_outdated=sum(
            bool(event.source) and event.decision != UNDO and event.uid not in counting
            for event in new
        ),
        applied=tuple((event.project, event.tag) for event in lost if _is_applied(event, projects)),
    )


def _count_unused(found: ReviewFile, known: set[str]) -> dict[str, int]:
    unused = Counter(found.unused)
    for annotation in found.annotations:
        unused[_GONE] += len(_asked_of(annotation) - known)
    return dict(+unused)


def _check_tags(
    found: ReviewFile, saved: set[str], known: set[str], new_tags: bool
) -> dict[str, str]:
    """Return the new tags with the place of each; raise an error for every other unknown one."""
    added: dict[str, str] = {}
    others: dict[str, str] = {}
    for review in found.reviews:
        if review.decision != ANNOTATION and review.uid not in saved and review.tag not in known:
            listed = added if review.decision == "add" else others
            listed.setdefault(review.tag, f"row {found.rows[review.uid]}")
    for annotation in found.annotations:
        for tag in annotation.chosen or ():
            if tag not in known:
                added.setdefault(tag, annotation.where)
    refused = {tag: place for tag, place in others.items() if tag not in added}
    if new_tags:
        _check_spelling(added, known, found.where)
    else:
        refused = {**added, **refused}
    try:
        place = next(iter(refused.values()), "")
        refuse_unknown_tags(refused, sorted(known), f"{found.where}: {place}")
    except TagifaiError as error:
        hint = "" if new_tags or not added else "; --new-tags takes what is added as a new tag"
        raise TagifaiError(f"{error}{hint}") from None
    return added


def _check_spelling(added: Mapping[str, str], known: set[str], where: str) -> None:
    spellings = {spelling_key(tag): tag for tag in sorted(known)}
    for tag, place in added.items():
        if not tag.strip() or tag != tag.strip():
            raise TagifaiError(
                f"{where}: {place}: the new tag {tag!r} is blank, or begins or ends with a blank"
            )
        alike = spellings.setdefault(spelling_key(tag), tag)
        if alike != tag:
            raise TagifaiError(
                f"{where}: {place}: {shorten(tag)!r} is another spelling of {shorten(alike)!r}, "
                f"and no new tag"
            )


def _check_projects(events: Sequence[Review], projects: set[str], where: str) -> None:
    if events and not any(event.project in projects for event in events):
        number = sum(event.decision != ANNOTATION for event in events)
        raise TagifaiError(
            f"{where}: {counted(number, 'review')} of another data set: none of their projects "
            f"(such as {shorten(events[0].project)!r}) is in this one"
        )


def _placed(
    annotations: Iterable[Annotation], before: Iterable[Review], known: set[str], now: str
) -> list[Review]:
    """Return the events of annotations, each state at a time of its own."""
    marks: dict[str, dict[str, Review]] = defaultdict(dict)
    contents: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for event in before:
        if event.source:
            contents[event.source, event.at].add(_content(event))
            if event.decision == ANNOTATION:
                marks[event.source][event.uid] = event
    placed: list[Review] = []
    for annotation in annotations:
        own = marks[annotation.source]
        last = max((event.at for event in own.values()), default="")
        events = annotation_events(annotation, annotation.at or now, known=known)
        mark = events[-1]
        if annotation.at and mark.uid in own:
            at = own[mark.uid].at
        elif annotation.at:
            # Of two states of one time, the one that was imported later is the later one.
            taken = {event.at for event in own.values()}
            at = annotation.at
            while at in taken:
                at = _after(at)
        elif last and contents[annotation.source, last] == set(map(_content, events)):
            # The file has no time, and the state is as it was: nothing happened since.
            placed += [
                event for event in before if event.source == annotation.source and event.at == last
            ]
            continue
        else:
            at = now if now > last else _after(last)
            events = annotation_events(annotation, at, known=known)
            mark = events[-1]
        events = tuple(replace(event, at=at) for event in events)
        own[mark.uid] = events[-1]
        contents[annotation.source, at] = set(map(_content, events))
        placed += events
    return placed


def _content(event: Review) -> tuple[str, str]:
    return event.tag, event.decision + event.unchanged


def _after(at: str) -> str:
    moment = datetime.strptime(at, TIME).replace(tzinfo=UTC)
    return (moment + timedelta(microseconds=1)).strftime(TIME)


def _asked_of(annotation: Annotation) -> set[str]:
    """List the tags that an annotation decides about although nobody chose them."""
    if annotation.chosen is None and not annotation.skipped:
        return set()
    task = annotation.task
    about = {*task.asked, *(() if annotation.chosen is None else task.tags)}
    return about.intersection(task.choices) - set(annotation.chosen or ())


def _missing(found: ReviewFile, events: Iterable[Review]) -> list[Review]:
    """List the latest event of each annotation that is no longer in the file's tasks."""
    there = {annotation.source for annotation in found.annotations}
    return list(
        {
            event.source: event
            for event in current_events(events)
            if event.source not in there
            and found.families.get(event.source[: event.source.rfind("/") + 1]) == event.project
            and (event.tag or event.unchanged_tags)
        }.values()
    )


def _emptied(event: Review, now: str) -> Review:
    """Return a state of an annotation without any decision, later than all others."""
    return replace(
        event,
        uid=uuid.uuid4().hex,
        at=max(now, _after(event.at)),
        tag="",
        note="",
        decision=ANNOTATION,
        unchanged="[]",
    )


def _is_applied(event: Review, projects: Mapping[str, Project]) -> bool:
    if event.project not in projects or event.decision not in ("add", "remove"):
        return False
    return (event.tag in projects[event.project].tags) == (event.decision == "add")
