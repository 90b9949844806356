"""Compare two versions honestly: on the same projects, with intervals and verdicts."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from tagifai.comparison.bootstrap import LEVEL, METRICS, RESAMPLES
from tagifai.comparison.diffs import (
    check_different,
    count_of,
    diff_params,
    diff_performance,
    sort_records,
)
from tagifai.comparison.flips import Shared, count_flips, share
from tagifai.comparison.paired import Slices, score_alone, score_paired
from tagifai.predictions import Predictions
from tagifai.versions import Version

MAX_IDS = 20
_GROUPS = {"overall": "overall", "class": "tags", "slices": "slices"}


def compare(
    a: Version,
    b: Version,
    predictions_a: Predictions | None,
    predictions_b: Predictions | None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    slices: Slices | None = None,
) -> dict[str, Any]:
    """Score A and B again on the test projects that both have, and say what differs.

    What the figures of either leave out is said in "note".

    Records in "overall" (weighted, macro and micro averages over the tags that both know),
    "tags" and "slices" (micro-averaged; "overall" weighs slices by their projects) are
    {name, metric, a, b, diff, low, high, p_value, verdict, support}: diff is B − A, low and
    high its 95 % interval, support the positives of a tag or the projects of a slice.

    The verdict is "better" or "worse" where the p-value of the paired bootstrap counts: for
    overall figures up to 0.05, for tags and slices with false discoveries held at 5 % over all
    of them, metric by metric (Benjamini and Hochberg 1995); else "can't tell". A tag that one
    side lacks is "added" or "removed". Where predictions or shared projects are missing, the
    stored figures are lined up without a verdict ("basis" is "stored", not "paired"), and
    "note" says so. Everything returned is plain data, as JSON has it.

    Raises:
        TagifaiError: both are the same version.
    """
    check_different(a.name, b.name)
    result: dict[str, Any] = {
        "a": a.name,
        "b": b.name,
        "basis": "stored",
        "shared": 0,
        "left_out": _left_out({}),
        "note": None,
        "level": LEVEL,
        "resamples": resamples,
        "seed": seed,
        **_stored_records(a, b),
        "params": diff_params(a.params, b.params),
        "behavioral_flips": _behavioral_flips(a, b),
        "flips": None,
    }
    if predictions_a is None or predictions_b is None:
        lacking = [v.name for v, p in ((a, predictions_a), (b, predictions_b)) if p is None]
        note = f"{' and '.join(lacking)} kept no predictions: stored figures, without a verdict."
        return {**result, "note": _joined(note, a, b)}
    result["left_out"] = _left_out(_reasons(a.name, b.name, predictions_a, predictions_b))
    shared = share(predictions_a, a.thresholds, predictions_b, b.thresholds)
    if not shared.ids or not shared.tags:
        lacks = "test project" if not shared.ids else "tag"
        note = (
            f"{a.name} and {b.name} share no {lacks}: "
            f"their figures come from different tests, and no verdict is given."
        )
        return {**result, "note": _joined(note, a, b)}
    scored = score_paired(shared, slices or {}, resamples, seed)
    removed = sorted(set(predictions_a.tags) - set(shared.tags))
    added = sorted(set(predictions_b.tags) - set(shared.tags))
    scored["tags"] += [
        _one_sided(tag, metric, row, side, verdict)
        for side, verdict, alone in (
            ("a", "removed", score_alone(predictions_a, a.thresholds, removed)),
            ("b", "added", score_alone(predictions_b, b.thresholds, added)),
        )
        for tag, row in alone.items()
        for metric in METRICS
    ]
    return {
        **result,
        "basis": "paired",
        "shared": len(shared.ids),
        "note": _joined(_note(a, b, shared, bool(removed or added), resamples), a, b),
        **{group: sort_records(records) for group, records in scored.items()},
        "flips": count_flips(shared),
    }


def _stored_records(a: Version, b: Version) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {
        group: [] for group in (*_GROUPS.values(), "behavioral")
    }
    for record in diff_performance(a.performance, b.performance):
        group = _GROUPS.get(record.pop("group"), "behavioral")
        status = record.pop("status")
        verdict = status if status in ("added", "removed") else None
        record |= {"low": None, "high": None, "p_value": None, "verdict": verdict}
        groups[group].append(record)
    return {group: sort_records(records) for group, records in groups.items()}


def _one_sided(
    tag: str, metric: str, row: Mapping[str, Any], side: str, verdict: str
) -> dict[str, Any]:
    nothing = dict.fromkeys(("a", "b", "diff", "low", "high", "p_value"))
    value = row[metric] if row["support"] else None
    return {
        "name": tag,
        "metric": metric,
        "support": row["support"],
        **nothing,
        side: value,
        "verdict": verdict,
    }


def _reasons(
    a: str, b: str, predictions_a: Predictions, predictions_b: Predictions
) -> dict[str, list[str]]:
    """List by reason the ids of projects in one test split that can't be compared on."""
    reasons: dict[str, list[str]] = {}
    for name, mine, theirs in (
        (b, predictions_a, predictions_b),
        (a, predictions_b, predictions_a),
    ):
        for one in mine.select("test").ids:
            row = theirs.row_of.get(one)
            if row is None:
                reasons.setdefault(f"{name} does not have it", []).append(one)
            elif theirs.split[row] != "test":
                reasons.setdefault(f"{name} was trained on it", []).append(one)
    return reasons


def _left_out(reasons: Mapping[str, list[str]]) -> dict[str, Any]:
    every = [one for ids in reasons.values() for one in ids]
    return {
        "count": len(every),
        "ids": every[:MAX_IDS],
        "reason": "; ".join(f"{len(ids)}: {reason}" for reason, ids in reasons.items()),
        "by_reason": [
            {"reason": reason, "count": len(ids), "ids": ids[:MAX_IDS]}
            for reason, ids in reasons.items()
        ],
    }


def _joined(note: str | None, a: Version, b: Version) -> str | None:
    """Add to a note what the figures of either version leave out."""
    told = {
        version.name: str(version.performance.get("note", "")).rstrip(".") for version in (a, b)
    }
    if told[a.name] and told[a.name] == told[b.name]:
        told = {f"{a.name} and {b.name}": told[a.name]}
    own = [f"{name}: {text}." for name, text in told.items() if text]
    return " ".join([*([note] if note else []), *own]) or None


def _note(a: Version, b: Version, shared: Shared, tags_differ: bool, resamples: int) -> str | None:
    notes = []
    if tags_differ:
        notes.append(
            f"Overall figures are over what both know: {count_of(len(shared.tags), 'tag')}."
        )
    if shared.relabelled:
        notes.append(
            f"The data of {a.name} and {b.name} differ in {count_of(shared.relabelled, 'label')} "
            f"of these projects; both are scored against the labels of {b.name}."
        )
    needed = math.ceil(2 * len(shared.tags) / (1 - LEVEL))
    if resamples < needed:
        notes.append(
            f"With {len(shared.tags)} tags, {resamples:,} resamples are too few to tell a change "
            f"in one tag alone; {needed:,} would do."
        )
    return " ".join(notes) or None


def _behavioral_flips(a: Version, b: Version) -> dict[str, list[str]]:
    """List the behavioral tests that B passes and A failed, and the other way round."""
    (passed_a, failed_a), (passed_b, failed_b) = _outcomes(a), _outcomes(b)
    return {
        "broke": sorted(passed_a & failed_b),
        "fixed": sorted(failed_a & passed_b),
    }


def _outcomes(version: Version) -> tuple[set[str], set[str]]:
    results = version.performance["behavioral"].get("results", {})
    passed, failed = (_texts(results.get(outcome, [])) for outcome in ("passed", "failed"))
    return passed, failed


def _texts(tests: Iterable[Any]) -> set[str]:
    texts = set()
    for test in tests:
        if not isinstance(test, Mapping):
            continue
        told = test.get("texts", test.get("input", test))
        if isinstance(told, Mapping):
            told = told.get("text")
        parts = told if isinstance(told, list) else [told]
        if parts and all(isinstance(part, str) for part in parts):
            texts.add(" → ".join(parts))
    return texts
