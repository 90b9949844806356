"""What is selected on the page, as a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import numpy as np

from tagifai.services.app import Services

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "id",
    "text",
    "y_true",
    "y_pred",
    "probability",
    "split",
    "tab",
    "version",
    "tag",
    "outcome",
)
QUEUES = ("missing", "wrong")


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices on the page, by their names in its address."""

    values: Mapping[str, Sequence[str]]

    def get(self, name: str, default: str = "") -> str:
        """Return one choice."""
        return next(iter(self.values.get(name, ())), default)

    def all(self, name: str) -> list[str]:
        """Return a choice of several."""
        return list(self.values.get(name, ()))

    def number(self, name: str) -> float | None:
        """Return a number; None where there is none."""
        text = self.get(name)
        return float(text) if text else None


@dataclass(frozen=True, slots=True)
class Listed:
    """A project that the page lists, and how."""

    id: str
    tag: str = ""
    outcome: str = ""
    version: str = ""
    probability: float | None = None
    text: str | None = None


def read_choices(query: str) -> Choices:
    """Read what the page reports.

    >>> read_choices("tab=inspection&part=tags&tag=nlp").get("tag")
    'nlp'
    """
    return Choices(parse_qs(query, keep_blank_values=True))


def tabulate(services: Services, query: str) -> "pd.DataFrame":
    """Return the projects that the page lists, all pages of the list, in its order.

    The table's index is `row`, the place of each project in the data; its ``attrs`` hold every
    choice by name.

    Raises
    ------
    TagifaiError
        The page shows something that is gone.
    """
    import pandas as pd

    choices = read_choices(query)
    tab, part = choices.get("tab"), choices.get("part")
    lists = LISTS.get(part or tab)
    listed = list(lists(services, choices)) if lists else []
    projects = services.data.get().dataset.projects
    place = {project.id: row for row, project in enumerate(projects)}
    predicted = _predicted(services, {one.version for one in listed if one.version})
    records = []
    for one in listed:
        row = place.get(one.id)
        project = None if row is None else projects[row]
        records.append(
            {
                "row": -1 if row is None else row,
                "id": one.id,
                "text": one.text if project is None else project.text,
                "y_true": list(project.tags) if project else [],
                "y_pred": predicted(one.version, one.id),
                "probability": one.probability,
                "split": services.data.get().dataset.splits.get(one.id, ""),
                "tab": part or tab,
                "version": one.version,
                "tag": one.tag,
                "outcome": one.outcome,
            }
        )
    frame = pd.DataFrame(records, columns=["row", *COLUMNS]).set_index("row")
    frame.attrs = {
        name: values[0] if len(values) == 1 else list(values)
        for name, values in choices.values.items()
    }
    return frame


def _predicted(services: Services, versions: set[str]) -> Callable[[str, str], list[str] | None]:
    """Return what looks up the tags that a version predicts for a project."""
    found = {}
    for name in versions:
        predictions = services.versions.predictions(name)
        decided = predictions.decide(services.versions.thresholds(name))
        found[name] = predictions, decided, np.array(predictions.tags, dtype=object)

    def look_up(version: str, one: str) -> list[str] | None:
        if version not in found or one not in found[version][0].row_of:
            return None
        predictions, decided, tags = found[version]
        tagged: list[str] = tags[decided[predictions.row_of[one]] == 1].tolist()
        return tagged

    return look_up


def _searched(services: Services, choices: Choices) -> Iterator[Listed]:
    from tagifai.data.browse import SORTS

    data, sort = services.data.get(), choices.get("sort")
    rows = data.index.find(
        choices.get("query"), sort if sort in SORTS else "", choices.get("descending") == "1"
    )
    return (Listed(data.dataset.projects[row].id) for row in rows)


def _with_outcome(services: Services, choices: Choices) -> Iterator[Listed]:
    version, tag, outcome = choices.get("version"), choices.get("tag"), choices.get("outcome", "fp")
    if not (version and tag):
        return iter(())
    rows = services.inspection.all_outcomes(
        version,
        tag,
        outcome,
        choices.get("order", "confident"),
        choices.get("query"),
        choices.number("threshold"),
    )
    return (Listed(row.id, tag, outcome, version, row.probability) for row in rows)


def _suspected(services: Services, choices: Choices) -> Iterator[Listed]:
    from tagifai.label_errors.label_issues import RANKS
    from tagifai.reviews.queues import STATES, QueueChoice

    version = choices.get("version")
    if not version:
        return iter(())
    predictions = services.versions.predictions(version)
    tag = choices.get("tag")
    choice = QueueChoice(
        version,
        choices.get("queue", QUEUES[0]),
        tag if tag in predictions.tags else None,
        choices.get("split", "all"),
        choices.get("rank", RANKS[0]),
        choices.get("reviews", STATES[0]),
    )
    pairs = services.reviews.queue(choice).tolist()
    return (
        Listed(
            predictions.ids[row],
            predictions.tags[column],
            choice.kind,
            version,
            float(predictions.y_prob[row, column]),
        )
        for row, column in pairs
    )


def _in_slice(services: Services, choices: Choices) -> Iterator[Listed]:
    from tagifai.ui.tabs.slices import conditions_of

    conditions = conditions_of(
        choices.all("all_of"),
        choices.all("any_of"),
        choices.all("none_of"),
        choices.get("all_words"),
        choices.get("any_words"),
        choices.number("min_words"),
        choices.number("max_words"),
        choices.number("unseen"),
        choices.all("cells"),
    )
    if not conditions.given():
        return iter(())
    version = choices.get("version")
    return (Listed(one, version=version) for one in services.slices.members(conditions))


def _flipped(services: Services, choices: Choices) -> Iterator[Listed]:
    a, b, tag = choices.get("a"), choices.get("b"), choices.get("tag")
    if not (a and b and tag):
        return iter(())
    flips = (row.flip for row in services.comparisons.flips(a, b, tag))
    return (Listed(flip.id, flip.tag, flip.kind, b, flip.prob_b) for flip in flips)


LISTS: Mapping[str, Callable[[Services, Choices], Iterator[Listed]]] = {
    "data": _searched,
    "performance": _flipped,
    "tags": _with_outcome,
    "label-errors": _suspected,
    "slices": _in_slice,
}
