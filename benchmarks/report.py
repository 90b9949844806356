"""Write what a run found as Markdown: everything in results.md, what must hold in docs/speed.md."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.limits import why_not
from benchmarks.results import Claim, Growth, Run, Timing, read_run

FOLDER = Path(__file__).parent
RESULTS, RECORDED = FOLDER / "results.md", FOLDER / "results.json"
NOTHING = "Nothing has been recorded yet; `just bench` does."
HEAD = """# How fast it is

Made by `{command}`: {cpu}, {cores} cores, Python {python}, {packages}.

Peers were written for this: the Data tab as a plain Streamlit page, top to bottom without a cache
([peers/plain.py](peers/plain.py)), and as a tuned one, with cached resources, fragments, an index
and SVG ([peers/tuned.py](peers/tuned.py)). All show the same lists, bars and rows, and each
measured step is over when the page shows the right values. What is compared was measured by turns.
Ratios are medians of pairs, with the 95 % interval of a bootstrap over the pairs. CPU is the
server's, without the browser's. Fewer than 20 times was measured what takes so many seconds that
20 of it do not fit into the quarter of an hour that a run may take.
"""


def write_report(run: Run) -> str:
    """Write a whole run as a page."""
    found, machine = run.findings, run.machine
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    parts = [
        HEAD.format(command=run.command, packages=packages, **_only(machine)),
        "## What must hold\n\n" + claims_table(found.claims),
        "## What was measured\n\n" + timings_table(found.timings),
        "## How cost grows\n\nTime is proportional to size to the power of the exponent: 0 is no "
        "growth, 1 is growth in step.\n\n" + growths_table(found.growths),
        "## Under which load\n\n" + groups_table(run.groups),
    ]
    if found.notes:
        parts.insert(3, "\n".join(f"- {note}" for note in found.notes))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def claims_of_record(path: Path = RECORDED, *, least: int = 0) -> str:
    """Write the recorded run's claims as a table; `least` leaves out those on smaller data."""
    if not path.is_file():
        return NOTHING
    claims = read_run(path).findings.claims
    return claims_table([one for one in claims if (one.size or 0) >= least])


def figures_of_record(
    wanted: Iterable[tuple[str, int | None, str]], path: Path = RECORDED
) -> dict[tuple[str, int | None, str], str]:
    """Return recorded figures by work, size and comparison; what was not recorded is left out."""
    claims = read_run(path).findings.claims if path.is_file() else []
    found = {(one.work, one.size, one.what): _value(one.value, one.unit) for one in claims}
    return {name: found[name] for name in wanted if name in found}


def claims_table(claims: Sequence[Claim]) -> str:
    """Write what must hold as a table: what was measured, the limit, and what limits the rest.

    >>> print(claims_table([Claim("slider", 2032, "to plain", 0.025, 0.04, "ratio", 0.02, 0.03)]))
    | work | size | compared | measured | at most | |
    |---|---:|---|---:|---:|---|
    | slider | 2,032 | to plain | 1/40 (1/50 – 1/33.3) | 1/25 | ✔ |
    """
    return _table(
        ("work", "size", "compared", "measured", "at most", ""),
        (False, True, False, True, True, False),
        (
            (
                claim.work,
                _size(claim.size),
                claim.what,
                _value(claim.value, claim.unit) + _interval(claim),
                _value(claim.limit, claim.unit),
                "✔" if claim.reached else f"✘ {why_not(claim.work)}",
            )
            for claim in claims
        ),
    )


def timings_table(timings: Sequence[Timing]) -> str:
    """Write every measurement as a table.

    >>> print(timings_table([Timing("slider", None, "tagifai", 20, 31.25, 60, "ms", 9.5)]))
    | work | size | of | times | median | p95 | CPU |
    |---|---:|---|---:|---:|---:|---:|
    | slider |  | tagifai | 20 | 31.2 ms | 60 ms | 9.5 ms |
    """
    return _table(
        ("work", "size", "of", "times", "median", "p95", "CPU"),
        (False, True, False, True, True, True, True),
        (
            (
                one.work,
                _size(one.size),
                one.who,
                f"{one.n:,}",
                f"{_number(one.median)} {one.unit}".rstrip(),
                f"{_number(one.p95)} {one.unit}".rstrip(),
                "" if one.cpu is None else f"{_number(one.cpu)} ms",
            )
            for one in timings
        ),
    )


def growths_table(growths: Sequence[Growth]) -> str:
    """Write the exponents as a table.

    >>> print(growths_table([Growth("slider", "tagifai", -0.004)]))
    | work | of | exponent |
    |---|---|---:|
    | slider | tagifai | 0.00 |
    """
    return _table(
        ("work", "of", "exponent"),
        (False, False, True),
        ((one.work, one.who, f"{one.exponent:.2f}".replace("-0.00", "0.00")) for one in growths),
    )


def groups_table(groups: Sequence[dict[str, object]]) -> str:
    """Write how long each group of rows took, and the load before and after it.

    >>> print(groups_table([{"group": "slider", "seconds": 61.2, "load": [0.5, 1.25]}]))
    | rows | seconds | load before | after |
    |---|---:|---:|---:|
    | slider | 61 | 0.50 | 1.25 |
    """
    return _table(
        ("rows", "seconds", "load before", "after"),
        (False, True, True, True),
        (
            (str(one["group"]), f"{one['seconds']:.0f}", *(f"{x:.2f}" for x in one["load"]))  # type: ignore[attr-defined]
            for one in groups
        ),
    )


def _table(head: Sequence[str], numbers: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    rule = "|".join("---:" if number else "---" for number in numbers)
    lines = [f"| {' | '.join(head)} |".replace("|  |", "| |"), f"|{rule}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _interval(claim: Claim) -> str:
    if claim.low is None or claim.high is None:
        return ""
    return f" ({_value(claim.low, claim.unit)} – {_value(claim.high, claim.unit)})"


def _value(value: float, unit: str) -> str:
    if unit != "ratio":
        return f"{_number(value)} {unit}".rstrip()
    return f"1/{_number(1 / value)}" if 0 < value < 0.5 else f"{_number(value)} ×"


def _number(value: float) -> str:
    """Write a number with three digits that count.

    >>> [_number(x) for x in (0.00512, 1.5, 12.34, 40, 1234.5)]
    ['0.00512', '1.5', '12.3', '40', '1,234']
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _size(size: int | None) -> str:
    return "" if size is None else f"{size:,}"


def _only(machine: dict[str, object]) -> dict[str, object]:
    return {name: machine[name] for name in ("cpu", "cores", "python")}
