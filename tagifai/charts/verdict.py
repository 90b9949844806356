"""A comparison of two versions in words, as markup."""

from collections.abc import Mapping
from typing import Any

from tagifai.charts.svg import escaped

UNSURE = "can't tell"
MARKS = {"better": "▲ better", "worse": "▼ worse", UNSURE: UNSURE}


def show_verdict(result: Mapping[str, Any]) -> str:
    """Say in words whether B is better, on what, and what was left out."""
    a, b = escaped(result["a"]), escaped(result["b"])
    rows = [row for row in result["overall"] if row["name"] == "weighted"]
    f1 = next((row for row in rows if row["metric"] == "f1"), None)
    if f1 is None or f1["diff"] is None:
        told = "No overall F1 that both versions have."
    elif f1["verdict"] is None:
        told = f"F1 {f1['diff'] * 100:+.1f} points (no verdict: see below)."
    else:
        told = (
            f"<b>{b} is {MARKS[f1['verdict']].lstrip('▲▼ ')}</b> than {a}"
            if f1["verdict"] != "can't tell"
            else f"<b>Can't tell</b> {b} from {a}"
        )
        told += (
            f": F1 {f1['diff'] * 100:+.1f} points, 95 % interval {f1['low'] * 100:+.1f} to "
            f"{f1['high'] * 100:+.1f}, on {result['shared']:,} shared test projects."
        )
    tags = [row for row in result["tags"] if row["metric"] == "f1"]
    counted = {kind: sum(row["verdict"] == kind for row in tags) for kind in MARKS}
    if result["basis"] == "paired":
        told += (
            f" By tag: {counted['better']} better, {counted['worse']} worse, "
            f"{counted[UNSURE]} can't tell."
        )
        flips = result["flips"]
        if flips and flips["negative_flip_rate"] is not None:
            told += (
                f" It fixed {flips['fixed']:,} decisions and broke {flips['broke']:,} "
                f"(negative-flip rate {flips['negative_flip_rate'] * 100:.2f} %)."
            )
    left_out = result["left_out"]
    if left_out["count"]:
        why = escaped(left_out["reason"], 300)
        told += f" {left_out['count']:,} test projects are left out ({why})."
    if result["note"]:
        told += f" {escaped(result['note'], 600)}"
    kind = {"better": "good", "worse": "error"}.get((f1 or {}).get("verdict") or "", "warning")
    return f'<div class="notice {kind}">{told}</div>'
