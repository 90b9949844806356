"""Reviews as tasks of annotation tools: one task a project, its tags as choices.

What tagifai needs to read a task back travels in it: the reviews so far, the tags the
project had, those to choose from and those asked about.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.reviews.events import TIME, Review

_ANSWERS = uuid.UUID("6b1f0f5e-7a43-4e5c-9b52-3f6f0c6a9a51")


@dataclass(frozen=True, slots=True)
class Task:
    """A project as an annotator meets it; `predicted` None where a version predicts nothing."""

    project: str
    text: str
    tags: tuple[str, ...]
    choices: tuple[str, ...]
    asked: tuple[str, ...]
    reviews: tuple[Review, ...]
    version: str = ""
    data_digest: str = ""
    predicted: tuple[str, ...] | None = None
    score: float = 0.0


def build_tasks(
    reviews: Iterable[Review],
    projects: Mapping[str, Project],
    choices: Sequence[str],
    *,
    asked: Iterable[tuple[str, str]] = (),
    predictions: Predictions | None = None,
    thresholds: Mapping[str, float] | None = None,
    version: str = "",
    data_digest: str = "",
) -> tuple[Task, ...]:
    """Make a task of each project that is reviewed or asked about ((project, tag) pairs).

    With predictions and thresholds each task carries the predicted tags, and as `score` the
    highest probability among them. A project that is gone keeps its reviews, with no text.
    """
    of_project: dict[str, list[Review]] = {}
    questions: dict[str, dict[str, None]] = {}
    for review in reviews:
        of_project.setdefault(review.project, []).append(review)
        questions.setdefault(review.project, {})[review.tag] = None
    for project, tag in asked:
        questions.setdefault(project, {})[tag] = None
    tasks = []
    for one, wanted in questions.items():
        found = projects.get(one)
        predicted, score = _predicted(predictions, thresholds, one)
        tasks.append(
            Task(
                one,
                found.text if found else "",
                found.tags if found else (),
                tuple(dict.fromkeys([*choices, *wanted])),
                tuple(wanted),
                tuple(of_project.get(one, ())),
                version,
                data_digest,
                predicted,
                score,
            )
        )
    return tuple(tasks)


def label_studio_config(choices: Iterable[str]) -> str:
    """Write the labelling interface (XML) that the tasks need in Label Studio."""
    listed = "".join(f"\n    <Choice value={quoteattr(choice)}/>" for choice in choices)
    return (
        f'<View>\n  <Text name="text" value="$text"/>\n'
        f'  <Choices name="tags" toName="text" choice="multiple">{listed}\n  </Choices>\n</View>'
    )


def label_studio_tasks(tasks: Iterable[Task]) -> list[dict[str, Any]]:
    """Write tasks in Label Studio's format, predicted tags as predictions."""
    return [
        {
            "data": {"text": task.text, **_told(task)},
            "predictions": []
            if task.predicted is None
            else [
                {
                    "model_version": task.version or "tagifai",
                    "score": task.score,
                    "result": [
                        {
                            "from_name": "tags",
                            "to_name": "text",
                            "type": "choices",
                            "value": {"choices": list(task.predicted)},
                        }
                    ],
                }
            ],
        }
        for task in tasks
    ]


def from_label_studio(record: Mapping[str, Any], now: str) -> list[Review]:
    """Read one task of Label Studio's JSON export: its old reviews and each annotation."""
    told = record["data"]
    if "reviews" not in told:
        raise TagifaiError("a task that tagifai did not write: data.reviews is missing")
    found = [Review.from_dict(values) for values in told["reviews"]]
    for annotation in record.get("annotations") or ():
        by = annotation.get("completed_by")
        reviewer = by.get("email") or by.get("id") if isinstance(by, Mapping) else by
        chosen = {
            choice
            for result in annotation.get("result") or ()
            if result.get("from_name") == "tags"
            for choice in result["value"]["choices"]
        }
        at = _time(annotation.get("updated_at") or annotation.get("created_at"), now)
        key = f"label-studio/{annotation.get('unique_id') or annotation.get('id')}/{at}"
        name = reviewer if isinstance(reviewer, str) else f"label-studio:{reviewer}"
        skipped = bool(annotation.get("was_cancelled"))
        found += _answers(told, chosen, name, at, key, skipped=skipped)
    return found


def argilla_records(tasks: Iterable[Task]) -> list[dict[str, Any]]:
    """Write tasks as Argilla 2 records: a field "text", a multi-label question "tags"."""
    return [
        {
            "id": task.project,
            "fields": {"text": task.text},
            # Metadata holds plain values only.
            "metadata": {"tagifai": json.dumps(_told(task), ensure_ascii=False)},
            "suggestions": {}
            if task.predicted is None
            else {
                "tags": {
                    "value": list(task.predicted),
                    "score": task.score,
                    "agent": task.version or "tagifai",
                }
            },
            "responses": {},
        }
        for task in tasks
    ]


def from_argilla(record: Mapping[str, Any], now: str) -> list[Review]:
    """Read one Argilla record: its old reviews and each response to the question "tags"."""
    if "tagifai" not in record.get("metadata", {}):
        raise TagifaiError("a record that tagifai did not write: metadata.tagifai is missing")
    told = json.loads(record["metadata"]["tagifai"])
    found = [Review.from_dict(values) for values in told["reviews"]]
    for response in (record.get("responses") or {}).get("tags", ()):
        chosen = set(response["value"])
        # A response has no time of its own: what it says makes it the same one again.
        key = f"argilla/{response['user_id']}/{','.join(sorted(chosen))}"
        found += _answers(told, chosen, f"argilla:{response['user_id']}", now, key)
    return found


def _told(task: Task) -> dict[str, Any]:
    return {
        "project_id": task.project,
        "tags": list(task.tags),
        "choices": list(task.choices),
        "asked": list(task.asked),
        "version": task.version,
        "data_digest": task.data_digest,
        "reviews": [review.to_dict() for review in task.reviews],
    }


def _answers(
    told: Mapping[str, Any],
    chosen: Collection[str],
    reviewer: str,
    at: str,
    key: str,
    *,
    skipped: bool = False,
) -> list[Review]:
    project, had, asked = str(told["project_id"]), set(told["tags"]), set(told["asked"])
    answers = []
    for tag in told["choices"]:
        changed = (tag in chosen) != (tag in had)
        if skipped:
            decision = "skip" if tag in asked else ""
        elif changed:
            decision = "add" if tag in chosen else "remove"
        else:
            decision = "right" if tag in asked else ""
        if decision:
            # Named after the answer itself: importing twice adds nothing.
            uid = uuid.uuid5(_ANSWERS, f"{key}/{project}/{tag}/{decision}").hex
            seen = {"version": told["version"], "data_digest": told["data_digest"]}
            answers.append(Review(uid, at, reviewer, project, tag, decision, **seen))
    return answers


def _time(text: str | None, now: str) -> str:
    if not text:
        return now
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).strftime(TIME)


def _predicted(
    predictions: Predictions | None, thresholds: Mapping[str, float] | None, project: str
) -> tuple[tuple[str, ...] | None, float]:
    if predictions is None or thresholds is None or project not in predictions.row_of:
        return None, 0.0
    prob = predictions.y_prob[predictions.row_of[project]]
    above = decide(prob, threshold_array(predictions.tags, thresholds))
    tags = [tag for tag, kept in zip(predictions.tags, above, strict=True) if kept]
    return tuple(tags), float(prob[above].max()) if tags else 0.0
