"""What the benchmarks found, as plain data: kept as JSON, compared with what was recorded."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks.paired import Ratio, Summary

WORSE = 1.2


@dataclass(frozen=True)
class Timing:
    """How long one thing took for one of the measured, in `unit`; `cpu` is the server's, in ms."""

    work: str
    size: int | None
    who: str
    n: int
    median: float
    p95: float
    unit: str = "ms"
    cpu: float | None = None


@dataclass(frozen=True)
class Claim:
    """What must hold: `value` is at most `limit`.

    `unit` is "ratio" for a ratio of two measurements, which other machines can be compared by.
    """

    work: str
    size: int | None
    what: str
    value: float
    limit: float
    unit: str = "ratio"
    low: float | None = None
    high: float | None = None

    @property
    def reached(self) -> bool:
        """Check whether it holds."""
        return self.value <= self.limit

    @property
    def key(self) -> str:
        """Name the claim among all."""
        return f"{self.work} | {self.size or ''} | {self.what}"


@dataclass(frozen=True)
class Growth:
    """How the time of a work grows: with size to the power of `exponent`."""

    work: str
    who: str
    exponent: float


@dataclass(frozen=True)
class Findings:
    """What one group of rows found."""

    timings: list[Timing] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __add__(self, other: "Findings") -> "Findings":
        """Put the findings of two groups together."""
        return Findings(
            self.timings + other.timings,
            self.claims + other.claims,
            self.growths + other.growths,
            self.notes + other.notes,
        )

    def add(
        self,
        work: str,
        size: int | None,
        who: str,
        times: Summary,
        unit: str = "ms",
        cpu: float | None = None,
    ) -> None:
        """Note how long something took."""
        self.timings.append(Timing(work, size, who, times.n, times.median, times.p95, unit, cpu))

    def claim(
        self,
        work: str,
        size: int | None,
        what: str,
        value: float | Ratio,
        limit: float,
        unit: str = "ratio",
        ends: tuple[float, float] | tuple[None, None] = (None, None),
    ) -> None:
        """Note something that must be at most `limit`; `ends` are those of its interval."""
        if isinstance(value, Ratio):
            ends = value.low, value.high
        number = value.value if isinstance(value, Ratio) else value
        self.claims.append(Claim(work, size, what, number, limit, unit, *ends))

    def grow(self, work: str, who: str, exponent: float) -> None:
        """Note how the time of a work grows with its size."""
        self.growths.append(Growth(work, who, exponent))


@dataclass(frozen=True)
class Run:
    """A whole run: what was found, on which machine, under which load, by which command."""

    command: str
    machine: dict[str, Any]
    groups: list[dict[str, Any]]
    findings: Findings


def write_run(run: Run, path: Path) -> None:
    """Keep a run as JSON."""
    path.write_bytes(
        orjson.dumps(asdict(run), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )


def read_run(path: Path) -> Run:
    """Read a run that `write_run` kept."""
    found = orjson.loads(path.read_bytes())
    listed = found["findings"]
    findings = Findings(
        [Timing(**one) for one in listed["timings"]],
        [Claim(**one) for one in listed["claims"]],
        [Growth(**one) for one in listed["growths"]],
        listed["notes"],
    )
    return Run(found["command"], found["machine"], found["groups"], findings)


def merged(recorded: Run, now: Run) -> Run:
    """Put the rows of a run in place of those of the same work in a recorded one.

    Raises:
        ValueError: another machine, or other packages, with which rows do not compare.
    """
    packages = recorded.machine.get("packages", {})
    # Rows that need no peer run without it.
    packages_now = {**packages, **now.machine.get("packages", {})}
    if {**now.machine, "packages": packages_now} != {**recorded.machine, "packages": packages}:
        raise ValueError("recorded on another machine or with other packages: run all rows")
    works = {one.work for one in (*now.findings.timings, *now.findings.claims)}
    before = recorded.findings
    kept = Findings(
        [one for one in before.timings if one.work not in works],
        [one for one in before.claims if one.work not in works],
        [one for one in before.growths if one.work not in works],
        [note for note in before.notes if note.partition(":")[0] not in works],
    )
    measured = {one["group"] for one in now.groups}
    groups = [one for one in recorded.groups if one["group"] not in measured]
    return Run(recorded.command, recorded.machine, groups + now.groups, kept + now.findings)


def worsened(recorded: Sequence[Claim], now: Sequence[Claim]) -> list[str]:
    """Return which ratios are 20 % worse than those recorded.

    >>> worsened([Claim("slider", 10, "to plain", 0.1, 0.2)],
    ...          [Claim("slider", 10, "to plain", 0.13, 0.2)])
    ['slider | 10 | to plain: 0.13, recorded 0.1']
    """
    before = {claim.key: claim for claim in recorded}
    return [
        f"{claim.key}: {claim.value:.3g}, recorded {before[claim.key].value:.3g}"
        for claim in now
        if claim.unit == "ratio"
        and claim.key in before
        and claim.value > WORSE * before[claim.key].value
    ]
