"""Suspected label errors → markup: the queue, a pair with its evidence, what reviews change."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

import orjson

from tagifai.charts.svg import escaped
from tagifai.errors import counted
from tagifai.ui.views.markup import show_chips, show_share, show_table

TEXT_LENGTH = 4_000
MOST_NEIGHBOURS = 5
STATUSES = {
    "add": "add the tag",
    "remove": "remove the tag",
    "right": "label is right",
    "conflict": "conflict",
    "skipped": "skipped",
    "": "",
}
DECIDED = {"add": "add", "remove": "remove", "right": "label is right", "skip": "skip"}
METRICS = {
    "F1, weighted by support": ("f1",),
    "precision, weighted": ("precision",),
    "recall, weighted": ("recall",),
    "F1, tags alike (macro)": ("macro", "f1"),
    "F1, pairs alike (micro)": ("micro", "f1"),
    "average precision": ("average_precision",),
}


def pair_key(item: Mapping[str, Any]) -> str:
    """Write a pair as the key of a row.

    >>> pair_key({"id": "7", "tag": "nlp"})
    '["7","nlp"]'
    """
    return orjson.dumps([item["id"], item["tag"]]).decode()


def show_queue(found: Any, chosen: tuple[str, str] | None) -> str:
    """Show one page of a queue; the chosen pair is marked."""
    rows = [
        {
            "key": pair_key(item),
            "chosen": (item["id"], item["tag"]) == chosen,
            "pair": f"<b>{escaped(item['tag'])}</b><br>"
            f'<span class="minor">{escaped(item["title"], 90)} ({item["split"]})</span>',
            "probability": show_share(item["probability"]) + show_reasons(item),
            "status": show_status(item["status"]),
        }
        for item in found.items
    ]
    pages = f"page {found.number:,} of {found.num_pages:,}"
    return (
        f'<p class="minor" data-count="{found.num_found}">{counted(found.num_found, "pair")} '
        f"of project and tag, the most "
        f"suspicious first; {pages}</p>"
        + show_table(
            rows,
            {
                "pair": "tag and project",
                "probability": "probability and evidence",
                "status": "reviewed",
            },
            raw=["pair", "probability", "status"],
            row_key="key",
            empty="No pair fits this choice: nothing left to review here. Choose another.",
        )
    )


def show_reasons(item: Mapping[str, Any]) -> str:
    """Show in a few words what speaks for the tag."""
    reasons = ["named in the text"] if item["named"] else []
    reasons.append(f"{item['neighbour_share']:.0%} of its neighbours")
    return f'<br><span class="minor">{"; ".join(reasons)}</span>'


def show_status(status: str) -> str:
    """Show what the reviews of a pair come to."""
    if not status:
        return ""
    kind = {"conflict": "wrong", "skipped": "missed"}.get(status, "right")
    return f'<span class="chip {kind}">{STATUSES[status]}</span>'


def show_pair(pair: Mapping[str, Any] | None) -> str:
    """Show a pair as a question, with the text and all evidence."""
    if pair is None:
        return '<p class="minor empty-table">No pair is chosen.</p>'
    tag, missing = escaped(pair["tag"]), pair["kind"] == "missing"
    question = (
        f'Should it carry <b class="asked">{tag}</b>?'
        if missing
        else f'Does <b class="asked">{tag}</b> belong here?'
    )
    now = "not among its labels" if missing else "among its labels"
    others = [name for name in pair["tags"] if name != pair["tag"]]
    return (
        f'<article class="pair" data-pair="{escape(pair_key(pair))}">'
        f'<h3>{question}</h3><p class="minor">Project {escaped(pair["id"])}, split '
        f"{pair['split']}; {tag} is {now}.</p>"
        f'<p class="pair-text">{show_marked(pair)}</p>'
        f'<p><span class="minor">Labels now:</span> {show_own_tags(others, pair)}</p>'
        f"{show_evidence(pair)}{show_reviews(pair)}</article>"
    )


def show_own_tags(others: Sequence[str], pair: Mapping[str, Any]) -> str:
    """Show a project's labels; the one in question stands out."""
    own = (
        f'<span class="chip wrong">{escaped(pair["tag"])}</span> '
        if pair["tag"] in pair["tags"]
        else ""
    )
    return own + show_chips(others) or '<span class="minor">none</span>'


def show_marked(pair: Mapping[str, Any]) -> str:
    """Show the text, its title in bold and the tag's name wherever it stands marked.

    >>> show_marked({"text": "A CNN for cats", "title": "A CNN", "marks": [(2, 5)]})
    '<b>A </b><mark><b>CNN</b></mark> for cats'
    """
    # Of the same length as it was, so that places stay true.
    text = "".join(char if char.isprintable() else " " for char in pair["text"])
    title = pair["title"].strip()
    bold = len(title) if pair["text"].startswith(title) else 0
    # A long text is cut where it would push the buttons off the page.
    stop = min(len(text), TEXT_LENGTH)
    cuts = {0, min(bold, stop), stop, *(min(cut, stop) for mark in pair["marks"] for cut in mark)}
    ordered = sorted(cuts)
    pieces = []
    for start, end in pairwise(ordered):
        piece = escape(text[start:end])
        piece = f"<b>{piece}</b>" if end <= bold else piece
        marked = any(low <= start and end <= high for low, high in pair["marks"])
        pieces.append(f"<mark>{piece}</mark>" if marked else piece)
    return "".join(pieces) + ("…" if len(text) > stop else "")


def show_evidence(pair: Mapping[str, Any]) -> str:
    """Show what speaks for the tag and against it."""
    named = (
        f"“{escaped(pair['named'])}” stands in the text"
        if pair["named"]
        else "no name of the tag stands in the text"
    )
    along = "; ".join(
        f"{one['share'] * one['count']:.0f} of {one['count']:,} others with {escaped(one['tag'])}"
        for one in pair["along"]
    )
    rows = [
        {
            "id": near["id"],
            "likeness": near["likeness"],
            "carries": "✔" if pair["tag"] in near["tags"] else "–",
            "tags": show_chips(near["tags"]),
        }
        for near in pair["neighbours"][:MOST_NEIGHBOURS]
    ]
    saw = "never saw" if pair["held_out"] else "saw, or may have seen,"
    facts = {
        f"Probability, by a model that {saw} it": show_share(pair["probability"]),
        "With all evidence": show_share(pair["score"]),
        "Name": named,
        "Comes along with its labels": along or "no more than usual",
        "Nearest neighbours with the tag": f"{pair['neighbour_share']:.0%}, weighted by likeness",
    }
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    return (
        f'<dl class="facts">{listed}</dl><details class="neighbours"><summary>Nearest neighbours '
        f"and their labels</summary>"
        + show_table(
            rows,
            {"id": "id", "likeness": "likeness", "carries": "has the tag", "tags": "labels"},
            raw=["tags"],
            empty="No other project shares a word with it.",
        )
        + "</details>"
    )


def show_reviews(pair: Mapping[str, Any]) -> str:
    """Show what each reviewer said of a pair; two who disagree are a conflict."""
    if not pair["reviews"]:
        return ""
    rows = [
        {
            **review,
            "decision": DECIDED[review["decision"]],
            "at": review["at"][:16].replace("T", " "),
        }
        for review in pair["reviews"]
    ]
    conflict = (
        '<div class="notice warning" role="status">Reviewers disagree: nothing is changed here '
        "until they agree.</div>"
        if pair["status"] == "conflict"
        else ""
    )
    columns = {"reviewer": "reviewer", "decision": "decision", "note": "note", "at": "when (UTC)"}
    return conflict + show_table(rows, columns, empty="", caption="Reviews of this pair")


def show_counts_of(counts: Mapping[str, int]) -> str:
    """Say in a line what the reviews come to so far."""
    total = sum(counts.values())
    if not total:
        return '<p class="minor">No review yet.</p>'
    told = ", ".join(f"{number:,} × {STATUSES[name]}" for name, number in counts.items() if number)
    return f'<p class="minor">{counted(total, "pair")} reviewed: {told}.</p>'


def show_preview(preview: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    """Show a version's figures against today's labels and against the reviewed ones."""
    if not counts["add"] + counts["remove"]:
        return '<p class="minor">No accepted change yet: figures would stay as they are.</p>'
    rows = []
    for name, path in METRICS.items():
        now, then = preview["now"], preview["then"]
        for key in path:
            now, then = now[key], then[key]
        known = now is not None and then is not None
        change = f"{100 * (then - now):+.2f} points" if known else None
        covered = [preview[when] for when in ("now", "then")]
        for key in path[:-1]:
            covered = [one[key] for one in covered]
        tags = dict.fromkeys(one["num_tags"][path[-1]] for one in covered if "num_tags" in one)
        rows.append(
            {
                "metric": name,
                "now": now,
                "then": then,
                "change": change,
                "tags": " → ".join(f"{number:,}" for number in tags),
            }
        )
    outside = {
        "num_elsewhere": "of other splits: they change what the next version learns from",
        "num_same": "so already in this version's labels",
        "num_unknown": "of a project or tag that this version does not know",
    }
    others = "".join(f" {preview[key]:,} {what}." for key, what in outside.items() if preview[key])
    return (
        show_table(
            rows,
            {
                "metric": "test split",
                "now": "today",
                "then": "reviews accepted",
                "change": "change",
                "tags": "tags averaged over",
            },
            empty="",
        )
        + f'<p class="minor">{counted(preview["num_changed"], "label")} of the test split would '
        f"change.{others} The same predictions, scored against other labels.</p>"
    )


def show_commands(commands: Sequence[str]) -> str:
    """Show what to run to apply the reviews and train on the result."""
    listed = "\n".join(escaped(command, 500) for command in commands)
    return (
        '<p class="note">Apply them to a copy of the data, and train on it; the originals stay '
        f'as they are:</p><pre class="commands">{listed}</pre>'
    )
