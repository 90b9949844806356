"""What happened to the data since a version was made: gone, new, edited, tagged anew."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tagifai.data import Project
from tagifai.predictions import Predictions


@dataclass(frozen=True, slots=True)
class DataChanges:
    """The ids of the projects that are not as the version saw them.

    `edited` is None where the version kept no digests of its texts: edits can't be told then.
    """

    gone: tuple[str, ...]
    new: tuple[str, ...]
    tagged_anew: tuple[str, ...]
    edited: tuple[str, ...] | None

    def __str__(self) -> str:
        """Say it in a sentence, "" where nothing changed."""
        told = [
            f"{len(ids):,} {what}"
            for ids, what in (
                (self.gone, "gone"),
                (self.edited or (), "with an edited text"),
                (self.tagged_anew, "with other tags"),
                (self.new, "new"),
            )
            if ids
        ]
        return f"Projects since this version was made: {', '.join(told)}." if told else ""


def digest_texts(projects: Iterable[Project]) -> dict[str, str]:
    """Digest each project's text, {id: 16 hexadecimal digits}, to be kept with a version."""
    return {
        project.id: hashlib.blake2b(project.text.encode("utf-8"), digest_size=8).hexdigest()
        for project in projects
    }


def compare_data(
    predictions: Predictions,
    projects: Mapping[str, Project],
    digests: Mapping[str, str] | None = None,
    untagged: str | None = None,
) -> DataChanges:
    """Compare the data as it is with what a version saw.

    `digests` are those of `digest_texts` when it was made, None where it kept none. New are
    the projects that are not among its predictions and would be now: all of them where
    `untagged` is "negative", those with a tag where it is "unlabelled", and those with a tag
    of the version where it is None, as for a version that left out all others.
    """
    known = set(predictions.tags)
    here = [projects[one] for one in predictions.ids if one in projects]
    tagged_anew = []
    for project in here:
        row = predictions.y_true[predictions.row_of[project.id]]
        now = [tag in project.tags for tag in predictions.tags]
        if now != row.astype(bool).tolist():
            tagged_anew.append(project.id)

    def is_due(project: Project) -> bool:
        if untagged is None:
            return not known.isdisjoint(project.tags)
        return untagged == "negative" or bool(project.tags)

    edited = None
    if digests is not None:
        edited = tuple(
            one for one, now in digest_texts(here).items() if digests.get(one, now) != now
        )
    return DataChanges(
        tuple(one for one in predictions.ids if one not in projects),
        tuple(
            one
            for one, project in projects.items()
            if one not in predictions.row_of and is_due(project)
        ),
        tuple(tagged_anew),
        edited,
    )
