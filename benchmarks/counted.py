"""What each minimum frequency must show, counted the plain way and by no code of the app's."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LISTED = 5
Rows = list[tuple[str, int]]


@dataclass(frozen=True)
class Shown:
    """The lists and the bars at one minimum frequency, each of (name, projects)."""

    most_common: Rows
    just_made: Rows
    just_missed: Rows
    kept: Rows
    tags_per_project: list[tuple[int, int]]


class PlainCount:
    """Projects and tags as their files hold them, counted anew for each question."""

    def __init__(
        self,
        projects: Sequence[Mapping[str, Any]],
        tags: Sequence[Mapping[str, Any]],
        excluded: Sequence[str],
    ) -> None:
        known = {tag["tag"] for tag in tags} - set(excluded)
        self.carried = [[tag for tag in project["tags"] if tag in known] for project in projects]
        counts = Counter(tag for carried in self.carried for tag in carried)
        self.counts = sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def at(self, frequency: int) -> Shown:
        """Count what remains when tags of fewer than `frequency` projects are left out.

        >>> projects = [{"tags": ["a", "b"]}, {"tags": ["a"]}, {"tags": ["c"]}]
        >>> plain = PlainCount(projects, [{"tag": tag} for tag in "abc"], ["c"])
        >>> plain.at(2).kept, plain.at(2).just_missed, plain.at(1).tags_per_project
        ([('a', 2)], [('b', 1)], [(0, 1), (1, 1), (2, 1)])
        """
        kept = [row for row in self.counts if row[1] >= frequency]
        missed = [row for row in self.counts if row[1] < frequency]
        names = {tag for tag, _ in kept}
        numbers = Counter(sum(tag in names for tag in carried) for carried in self.carried)
        most = max((number for number in numbers if numbers[number]), default=0)
        return Shown(
            kept[:LISTED],
            kept[-LISTED:],
            missed[:LISTED],
            kept,
            [(number, numbers[number]) for number in range(most + 1)] if kept else [],
        )

    def boundary(self, near: int) -> int:
        """Find the highest frequency up to `near` that some tag has exactly."""
        return max(count for _, count in self.counts if count <= near)
