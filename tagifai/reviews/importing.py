"""Reviews and annotations of a file, taken into the store: what is new, what it replaces."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
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
    """What an import brought.

    Parameters
    ----------
    num_new, num_known : int
        Decisions that are new, and those known before.
    num_other_data, num_unknown : int
        Among all: those made on other data, and those of projects that this data lacks.
    num_replaced : int
        Earlier decisions that no longer count, as a later state of their annotation came
        without them.
    num_outdated : int
        New decisions that do not count, as a later state of their annotation was known.
    num_missing : int
        Annotations known before that the file's tasks no longer have.
    taken_back : bool
        Whether the decisions of these were taken back.
    new_tags : tuple of str
        Tags that the data does not have yet.
    applied : tuple of (str, str)
        Project and tag of each replaced decision that this data has applied already.
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
    """Keep the reviews and annotations that the store does not hold yet, all or none.

    Reviews made on other data are kept and counted, as are those of projects that this data
    does not have.

    Parameters
    ----------
    store : ReviewStore
        Where they are kept.
    found : ReviewFile
        What `read_reviews` read.
    dataset : Dataset
        The data that they are about.
    new_tags : bool
        Whether a tag that the data does not have, and that somebody adds, becomes a new one.
    take_back_missing : bool
        Whether the decisions of annotations that the file's tasks no longer have are taken back.
    now : str
        Time of the states of annotations that have none, by default the present.

    Raises
    ------
    TagifaiError
        Not one review is about a project of this data, or a tag is not known to it.
    """
    projects = {project.id: project for project in dataset.projects}
    before = store.events()
    held = {event.uid for event in before}
    # What was taken as a new tag once is one until the reviews are applied.
    known = {*known_tags(dataset), *(event.tag for event in before if event.decision == "add")}
    fresh = _check_tags(found, held, known, new_tags)
    now = now or datetime.now(UTC).strftime(TIME)
    brought = [*found.reviews, *_placed(found.annotations, before, known | set(fresh), now)]
    _check_projects(brought, projects, found.where)
    unused = Counter(found.unused)
    for annotation in found.annotations:
        unused[_GONE] += len(_asked_of(annotation) - known - set(fresh))

    counted_before = in_force(before)
    missing = _missing(found, [*before, *brought])
    if take_back_missing:
        brought += [_emptied(event, now) for event in missing]
    store.merge(brought)
    now_counting = in_force([*before, *brought])
    counting = {event.uid for event in now_counting}
    said = {(e.reviewer, e.project, e.tag, e.decision) for e in now_counting}
    lost = [e for e in counted_before if (e.reviewer, e.project, e.tag, e.decision) not in said]
    decisions = [event for event in brought if event.decision != ANNOTATION]
    new = [event for event in decisions if event.uid not in held]
    digest = dataset.digest
    return Imported(
        num_new=len(new),
        num_known=len(decisions) - len(new),
        num_other_data=sum(bool(e.data_digest) and e.data_digest != digest for e in decisions),
        num_unknown=sum(event.project not in projects for event in decisions),
        num_replaced=len(lost),
        num_outdated=sum(
            bool(event.source) and event.decision != UNDO and event.uid not in counting
            for event in new
        ),
        num_missing=len(missing),
        taken_back=take_back_missing and bool(missing),
        new_tags=tuple(fresh),
        applied=tuple((event.project, event.tag) for event in lost if _is_applied(event, projects)),
        unused=dict(+unused),
    )


def _check_tags(
    found: ReviewFile, held: set[str], known: set[str], new_tags: bool
) -> dict[str, str]:
    """Return the new tags with the place of each; refuse every other unknown one."""
    added: dict[str, str] = {}
    others: dict[str, str] = {}
    for review in found.reviews:
        if review.decision != ANNOTATION and review.uid not in held and review.tag not in known:
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


def _check_projects(brought: list[Review], projects: Mapping[str, Project], where: str) -> None:
    if brought and not any(review.project in projects for review in brought):
        number = sum(review.decision != ANNOTATION for review in brought)
        raise TagifaiError(
            f"{where}: {counted(number, 'review')} of another data set: none of their projects "
            f"(such as {shorten(brought[0].project)!r}) is in this one"
        )


def _placed(
    annotations: Iterable[Annotation], before: Iterable[Review], known: set[str], now: str
) -> list[Review]:
    """Return the events of annotations, each state at a time of its own."""
    states: dict[str, dict[str, Review]] = defaultdict(dict)
    says: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for event in before:
        if event.source:
            says[event.source, event.at].add((event.tag, event.decision + event.unchanged))
            if event.decision == ANNOTATION:
                states[event.source][event.uid] = event
    placed: list[Review] = []
    for annotation in annotations:
        own = states[annotation.source]
        last = max((event.at for event in own.values()), default="")
        events = annotation_events(annotation, annotation.at or now, known=known)
        mark = events[-1]
        if annotation.at and mark.uid in own:
            at = own[mark.uid].at
        elif annotation.at:
            # Two states of one time: the one that came later is the later one.
            taken = {event.at for event in own.values()}
            at = annotation.at
            while at in taken:
                at = _after(at)
        elif last and says[annotation.source, last] == {
            (event.tag, event.decision + event.unchanged) for event in events
        }:
            # The file tells no time: as it was, so nothing happened since.
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
        says[annotation.source, at] = {(e.tag, e.decision + e.unchanged) for e in events}
        placed += events
    return placed


def _after(at: str) -> str:
    moment = datetime.strptime(at, TIME).replace(tzinfo=UTC)
    return (moment + timedelta(microseconds=1)).strftime(TIME)


def _asked_of(annotation: Annotation) -> set[str]:
    """List the tags about which an annotation would decide though nobody chose them."""
    if annotation.chosen is None and not annotation.skipped:
        return set()
    task = annotation.task
    about = {*task.asked, *(() if annotation.chosen is None else task.tags)}
    return about.intersection(task.choices) - set(annotation.chosen or ())


def _missing(found: ReviewFile, events: Iterable[Review]) -> list[Review]:
    """List the latest event of each annotation that the file's tasks no longer have."""
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
    """Return a state of an annotation that says nothing, later than all others."""
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
