"""Behavioral tests as markup: a version's passed and failed ones with their texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from tagifai.behavioral import NAME_RECOGNITION, SAVED, WITHOUT_NAMES
from tagifai.charts.svg import escaped, write_share
from tagifai.ui.views.markup import show_chips, show_share, show_table

MOST_LISTED = 200
TYPES = {
    "MFT": "MFT, minimum functionality: the text must have, or must not have, some tags",
    "INV": "INV, invariance: the tags must not change when the text does",
    "DIR": "DIR, directional: the tags must change when the text does",
}
PARTS = {
    SAVED: "saved in the data folder",
    NAME_RECOGNITION: "name recognition: names and aliases of tags, put into templates",
    WITHOUT_NAMES: "without names: texts of the test split, reworded, with no tag's name in them",
}


def show_behavioral(results: Mapping[str, Any]) -> str:
    """Show a version's score on the behavioral tests, then the failed and the passed ones."""
    listed = results.get("results") or {}
    failed, passed = listed.get("failed") or [], listed.get("passed") or []
    total = results.get("num_samples") or len(failed) + len(passed)
    if not total:
        return '<p class="minor empty-table">No behavioral test names a tag of this version.</p>'
    when = (
        "on the tests of now, those saved in the data folder among them"
        if results.get("fresh", True)
        else "as measured when it was made: the version keeps no model"
    )
    skipped = results.get("skipped")
    note = f" {skipped} name tags that it does not know and are left out." if skipped else ""
    matcher = results.get("name_matcher")
    if matcher is not None:
        note += f" A name matcher, which learns nothing, passes {write_share(matcher)}."
    return (
        f'<p class="headline"><b>{write_share(results["score"])}</b> of {total:,} behavioral '
        f"tests pass, {when}.{note}</p>"
        + _scores(results.get("by_part"), "part", PARTS)
        + _scores(results.get("by_type"), "type", TYPES)
        + _scores(results.get("by_group"), "group", {}, folded=True)
        + _listed("Failed", failed, opened=True)
        + _listed("Passed", passed, opened=False)
    )


def show_saved(saved: Mapping[str, Any], version: str) -> str:
    """Say where a test was saved, and whether a version passes it."""
    failed = saved["results"]["failed"]
    (case,) = failed or saved["results"]["passed"]
    got = "; ".join(", ".join(tags) or "no tag" for tags in case["predicted"])
    verdict = "fails" if failed else "passes"
    return (
        f'<div class="notice {"error" if failed else "good"}" role="status">Saved as test '
        f"{saved['number']} of {escaped(saved['file'], 200)}. {escaped(version)} <b>{verdict}</b> "
        f"it: it predicts {escaped(got, 300)}. From now on every version is scored on it.</div>"
    )


def _scores(rows: Any, what: str, terms: Mapping[str, str], *, folded: bool = False) -> str:
    """Show what the model and the name matcher pass of each part, type or group."""
    if not isinstance(rows, Mapping) or not rows:
        return ""
    table = show_table(
        [
            {
                "name": terms.get(name, name),
                "share": show_share(row.get("score")),
                "matcher": show_share(row.get("name_matcher")),
                "n": row.get("num_samples"),
            }
            for name, row in rows.items()
            if isinstance(row, Mapping)
        ],
        {"name": what, "share": "passed", "matcher": "name matcher", "n": "tests"},
        raw=["share", "matcher"],
        empty="",
    )
    return (
        f"<details><summary>By {what}: {len(rows):,}</summary>{table}</details>"
        if folded
        else table
    )


def _listed(title: str, tests: Sequence[Mapping[str, Any]], *, opened: bool) -> str:
    rows = [
        {
            "type": test.get("type") or "",
            "group": test.get("group") or "",
            "texts": "<br>".join(escaped(text, 300) for text in test["texts"]),
            "wanted": _wanted(test),
            "predicted": "<br>".join(
                show_chips(tags) or '<span class="minor">none</span>'
                for tags in test.get("predicted", [])
            ),
        }
        for test in map(_plain, tests[:MOST_LISTED])
    ]
    more = f", the first {MOST_LISTED} shown" if len(tests) > MOST_LISTED else ""
    table = show_table(
        rows,
        {
            "type": "type",
            "group": "group",
            "texts": "texts",
            "wanted": "expected",
            "predicted": "predicted",
        },
        raw=["texts", "wanted", "predicted"],
        empty=f"None {title.lower()}.",
    )
    return (
        f"<details{' open' if opened else ''}><summary>{title}: {len(tests):,}{more}</summary>"
        f"{table}</details>"
    )


def _plain(test: Any) -> dict[str, Any]:
    """Give a test in tagifai's shape, an older system's {input, prediction} too."""
    if not isinstance(test, Mapping):
        return {"texts": [str(test)]}
    given, got = test.get("input"), test.get("prediction")
    if isinstance(given, Mapping) and isinstance(got, Mapping):
        return {
            "type": test.get("type"),
            "texts": [given.get("text", "")],
            "expected": [_strings(given.get("tags"))],
            "predicted": [_strings(got.get("predicted_tags"))],
        }
    lists = {
        name: [_strings(tags) for tags in test.get(name) or []]
        for name in ("expected", "forbidden", "predicted")
    }
    texts = _strings(test.get("texts")) or [str(dict(test))]
    return {"type": test.get("type"), "group": test.get("group"), "texts": texts, **lists}


def _strings(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _wanted(test: Mapping[str, Any]) -> str:
    expected, forbidden = test.get("expected", []), test.get("forbidden", [])
    lines = []
    for number, must in enumerate(expected):
        never = forbidden[number] if number < len(forbidden) else []
        line = show_chips(must)
        line += "".join(f'<span class="chip wrong">not {escaped(tag)}</span> ' for tag in never)
        lines.append(line)
    if not any(lines):
        return {"INV": "the same tags", "DIR": "other tags"}.get(test.get("type") or "", "")
    return "<br>".join(line or '<span class="minor">any</span>' for line in lines)
