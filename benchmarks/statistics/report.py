"""What was recorded: results.json for programs, results.md to read, ten lines for the docs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from benchmarks.statistics.rows import Row

FOLDER = Path(__file__).parent
RECORDED, REPORT = FOLDER / "results.json", FOLDER / "results.md"
NOTHING = "Nothing has been recorded yet; `just statistics` does."
MOST_LINES = 10
HEAD = """# Whether the statistics hold

Made by `python -m benchmarks.statistics`, {seconds:.0f} s on two cores. Each line simulates what
the app claims, or measures it on data, and holds it against its target. The simulated projects,
tags and versions are those of [simulation.py](simulation.py), but for calibration and the slice
finder, which draw their own; each part has a module of its own.
"""


@dataclass(frozen=True)
class Part:
    """What one part measured, in so many seconds."""

    seconds: float
    rows: tuple[Row, ...]


def table(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table.

    >>> print(table([Row("Coverage", "95.1 % of 400", "93 – 97 %", True)]))
    | claim | measured | target | |
    |---|---:|---:|---|
    | Coverage | 95.1 % of 400 | 93 – 97 % | ✔ |
    """
    lines = ["| claim | measured | target | |", "|---|---:|---:|---|"]
    return "\n".join(
        [
            *lines,
            *(
                f"| {row.claim} | {row.figure} | {row.target} | {'✔' if row.passed else '✘'} |"
                for row in rows
            ),
        ]
    )


def read_parts(path: Path = RECORDED) -> dict[str, Part]:
    """Read what was recorded, nothing where nothing was."""
    if not path.is_file():
        return {}
    return {
        name: Part(part["seconds"], tuple(Row(**row) for row in part["rows"]))
        for name, part in orjson.loads(path.read_bytes()).items()
    }


def write_parts(parts: Mapping[str, Part], path: Path = RECORDED) -> None:
    """Record parts as JSON, and as a page beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {name: asdict(part) for name, part in parts.items()}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    page = [HEAD.format(seconds=sum(part.seconds for part in parts.values()))]
    page += [f"## {name.capitalize()}\n\n{table(part.rows)}\n" for name, part in parts.items()]
    (path.parent / REPORT.name).write_text("\n".join(page), "utf-8")


def key_rows(path: Path = RECORDED) -> str:
    """Write the ten lines that docs/statistics.md shows."""
    rows = [row for part in read_parts(path).values() for row in part.rows]
    if not rows:
        return NOTHING
    shown = [row for row in rows if row.key][:MOST_LINES]
    failed = sum(not row.passed for row in rows)
    told = f"{failed} of {len(rows)} rows fail" if failed else f"All {len(rows)} rows hold"
    return f"{table(shown)}\n\n{told}: see `benchmarks/statistics/results.md`."


def count_rows(path: Path = RECORDED) -> tuple[int, int]:
    """Count the recorded rows: those that hold, and all."""
    rows = [row for part in read_parts(path).values() for row in part.rows]
    return sum(row.passed for row in rows), len(rows)
