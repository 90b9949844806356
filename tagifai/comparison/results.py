"""What a comparison of two versions finds, as records; `to_dict` returns them as JSON has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("overall", "tags", "slices", "behavioral")


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One figure of both versions.

    Attributes
    ----------
    name : str
        An average ("weighted", "macro", "micro"), a tag, a slice or a group of behavioral tests.
    metric : str
        "precision", "recall", "f1"; "score" of behavioral tests.
    a, b, diff : float or None
        The figure of each version in [0, 1], and B − A; None where undefined.
    low, high : float or None
        Ends of the 95 % interval of `diff`; None where there is too little to tell by.
    p_value : float or None
        The larger of the bootstrap's and the exact swap test's, not corrected.
    verdict : str or None
        "better", "worse", "can't tell", "too few", "unchanged", "added", "removed"; None where
        the stored figures alone were lined up.
    support : int or None
        Positives of a tag, projects of an average or a slice, number of behavioral tests.
    """

    name: str
    metric: str
    support: int | None = None
    a: float | None = None
    b: float | None = None
    diff: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    verdict: str | None = None

    @property
    def near_end(self) -> float:
        """Return how far from zero the difference is at least: its interval's nearer end.

        It is below zero where the interval holds zero, and lowest where there is none.

        >>> DiffRow("cv", "f1", diff=0.4, low=0.1, high=0.7).near_end
        0.1
        >>> DiffRow("cv", "f1", diff=-0.4, low=-0.7, high=0.1).near_end
        -0.1
        """
        if self.diff is None or self.low is None or self.high is None:
            return float("-inf")
        return self.low if self.diff >= 0 else -self.high


@dataclass(frozen=True, slots=True)
class Reason:
    """Projects that were left out for one reason; `ids` are the first of `count`."""

    reason: str
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Test projects of either version that the comparison leaves out."""

    count: int = 0
    ids: tuple[str, ...] = ()
    reason: str = ""
    by_reason: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class ParamDiff:
    """One hyperparameter of both versions; `status` is changed, same, added or removed."""

    name: str
    a: object
    b: object
    status: str


@dataclass(frozen=True, slots=True)
class Flip:
    """A decision that either version gets wrong; `kind` is "broke", "fixed" or "both wrong"."""

    id: str
    tag: str
    kind: str
    y_true: int
    prob_a: float
    prob_b: float


@dataclass(frozen=True, slots=True)
class TagFlips:
    """How many decisions on a tag B broke and fixed, of `pairs`."""

    tag: str
    broke: int
    fixed: int
    both_wrong: int
    pairs: int
    negative_flip_rate: float | None
    support: int


@dataclass(frozen=True, slots=True)
class Flips:
    """How many decisions B broke and fixed, of `pairs` of project and tag."""

    broke: int
    fixed: int
    both_wrong: int
    pairs: int
    negative_flip_rate: float | None
    by_tag: tuple[TagFlips, ...]


@dataclass(frozen=True, slots=True)
class BehavioralFlips:
    """Behavioral tests that B fails and A passed (`broke`), and the other way round."""

    broke: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Version B against version A.

    Attributes
    ----------
    a, b : str
        The versions' names.
    basis : str
        "paired": both scored again on `shared` projects; "stored": their stored figures.
    primary : str
        The overall figure that decides, such as "weighted f1".
    overall, tags, slices, behavioral : tuple of DiffRow
        By verdict, then by the interval's nearer end.
    note : str or None
        What to know before reading.
    """

    a: str
    b: str
    basis: str
    shared: int
    primary: str
    left_out: LeftOut
    note: str | None
    level: float
    resamples: int
    seed: int
    overall: tuple[DiffRow, ...]
    tags: tuple[DiffRow, ...]
    slices: tuple[DiffRow, ...]
    behavioral: tuple[DiffRow, ...]
    params: tuple[ParamDiff, ...]
    behavioral_flips: BehavioralFlips
    flips: Flips | None

    def rows(self, group: str, metric: str | None = None) -> tuple[DiffRow, ...]:
        """Return the rows of one of `GROUPS`, those of one metric where it is given."""
        rows: tuple[DiffRow, ...] = getattr(self, group)
        return rows if metric is None else tuple(row for row in rows if row.metric == metric)

    @property
    def primary_row(self) -> DiffRow | None:
        """Return the row of the primary figure, None where either version lacks it."""
        name, _, metric = self.primary.partition(" ")
        return next((r for r in self.overall if (r.name, r.metric) == (name, metric)), None)

    def to_dict(self) -> dict[str, object]:
        """Return plain data, as JSON has it."""
        found: dict[str, object] = msgspec.json.decode(msgspec.json.encode(self))
        return found

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Build a comparison from what `to_dict` returned."""
        return msgspec.convert(values, cls)

    def to_frame(self) -> "pd.DataFrame":
        """Return every row as a table: `group`, then the fields of `DiffRow`."""
        import pandas as pd

        fields = list(DiffRow.__dataclass_fields__)
        records = [
            {"group": group, **{field: getattr(row, field) for field in fields}}
            for group in GROUPS
            for row in self.rows(group)
        ]
        return pd.DataFrame(records, columns=["group", *fields])
