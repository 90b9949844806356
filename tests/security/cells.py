"""Formulas for spreadsheets in what is exported, and files that come back as they were."""

import csv
import io
import json

from security.rows import Files, Measured, Row, measured

from tagifai.inference.batches import BatchAnswer, BatchRow, to_csv, to_jsonl
from tagifai.reviews import Review
from tagifai.reviews.files import export_reviews, read_reviews

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A1", "=HYPERLINK(\"http://a.b\",\"x\")",
    "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\ufeff=1+1", "\u200b=1+1", "\uff1d1+1", "\uff0b1+1",
    "\uff0d1+1", "\uff20SUM(1)", "\u00a0=1+1", "\u2003@x", "-2+3+cmd|' /C calc'!A1", "=\"\"",
    "\x00=1+1", "--1", "+-1", "-@x", "==1",
]  # fmt: skip
PLAIN = ["-5.2", "1e-3", "+3", "a=b", "'quoted", "''", "", "x\ny", '"', "0123"]
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\t\r\n\x00"


def starts_formula(cell: str) -> bool:
    """Check whether a spreadsheet would run a cell, whatever invisible comes first."""
    shown = cell.lstrip(" \t\r\n\x00\ufeff\u200b\u00a0\u2003")
    if not shown or cell.startswith("'"):
        return False
    try:
        float(cell)
    except ValueError:
        return shown[0] in SIGNS or cell[0] in SIGNS
    return cell != cell.strip()


def measure_cells(files: Files, full: bool) -> Measured:
    wrong: list[str] = []
    cells = 0
    texts = [*FORMULAS, *PLAIN]
    reviews = [
        Review(f"{number:032x}", "2026-01-31T12:00:00.000000Z", text.strip() or "ann",
               text.strip() or "p", text.strip() or "cv", "add", text)
        for number, text in enumerate(texts)
    ]  # fmt: skip
    answers = [
        BatchAnswer(BatchRow(n, text, text), ((text or "t", 0.5),), ((text or "t", 0.1),), text)
        for n, text in enumerate(texts)
    ]
    sheets = {"reviews": export_reviews(reviews, "csv"), "predictions": to_csv(answers)}
    for name, sheet in sheets.items():
        for row in csv.reader(io.StringIO(sheet, newline="")):
            for cell in row:
                cells += 1
                if starts_formula(cell):
                    wrong.append(f"{name}: {cell!r} is a formula")
    for kind in ("csv", "jsonl"):
        if read_reviews(export_reviews(reviews, kind).encode(), kind).reviews != tuple(reviews):
            wrong.append(f"reviews as {kind} came back otherwise")
    lines = [json.loads(line) for line in to_jsonl(answers).splitlines()]
    if [line["text"] for line in lines] != texts:
        wrong.append("texts as JSON lines came back otherwise")
    return measured(
        f"{len(FORMULAS)} formulas and {len(PLAIN)} plain cells in 2 exports, {cells:,} cells: "
        "none starts a formula; JSON and CSV of reviews come back exactly",
        wrong,
    )


ROWS = [
    Row("cells", "25 formula cells", "exported CSV starts no formula; JSON round-trips exactly",
        measure_cells),
]  # fmt: skip
