"""What the data has and no version learns from: excluded and unlisted tags, unlabelled projects."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tagifai.data import Dataset, count_tags, labelled_projects
from tagifai.data.validation import Record
from tagifai.errors import counted, shorten

MOST_NAMED = 50


@dataclass(frozen=True)
class LeftOut:
    """What is left out of learning, whatever the minimum frequency.

    Attributes
    ----------
    excluded : dict of str to int
        Number of projects of each tag that `data.toml` excludes, the commonest first; 0 for one
        that no project carries.
    unlisted : dict of str to int
        Number of projects of each tag that the tag file does not list, the commonest first;
        empty without a tag file.
    unlabelled : int
        Number of projects that `data.toml` calls unlabelled: those without any tag, and rows of
        files read by `[columns]` where nobody decided on the tags.
    """

    excluded: Mapping[str, int] = field(default_factory=dict)
    unlisted: Mapping[str, int] = field(default_factory=dict)
    unlabelled: int = 0

    def __str__(self) -> str:
        """Return a line for each kind that is left out, "" where nothing is."""
        lines = []
        if self.excluded:
            lines.append(f"excluded by data.toml: {name_counts(self.excluded)}")
        if self.unlisted:
            lines.append(f"not in the tag file, so not learned: {name_counts(self.unlisted)}")
        if self.unlabelled:
            lines.append(describe_unlabelled(self.unlabelled))
        return "\n".join(lines)

    def to_dict(self) -> Record:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, found: object) -> "LeftOut":
        """Read what `to_dict` returned; what is malformed counts as nothing left out."""
        if not isinstance(found, Mapping):
            return cls()
        excluded, unlisted = (_counts(found.get(key)) for key in ("excluded", "unlisted"))
        unlabelled = found.get("unlabelled")
        return cls(excluded, unlisted, unlabelled if type(unlabelled) is int else 0)


def _counts(found: object) -> dict[str, int]:
    if not isinstance(found, Mapping):
        return {}
    return {str(tag): count for tag, count in found.items() if type(count) is int}


def find_left_out(dataset: Dataset) -> LeftOut:
    """Count what a data set has and no version learns from."""
    counts = count_tags(dataset.projects)
    excluded = {tag: counts.get(tag, 0) for tag in dataset.config.excluded}
    return LeftOut(
        dict(sorted(excluded.items(), key=lambda item: (-item[1], item[0]))),
        {
            tag: count
            for tag, count in counts.items()
            if dataset.tags and tag not in dataset.tags and tag not in excluded
        },
        dataset.num_left_out + len(dataset.projects) - len(labelled_projects(dataset)),
    )


def describe_unlabelled(number: int) -> str:
    """Return how many unlabelled projects are left out, in words; "" where there is none.

    >>> describe_unlabelled(266)
    '266 unlabelled projects are left out'
    """
    if not number:
        return ""
    return f"{counted(number, 'unlabelled project')} {'is' if number == 1 else 'are'} left out"


def describe_negatives(num_projects: int, num_negatives: int) -> str:
    """Return in words how many projects a version used, and how many have no learned tag.

    >>> describe_negatives(400, 200)
    '400 projects, 200 of them without a learned tag: negatives of every tag'
    """
    projects = counted(num_projects, "project")
    if not num_negatives:
        return projects
    what = "negatives" if num_negatives > 1 else "a negative"
    return f"{projects}, {num_negatives:,} of them without a learned tag: {what} of every tag"


def with_note(performance: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Return a performance with the "note" that its figures need, if they need one."""
    note = describe_unlabelled(find_left_out(dataset).unlabelled)
    return {**performance, "note": note} if note else dict(performance)


def name_counts(counts: Mapping[str, int]) -> str:
    """Return tags with their numbers of projects, the first 50 of them.

    >>> name_counts({"python": 240, "r": 84})
    'python 240, r 84'
    """
    listed = ", ".join(
        f"{shorten(tag)} {count:,}" for tag, count in list(counts.items())[:MOST_NAMED]
    )
    rest = len(counts) - MOST_NAMED
    return listed + (f" and {rest:,} more" if rest > 0 else "")
