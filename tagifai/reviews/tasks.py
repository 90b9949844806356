"""Reviews as tasks of annotation tools: one task for each project, with tags as choices.

A task carries what tagifai needs to read it back: the reviews so far, the tags that the project
had, the tags to choose from, and those that it asks about.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict
from xml.sax.saxutils import escape, quoteattr

from tagifai.data import Project
from tagifai.errors import TagifaiError, shorten
from tagifai.matrices import row_of
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.reviews.annotations import CONTROL
from tagifai.store.review_events import ANNOTATION, Review

# What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Label Studio puts a field of the task in the place of such a word.
_VARIABLE = re.compile(r"\$[\w\[\].{}]")


@dataclass(frozen=True, slots=True)
class Task:
    """A project as an annotator sees it.

    Parameters
    ----------
    project, text : str
        The project's id and text.
    tags : tuple of str
        The tags that the data has.
    choices, asked : tuple of str
        The tags to choose from, and those among them that the task asks about.
    reviews : tuple of Review
        The reviews so far.
    version, data_digest : str
        Where the predictions and the tags come from.
    predicted : tuple of str, optional
        The tags that a version predicts; None without a version.
    score : float
        The highest probability among them, in [0, 1].
    """

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
    """Build a task for each project that was reviewed or is asked about.

    Parameters
    ----------
    reviews : iterable of Review
        The reviews so far.
    projects : mapping of str to Project
        The projects, by id. A project that is gone keeps its reviews, and has no text.
    choices : sequence of str
        Tags that every task offers; tags that it asks about are added.
    asked : iterable of (str, str)
        The pairs of project and tag to ask about.
    predictions, thresholds : optional
        With them, each task carries the predicted tags.
    version, data_digest : str
        Where the predictions and the tags come from.
    """
    of_project: dict[str, list[Review]] = {}
    questions: dict[str, dict[str, None]] = {}
    for review in reviews:
        of_project.setdefault(review.project, []).append(review)
        asked_of = questions.setdefault(review.project, {})
        if review.decision != ANNOTATION:
            asked_of[review.tag] = None
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
    """Return the labelling interface (XML) that the tasks need in Label Studio.

    Raises
    ------
    TagifaiError
        A tag has a character that XML cannot hold.
    """
    listed = "".join(f"\n    {_choice(choice)}" for choice in choices)
    return (
        f'<View>\n  <Text name="text" value="$text"/>\n'
        f'  <Choices name="{CONTROL}" toName="text" choice="multiple">{listed}\n'
        f"  </Choices>\n</View>"
    )


def _choice(tag: str) -> str:
    if bad := _NOT_XML.search(tag):
        raise TagifaiError(
            f"tag {shorten(tag)!r}: the character {bad[0]!r} cannot be written in XML, which "
            f"Label Studio's interface is; rename the tag"
        )
    if _VARIABLE.search(tag):
        # The alias is what a result holds, the HTML what is shown: neither is filled in.
        value = quoteattr(tag.replace("$", "\uff04"))
        return f"<Choice value={value} alias={quoteattr(tag)} html={quoteattr(escape(tag))}/>"
    return f"<Choice value={quoteattr(tag)}/>"


def label_studio_tasks(tasks: Iterable[Task]) -> list[dict[str, object]]:
    """Return tasks in Label Studio's format, with predicted tags as predictions."""
    return [
        {
            "data": {"text": task.text, **_content(task)},
            "predictions": []
            if task.predicted is None
            else [
                {
                    "model_version": task.version or "tagifai",
                    "score": task.score,
                    "result": [
                        {
                            "from_name": CONTROL,
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


def argilla_records(tasks: Iterable[Task]) -> list[dict[str, object]]:
    """Return tasks as Argilla 2 records: a field "text", a multi-label question "tags"."""
    return [
        {
            "id": task.project,
            "fields": {"text": task.text},
            # Metadata holds plain values only.
            "metadata": {"tagifai": json.dumps(_content(task), ensure_ascii=False)},
            "suggestions": {}
            if task.predicted is None
            else {
                CONTROL: {
                    "value": list(task.predicted),
                    "score": task.score,
                    "agent": task.version or "tagifai",
                }
            },
            "responses": {},
        }
        for task in tasks
    ]


class _TaskContent(TypedDict):
    """What a task carries for its way back, see `annotations.TaskData`."""

    project_id: str
    tags: list[str]
    choices: list[str]
    asked: list[str]
    version: str
    data_digest: str
    reviews: list[dict[str, str]]


def _content(task: Task) -> _TaskContent:
    return {
        "project_id": task.project,
        "tags": list(task.tags),
        "choices": list(task.choices),
        "asked": list(task.asked),
        "version": task.version,
        "data_digest": task.data_digest,
        "reviews": [review.to_dict() for review in task.reviews],
    }


def _predicted(
    predictions: Predictions | None, thresholds: Mapping[str, float] | None, project: str
) -> tuple[tuple[str, ...] | None, float]:
    if predictions is None or thresholds is None or project not in predictions.row_of:
        return None, 0.0
    prob = row_of(predictions.y_prob, predictions.row_of[project])
    above = decide(prob, threshold_array(predictions.tags, thresholds))
    tags = [tag for tag, reached in zip(predictions.tags, above, strict=True) if reached]
    return tuple(tags), float(prob[above].max()) if tags else 0.0
