"""Read the annotations of Label Studio and Argilla: what was decided, what was not, and why.

An annotation is the answer of one person to one task. A file has its state at the time of the
export; a later file may have another state of the same annotation.
"""

import hashlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.store.review_events import ANNOTATION, TIME, Review

CONTROL = "tags"
_ANSWERS = uuid.UUID("6b1f0f5e-7a43-4e5c-9b52-3f6f0c6a9a51")
_STATUSES = ("submitted", "draft", "discarded")
_FLAT = re.compile(r"(?P<question>.+)\.responses")


@dataclass(frozen=True, slots=True)
class TaskData:
    """What tagifai wrote into a task when it was exported; see `tasks.Task`."""

    project: str
    tags: tuple[str, ...]
    choices: tuple[str, ...]
    asked: tuple[str, ...]
    version: str
    data_digest: str
    reviews: tuple[Review, ...]


@dataclass(frozen=True, slots=True)
class Annotation:
    """One person's answer to one task, in the state that a file has.

    Parameters
    ----------
    source : str
        Name of the annotation, the same in all of its states.
    reviewer : str
        Who made it.
    at : str
        When this state was made, as in `Review`; "" where the file does not say.
    task : TaskData
        The task.
    chosen : tuple of str, or None
        The tags chosen; None where the state is no decision.
    skipped : bool
        Whether the person skipped the task.
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
    """The content of one task of a file: earlier reviews, annotations, and what is no decision.

    The sources of all annotations of the task begin with `family`. `unused` counts the results
    that are not used, by the reason.
    """

    reviews: tuple[Review, ...] = ()
    annotations: list[Annotation] = field(default_factory=list)
    family: str = ""
    project: str = ""
    unused: Counter[str] = field(default_factory=Counter)


def from_label_studio(record: object) -> Answers:
    """Read one task of Label Studio's JSON export.

    Raises
    ------
    TagifaiError
        The task is not one that tagifai wrote, or a result is not a list of choices of the
        control "tags"; the message names the annotation, and what was received.
    """
    record = _mapping(record, "task")
    if "data" not in record:
        raise TagifaiError(
            "a task that tagifai did not write: data is missing (export as JSON, not JSON-MIN)"
        )
    task = _task_data(_mapping(record["data"], "data"), "data")
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


def _chosen(results: list[object], where: str, unused: Counter[str]) -> tuple[str, ...]:
    """Return the tags of the results, and count the results of other controls."""
    chosen: list[str] = []
    others: list[tuple[str, str]] = []
    found = [_mapping(one, f"{where}, result") for one in results]
    for result in found:
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
    if others and not any(result.get("from_name") == CONTROL for result in found):
        # Without a result of the control, another one may be the same control, renamed.
        raise _other(where, "control", others[0][0])
    for name, kind in others:
        unused[f"result of the control {shorten(name, 40)!r} ({shorten(kind, 40)})"] += 1
    return tuple(dict.fromkeys(chosen))


def from_argilla(record: object) -> Answers:
    """Read one Argilla record, as the SDK, the SDK's flat form or the server writes it.

    Raises
    ------
    TagifaiError
        The record is not one that tagifai wrote, or a response is not a list of labels of the
        question "tags"; the message names the response, and what was received.
    """
    record = _mapping(record, "record")
    task = _argilla_task(record)
    answers = Answers(task.reviews, family=f"argilla/{task.project}/", project=task.project)
    responses = list(_responses(record))
    others: Counter[str] = Counter()
    for one in responses:
        if one.question == CONTROL:
            if annotation := _read_response(one, task, answers):
                answers.annotations.append(annotation)
            continue
        value = one.fields.get("value")
        if isinstance(value, list) and all(isinstance(label, str) for label in value):
            raise _other(one.where, "question", one.question)
        others[one.question] += value is not None
    if +others and not any(one.question == CONTROL for one in responses):
        raise _other("responses", "question", next(iter(+others)))
    for question, count in (+others).items():
        answers.unused[f"response to the question {shorten(question, 40)!r}"] += count
    return answers


def _argilla_task(record: Mapping[str, object]) -> TaskData:
    metadata = record.get("metadata")
    text = metadata.get("tagifai") if isinstance(metadata, Mapping) else None
    text = record.get("tagifai") if text is None else text
    if not isinstance(text, str):
        raise TagifaiError("a record that tagifai did not write: metadata.tagifai is missing")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise TagifaiError("metadata.tagifai: not JSON") from None
    return _task_data(_mapping(content, "metadata.tagifai"), "metadata.tagifai")


@dataclass(frozen=True, slots=True)
class _Response:
    """One user's response to a question of an Argilla record, and its place for messages."""

    question: str
    fields: Mapping[str, object]
    where: str


def _read_response(response: _Response, task: TaskData, answers: Answers) -> Annotation | None:
    """Read a response to the question "tags"; None where nobody knows whose it is."""
    fields, where, unused = response.fields, response.where, answers.unused
    user, status, value = fields.get("user_id"), fields.get("status"), fields.get("value")
    if user in (None, "", "None"):
        unused["response without a user"] += 1
        return None
    if status is None:
        unused["response without a status, taken as submitted"] += 1
    elif status not in _STATUSES:
        raise one_of(f"status of a response ({where})", status, _STATUSES)
    chosen = None
    if status in ("draft", "discarded"):
        unused[f"{status} response"] += 1
    elif value is None:
        unused["response without a value"] += 1
    else:
        chosen = tuple(dict.fromkeys(_strings(value, f"{where}, value")))
    return Annotation(
        source=f"{answers.family}{user}",
        reviewer=f"argilla:{user}",
        at=_time(fields, ("updated_at", "inserted_at"), where),
        task=task,
        chosen=chosen,
        skipped=status == "discarded",
        where=where,
    )


def _responses(record: Mapping[str, object]) -> Iterator[_Response]:
    """Yield the responses of a record, in whichever of the three forms."""
    given = record.get("responses")
    if isinstance(given, list):
        yield from _server_responses(given)
    elif given is not None:
        for question, listed in _mapping(given, "responses").items():
            for number, one in enumerate(_list(listed or [], f"responses.{question}"), start=1):
                where = f"response {number} to {question!r}"
                yield _Response(question, _mapping(one, where), where)
    for key in record:
        matched = _FLAT.fullmatch(key)
        if matched and record[key] is not None:
            yield from _flat_responses(record, key, matched["question"])


def _server_responses(given: list[object]) -> Iterator[_Response]:
    for number, one in enumerate(given, start=1):
        where = f"response {number}"
        response = _mapping(one, where)
        values = _mapping(response.get("values") or {CONTROL: {}}, f"{where}, values")
        for question, value in values.items():
            value = _mapping(value, f"{where}, {question}").get("value")
            yield _Response(question, {**response, "value": value}, where)


def _flat_responses(record: Mapping[str, object], key: str, question: str) -> Iterator[_Response]:
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
        fields = {"value": value, "user_id": user, "status": status}
        yield _Response(question, fields, f"response {number} to {question!r}")


def annotation_events(
    annotation: Annotation, at: str, *, known: Iterable[str] | None = None
) -> tuple[Review, ...]:
    """Return the events that a state of an annotation amounts to, made at `at`.

    The tags that the task asked about and those that were changed are decisions. The other tags
    that were offered come together in one event of decision "annotation". It is always there: a
    state without a decision replaces an earlier one that had some.

    Parameters
    ----------
    annotation : Annotation
        The state.
    at : str
        Time of the events: the annotation's own, or later where two states have the same.
    known : iterable of str, optional
        The tags that exist. Another tag, which nobody chose, is left undecided.
    """
    task = annotation.task
    key = _state_key(annotation, at)

    def event(tag: str, decision: str, unchanged: str = "") -> Review:
        return Review(
            uid=uuid.uuid5(_ANSWERS, f"{key}/{tag}/{decision}").hex,
            at=at,
            reviewer=annotation.reviewer,
            project=task.project,
            tag=tag,
            decision=decision,
            version=task.version,
            data_digest=task.data_digest,
            source=annotation.source,
            unchanged=unchanged,
        )

    decisions, unchanged = _decisions(annotation, known)
    return (
        *(event(tag, decision) for tag, decision in decisions.items()),
        event("", ANNOTATION, json.dumps(unchanged, ensure_ascii=False)),
    )


def _decisions(
    annotation: Annotation, known: Iterable[str] | None
) -> tuple[dict[str, str], list[str]]:
    """Return the decision on each tag, and the tags that were offered and left as they were."""
    task = annotation.task
    had, asked, chosen = set(task.tags), set(task.asked), set(annotation.chosen or ())
    allowed = None if known is None else {*known, *chosen}
    decisions: dict[str, str] = {}
    unchanged: list[str] = []
    for tag in dict.fromkeys([*task.choices, *(annotation.chosen or ())]):
        if allowed is not None and tag not in allowed:
            continue
        if annotation.chosen is None:
            if annotation.skipped and tag in asked:
                decisions[tag] = "skip"
        elif (tag in chosen) != (tag in had):
            decisions[tag] = "add" if tag in chosen else "remove"
        elif tag in asked:
            decisions[tag] = "right"
        else:
            unchanged.append(tag)
    return decisions, unchanged


def _state_key(annotation: Annotation, at: str) -> str:
    # Derived from the state itself: importing it twice adds nothing.
    task = annotation.task
    state = [
        annotation.source,
        annotation.at or at,
        annotation.chosen and sorted(set(annotation.chosen)),
        annotation.skipped,
        task.tags,
        task.choices,
        task.asked,
    ]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def _task_data(content: Mapping[str, object], where: str) -> TaskData:
    if "reviews" not in content:
        what = "record" if where.startswith("metadata") else "task"
        raise TagifaiError(f"a {what} that tagifai did not write: {where}.reviews is missing")
    project = content.get("project_id")
    if isinstance(project, bool) or not isinstance(project, str | int):
        raise TagifaiError(f"{where}.project_id: an id is needed, got {shorten(repr(project))}")
    reviews = _list(content["reviews"], f"{where}.reviews")
    tags, choices, asked = (
        tuple(_strings(content.get(name), f"{where}.{name}"))
        for name in ("tags", "choices", "asked")
    )
    return TaskData(
        str(project),
        tags,
        choices,
        asked,
        version=str(content.get("version") or ""),
        data_digest=str(content.get("data_digest") or ""),
        reviews=tuple(Review.from_dict(_mapping(one, f"{where}.reviews")) for one in reviews),
    )


def _annotator(by: object, source: str) -> str:
    if isinstance(by, Mapping):
        by = by.get("email") or by.get("id")
    # A user who was deleted there is still somebody, and not somebody else.
    return by if isinstance(by, str) and by else f"label-studio:{by or source}"


def _time(values: Mapping[str, object], names: Iterable[str], where: str) -> str:
    for name in names:
        text = values.get(name)
        if not text:
            continue
        try:
            if not isinstance(text, str):
                raise TypeError
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise TagifaiError(
                f"{where}, {name}: a time as 2026-01-31T12:00:00Z is needed, "
                f"got {shorten(repr(text))}"
            ) from None
        return moment.strftime(TIME)
    return ""


def _other(where: str, what: str, name: object) -> TagifaiError:
    return TagifaiError(
        f"{where}: the {what} {shorten(str(name))!r} is not {CONTROL!r}, the one that was asked "
        f"about; nothing was imported"
    )


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TagifaiError(f"{where}: an object is needed, got {shorten(repr(value))}")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise TagifaiError(f"{where}: a list is needed, got {shorten(repr(value))}")
    return value


def _strings(value: object, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TagifaiError(f"{where}: a list of strings is needed, got {shorten(repr(value))}")
    return value


def _plain(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
