"""Save the list of projects behind an outcome as a file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict

import orjson

from tagifai.data.csv_cells import cell_of, guard_cell
from tagifai.errors import one_of
from tagifai.inspection.outcomes import Outcome

FORMATS = ("json", "csv")
COLUMNS = (
    "id",
    "title",
    "description",
    "split",
    "y_true",
    "y_pred",
    "tag",
    "outcome",
    "probability",
    "threshold",
)


def export_outcomes(rows: Sequence[Outcome], kind: str, *, tag: str, outcome: str) -> str:
    """Write described projects as JSON or CSV, each with the tag and the outcome it shows.

    In CSV, lists of tags are JSON in their cell, and no cell starts a formula.

    Raises
    ------
    TagifaiError
        Another format.
    """
    described = [{**asdict(row), "tag": tag, "outcome": outcome} for row in rows]
    records = [{name: row[name] for name in COLUMNS} for row in described]
    if kind == "json":
        return orjson.dumps(records, option=orjson.OPT_INDENT_2).decode()
    if kind != "csv":
        raise one_of("format", kind, FORMATS)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([guard_cell(cell_of(v)) for v in record.values()] for record in records)
    return text.getvalue()
