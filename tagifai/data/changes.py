"""What happened to the data since a version was made: projects gone, new, edited, retagged."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tagifai.data import Project
from tagifai.predictions import Predictions


@dataclass(frozen=True, slots=True)
class DataChanges:
    """The ids of the projects that are not as the version saw them.

    Attributes
    ----------
    gone, new, tagged_anew : tuple of str
        Projects that were removed, added, or have other tags now.
    edited : tuple of str or None
        Projects with another text; None where the version has no digests of its texts.
    """

    gone: tuple[str, ...]
    new: tuple[str, ...]
    tagged_anew: tuple[str, ...]
    edited: tuple[str, ...] | None

    def __str__(self) -> str:
        """Return the changes in a sentence, "" where nothing changed."""
        parts = [
            f"{len(ids):,} {what}"
            for ids, what in (
                (self.gone, "gone"),
                (self.edited or (), "with an edited text"),
                (self.tagged_anew, "with other tags"),
                (self.new, "new"),
            )
            if ids
        ]
        return f"Projects since this version was made: {', '.join(parts)}." if parts else ""


def digest_texts(projects: Iterable[Project]) -> dict[str, str]:
    """Digest each project's text, to be saved with a version: {id: 16 hexadecimal digits}."""
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

    Parameters
    ----------
    predictions : Predictions
        Those of the version.
    projects : mapping of str to Project
        The projects of the data by id.
    digests : mapping of str to str, optional
        What `digest_texts` returned when the version was made.
    untagged : {"negative", "unlabelled"}, optional
        Which projects beyond the predictions are new: all of them, or those with a tag. Without
        it, those with a tag of the version, as for a version that left out all others.
    """
    known = set(predictions.tags)
    here = [projects[one] for one in predictions.ids if one in projects]
    tagged_anew = []
    for project in here:
        before = predictions.tags_of(predictions.row_of[project.id])
        if known.intersection(project.tags) != set(before):
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
