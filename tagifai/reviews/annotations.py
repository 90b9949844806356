"""Annotations of Label Studio and Argilla, read with care: what was decided, what was not, why.

An annotation is what one person answered to one task. A file holds it in the state of its export;
a later file may hold the same annotation in another state.
"""

import hashlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.store.review_events import ANNOTATION, TIME, Review

CONTROL = "tags"
_ANSWERS = uuid.UUID("6b1f0f5e-7a43-4e5c-9b52-3f6f0c6a9a51")
_STATUSES = ("submitted", "draft", "discarded")
_FLAT = re.compile(r"(?P<question>.+)\.responses")


@dataclass(frozen=True, slots=True)
class TaskData:
    """What a task that tagifai wrote says of itself, on its way back."""

    project: str
    tags: tuple[str, ...]
    choices: tuple[str, ...]
    asked: tuple[str, ...]
    version: str
    data_digest: str
    reviews: tuple[Review, ...]


@dataclass(frozen=True, slots=True)
class Annotation:
    """One person's answer to one task, in the state in which a file holds it.

    Parameters
    ----------
    source : str
        Name of the annotation, the same in each of its states.
    reviewer : str
        Who made it.
    at : str
        When this state was made, as in `Review`; "" where the file does not tell.
    task : TaskData
        What was asked.
    chosen : tuple of str, or None
        The tags chosen; None where the state is no decision.
    skipped : bool
        Whether the person passed the task over.
    where : str
        Its place in the file, for messages.
    """

    source: str
    reviewer: str
    at: str
    task: TaskData
    chosen: tuple[str, ...] | None
    skipped: bool = False
    where: str = ""


@dataclass(slots=True)
class Answers:
    """What one task of a file holds: earlier reviews, annotations, and what is no decision.

    `family` is what the sources of all annotations of this task begin with; `unused` counts the
    results that are not used, by the reason.
    """

    reviews: tuple[Review, ...] = ()
    annotations: list[Annotation] = field(default_factory=list)
    family: str = ""
    project: str = ""
    unused: Counter[str] = field(default_factory=Counter)


def from_label_studio(record: Any) -> Answers:
    """Read one task of Label Studio's JSON export.

    Raises
    ------
    TagifaiError
        The task is not one that tagifai wrote, or a result is not a list of choices of the
        control "tags"; the message names the annotation, and what was received.
    """
    task = _task_data(_mapping(_member(record, "data"), "data"), "data")
    family = f"label-studio/{_plain(record.get('id'))}/"
    answers = Answers(task.reviews, family=family, project=task.project)
    if drafts := record.get("drafts"):
        answers.unused["draft"] += len(_list(drafts, "drafts"))
    for number, one in enumerate(_list(record.get("annotations") or [], "annotations"), start=1):
        annotation = _mapping(one, f"annotation {number}")
        name = _plain(annotation.get("unique_id")) or _plain(annotation.get("id"))
        where = f"annotation {name or number}"
        source = family + (name or f"number {number}")
        reviewer = _annotator(annotation.get("completed_by"), source)
        at = _time(annotation, ("updated_at", "created_at"), where)
        skipped = bool(annotation.get("was_cancelled"))
        chosen = None
        if skipped:
            answers.unused["skipped annotation"] += 1
        elif annotation.get("result") is None:
            answers.unused["annotation without a result"] += 1
        else:
            results = _list(annotation["result"], f"{where}, result")
            chosen = _chosen(results, where, answers.unused)
        answers.annotations.append(Annotation(source, reviewer, at, task, chosen, skipped, where))
    return answers


def _chosen(results: list[Any], where: str, unused: Counter[str]) -> tuple[str, ...]:
    chosen: list[str] = []
    others: list[tuple[str, str]] = []
    for one in results:
        result = _mapping(one, f"{where}, result")
        control, kind = result.get("from_name"), result.get("type", "choices")
        value = result.get("value")
        if control == CONTROL:
            if kind != "choices":
                raise TagifaiError(
                    f"{where}: the control {CONTROL!r} gave {shorten(repr(kind))}; "
                    f"'choices' are needed"
                )
            value = _mapping(value, f"{where}, value")
            chosen += _strings(value.get("choices"), f"{where}, choices")
        elif control is None:
            unused[f"result without a control, of type {shorten(str(kind), 40)}"] += 1
        else:
            if kind == "choices" or (isinstance(value, Mapping) and "choices" in value):
                raise _other(where, "control", control)
            others.append((str(control), str(kind)))
    if others and not any(
        isinstance(one, Mapping) and one.get("from_name") == CONTROL for one in results
    ):
        # Without one result of the control it can't be told from one that was renamed.
        raise _other(where, "control", others[0][0])
    for control, kind in others:
        unused[f"result of the control {shorten(control, 40)!r} ({shorten(kind, 40)})"] += 1
    return tuple(dict.fromkeys(chosen))


def from_argilla(record: Any) -> Answers:
    """Read one Argilla record, as the SDK, the SDK's flat form or the server writes it.

    Raises
    ------
    TagifaiError
        The record is not one that tagifai wrote, or a response is not a list of labels of the
        question "tags"; the message names the response, and what was received.
    """
    record = _mapping(record, "record")
    metadata = record.get("metadata") or {}
    told = metadata.get("tagifai") if isinstance(metadata, Mapping) else None
    told = record.get("tagifai") if told is None else told
    if not isinstance(told, str):
        raise TagifaiError("a record that tagifai did not write: metadata.tagifai is missing")
    try:
        content = json.loads(told)
    except (ValueError, RecursionError):
        raise TagifaiError("metadata.tagifai: not JSON") from None
    task = _task_data(_mapping(content, "metadata.tagifai"), "metadata.tagifai")
    family = f"argilla/{task.project}/"
    answers = Answers(task.reviews, family=family, project=task.project)
    responses = list(_responses(record))
    others: Counter[str] = Counter()
    for question, response, where in responses:
        if question != CONTROL:
            value = response.get("value")
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                raise _other(where, "question", question)
            others[question] += value is not None
            continue
        user = response.get("user_id")
        if user in (None, "", "None"):
            answers.unused["response without a user"] += 1
            continue
        status = response.get("status")
        if status is None:
            answers.unused["response without a status, taken as submitted"] += 1
        elif status not in _STATUSES:
            raise one_of(f"status of a response ({where})", status, _STATUSES)
        value = response.get("value")
        chosen = None
        if status in ("draft", "discarded"):
            answers.unused[f"{status} response"] += 1
        elif value is None:
            answers.unused["response without a value"] += 1
        else:
            chosen = tuple(dict.fromkeys(_strings(value, f"{where}, value")))
        answers.annotations.append(
            Annotation(
                f"{family}{user}",
                f"argilla:{user}",
                _time(response, ("updated_at", "inserted_at"), where),
                task,
                chosen,
                status == "discarded",
                where,
            )
        )
    if +others and not any(question == CONTROL for question, _, _ in responses):
        raise _other("responses", "question", next(iter(+others)))
    for question, count in (+others).items():
        answers.unused[f"response to the question {shorten(question, 40)!r}"] += count
    return answers


def _responses(record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield (question, response, where) of each of the three forms."""
    given = record.get("responses")
    if isinstance(given, list):  # the server's
        for number, one in enumerate(given, start=1):
            where = f"response {number}"
            response = _mapping(one, where)
            values = _mapping(response.get("values") or {CONTROL: {}}, f"{where}, values")
            for question, value in values.items():
                held = _mapping(value, f"{where}, {question}")
                yield question, {**response, "value": held.get("value")}, where
    elif given is not None:
        for question, listed in _mapping(given, "responses").items():
            for number, one in enumerate(_list(listed or [], f"responses.{question}"), start=1):
                where = f"response {number} to {question!r}"
                yield question, _mapping(one, where), where
    for key in record:
        matched = _FLAT.fullmatch(key)
        if matched and record[key] is not None:
            question = matched["question"]
            answers = _list(record[key], key)
            users, statuses = (
                _list(record.get(f"{key}.{part}") or [None] * len(answers), f"{key}.{part}")
                for part in ("users", "status")
            )
            if not len(answers) == len(users) == len(statuses):
                raise TagifaiError(
                    f"{key}: {len(answers)} values, {len(users)} users and {len(statuses)} "
                    f"statuses; as many of each are needed"
                )
            parts = zip(answers, users, statuses, strict=True)
            for number, (value, user, status) in enumerate(parts, start=1):
                response = {"value": value, "user_id": user, "status": status}
                yield question, response, f"response {number} to {question!r}"


def annotation_events(
    annotation: Annotation, at: str, *, known: Iterable[str] | None = None
) -> tuple[Review, ...]:
    """Return what a state of an annotation says, as events made at `at`.

    The pairs that were asked about and those that were changed are decisions. The other tags that
    were offered are kept together in one event of decision "annotation", which is always there: a
    state that decides nothing replaces an earlier one that did.

    Parameters
    ----------
    annotation : Annotation
        The state.
    at : str
        Time of the events: the annotation's own, or later where two states have the same.
    known : iterable of str, optional
        The tags that exist. About another one, which nobody chose, nothing is decided.
    """
    task = annotation.task
    had, asked, chosen = set(task.tags), set(task.asked), set(annotation.chosen or ())
    allowed = None if known is None else {*known, *chosen}
    decisions: dict[str, str] = {}
    unchanged: list[str] = []
    for tag in dict.fromkeys([*task.choices, *(annotation.chosen or ())]):
        if allowed is not None and tag not in allowed:
            continue
        if annotation.chosen is None:
            decision = "skip" if annotation.skipped and tag in asked else ""
        elif (tag in chosen) != (tag in had):
            decision = "add" if tag in chosen else "remove"
        else:
            decision = "right" if tag in asked else ""
            unchanged += [] if decision else [tag]
        if decision:
            decisions[tag] = decision
    # Named after the state itself: importing it twice adds nothing.
    state = [
        annotation.source,
        annotation.at or at,
        annotation.chosen and sorted(chosen),
        annotation.skipped,
        task.tags,
        task.choices,
        task.asked,
    ]
    key = hashlib.sha256(json.dumps(state).encode()).hexdigest()
    shared = {
        "version": task.version,
        "data_digest": task.data_digest,
        "source": annotation.source,
    }
    who = annotation.reviewer, task.project
    return (
        *(
            Review(_uid(key, tag, decision), at, *who, tag, decision, **shared)
            for tag, decision in decisions.items()
        ),
        Review(
            _uid(key, "", ANNOTATION),
            at,
            *who,
            "",
            ANNOTATION,
            **shared,
            unchanged=json.dumps(unchanged, ensure_ascii=False),
        ),
    )


def _uid(key: str, tag: str, decision: str) -> str:
    return uuid.uuid5(_ANSWERS, f"{key}/{tag}/{decision}").hex


def _task_data(told: Mapping[str, Any], where: str) -> TaskData:
    if "reviews" not in told:
        what = "record" if where.startswith("metadata") else "task"
        raise TagifaiError(f"a {what} that tagifai did not write: {where}.reviews is missing")
    project = told.get("project_id")
    if isinstance(project, bool) or not isinstance(project, str | int):
        raise TagifaiError(f"{where}.project_id: an id is needed, got {shorten(repr(project))}")
    reviews = _list(told["reviews"], f"{where}.reviews")
    tags, choices, asked = (
        tuple(_strings(told.get(name), f"{where}.{name}")) for name in ("tags", "choices", "asked")
    )
    return TaskData(
        str(project),
        tags,
        choices,
        asked,
        version=str(told.get("version") or ""),
        data_digest=str(told.get("data_digest") or ""),
        reviews=tuple(Review.from_dict(_mapping(one, f"{where}.reviews")) for one in reviews),
    )


def _annotator(by: Any, source: str) -> str:
    if isinstance(by, Mapping):
        by = by.get("email") or by.get("id")
    # A user who was deleted there is still somebody, and nobody else.
    return by if isinstance(by, str) and by else f"label-studio:{by or source}"


def _time(values: Mapping[str, Any], names: Iterable[str], where: str) -> str:
    for name in names:
        text = values.get(name)
        if not text:
            continue
        try:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise TagifaiError(
                f"{where}, {name}: a time as 2026-01-31T12:00:00Z is needed, "
                f"got {shorten(repr(text))}"
            ) from None
        return moment.strftime(TIME)
    return ""


def _other(where: str, what: str, name: Any) -> TagifaiError:
    return TagifaiError(
        f"{where}: the {what} {shorten(str(name))!r} is not {CONTROL!r}, the one that was asked "
        f"about; nothing was imported"
    )


def _member(record: Any, name: str) -> Any:
    record = _mapping(record, "task")
    if name not in record:
        raise TagifaiError(
            f"a task that tagifai did not write: {name} is missing (export as JSON, not JSON-MIN)"
        )
    return record[name]


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TagifaiError(f"{where}: an object is needed, got {shorten(repr(value))}")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise TagifaiError(f"{where}: a list is needed, got {shorten(repr(value))}")
    return value


def _strings(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TagifaiError(f"{where}: a list of strings is needed, got {shorten(repr(value))}")
    return value


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
