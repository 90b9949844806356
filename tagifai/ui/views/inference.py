"""What the Inference tab shows, as markup: predictions, reasons, changes, neighbours."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tagifai.charts.svg import escaped
from tagifai.predictions import NEAR_MISS, decide
from tagifai.ui.views.markup import show_chips, show_share, show_table

MOST_HIGHLIGHTED = 5_000
REASONS = {
    "empty": "Nothing is left of this text after preprocessing: there is no word to predict from.",
    "no known word": "No word of this text occurred in training, so no tag is predicted. The "
    "probabilities are what the model says of a text that it cannot read.",
}
_JOINERS = "\u200c\u200d"


def show_predicted(answer: Mapping[str, Any]) -> str:
    """Show the predicted tags, or why there are none."""
    if answer["reason"]:
        return f'<div class="notice warning">{REASONS[answer["reason"]]}</div>'
    if answer["tags"]:
        return f'<p class="headline">Predicted: {show_chips(answer["tags"])}</p>'
    return '<p class="headline">No tag reaches its threshold.</p>'


def show_probabilities(answer: Mapping[str, Any]) -> str:
    """Show every tag's probability beside its threshold, likeliest first."""
    if answer["reason"] == "empty":
        return '<p class="minor">Probabilities appear when there is a word to read.</p>'
    rows = []
    for tag, probability in answer["probabilities"].items():
        threshold = answer["thresholds"][tag]
        if tag in answer["tags"]:
            verdict = "✔ predicted"
        elif answer["reason"]:
            verdict = ""  # of a text that cannot be read nothing is near
        else:
            verdict = "near miss" if decide(probability, NEAR_MISS * threshold) else ""
        rows.append(
            {
                "key": tag,
                "tag": f"<b>{escaped(tag)}</b>" if tag in answer["tags"] else escaped(tag),
                "probability": show_share(probability),
                "threshold": threshold,
                "verdict": verdict,
                "few": not verdict,
            }
        )
    return show_table(
        rows,
        {"tag": "tag", "probability": "probability", "threshold": "threshold", "verdict": ""},
        raw=["tag", "probability"],
        row_key="key",
        empty="The version knows no tag.",
        caption="Every tag, likeliest first; a near miss has at least half of its threshold. "
        "Choose a tag to see why",
    )


def show_words(text: str, told: Mapping[str, Any], tag: str, *, help_line: str = "") -> str:
    """Show a text as typed: its words tinted by what they add to a tag, each to be clicked."""
    shown = text[:MOST_HIGHLIGHTED]
    most = max((abs(word["value"]) for word in told["words"]), default=0) or 1
    pieces, end = [], 0
    for number, word in enumerate(told["words"]):
        start, stop = max(word["start"], end), word["stop"]
        if stop > len(shown):
            break
        if start >= stop:
            continue
        pieces.append(as_typed(shown[end:start]))
        pieces.append(_word(shown[start:stop], number, word, tag, most))
        end = stop
    pieces.append(as_typed(shown[end:]))
    cut = (
        f'<p class="minor">The first {MOST_HIGHLIGHTED:,} of {len(text):,} characters.</p>'
        if len(text) > len(shown)
        else ""
    )
    line = f'<p class="minor">{help_line}</p>' if help_line else ""
    return f'<div class="as-typed" dir="auto">{"".join(pieces)}</div>{cut}{line}'


def show_sum(told: Mapping[str, Any], tag: str, answer: Mapping[str, Any]) -> str:
    """Show how words, names, intercept and calibration add up to a tag's log-odds."""
    words = sum(word["value"] for word in told["words"])
    parts = {
        "words": words,
        "names of tags": told["names"],
        "intercept": told["intercept"],
        "calibration": told["calibration"],
    }
    terms = " ".join(f"<span>{name} <b>{value:+.2f}</b></span>" for name, value in parts.items())
    probability, threshold = answer["probabilities"][tag], answer["thresholds"][tag]
    verdict = "predicted" if tag in answer["tags"] else "not predicted"
    ranked = sorted(told["words"], key=lambda word: -abs(word["value"]))[:20]
    table = show_table(
        [
            {
                "token": word["token"],
                "read": word["spelt"] if word["spelt"] != word["token"] else "",
                "known": "" if word["known"] else "never seen in training",
                "value": f"{word['value']:+.3f}",
            }
            for word in ranked
        ],
        {"token": "word", "read": "read as", "known": "", "value": "adds to log-odds"},
        empty="No word is left after preprocessing.",
    )
    return (
        f'<div class="sum">{terms} <span>= log-odds of {escaped(tag)} '
        f"<b>{told['log_odds']:+.2f}</b></span> <span>→ probability <b>{probability:.3f}</b>, "
        f"{verdict} from {threshold:.3f}</span></div>"
        f"<details><summary>Word by word, the weightiest first</summary>{table}</details>"
    )


def show_flips(
    rows: Sequence[Mapping[str, Any]],
    name_a: str,
    name_b: str,
    empty: str,
    *,
    gained: str = "▲ now predicted",
    lost: str = "▼ no longer predicted",
) -> str:
    """Show two predictions side by side, the tags that flip first."""
    flips = [row for row in rows if row["flip"]]
    marks = {"gained": gained, "lost": lost, None: ""}
    records = [
        {
            "tag": f"<b>{escaped(row['tag'])}</b>" if row["flip"] else escaped(row["tag"]),
            "a": show_share(row["a"]),
            "b": show_share(row["b"]),
            "diff": "–" if row["diff"] is None else f"{row['diff'] * 100:+.1f}",
            "flip": marks[row["flip"]],
            "few": not row["flip"],
        }
        for row in rows[: max(8, len(flips))]
    ]
    told = ", ".join(f"{escaped(marks[row['flip']])}: {escaped(row['tag'])}" for row in flips)
    headline = f'<p class="headline">{told or escaped(empty)}</p>'
    return headline + show_table(
        records,
        {"tag": "tag", "a": name_a, "b": name_b, "diff": "points", "flip": ""},
        raw=["tag", "a", "b"],
        empty="No tag to compare.",
        caption="Tags that flip, then those that move most",
    )


def show_changes(changes: Sequence[Any], tag: str, *, predicted: bool) -> str:
    """Show the smallest changes found, each to be tried by a click."""
    aim = "is no longer predicted" if predicted else "is predicted"
    rows = [
        {
            "text": change.text,
            "change": ", ".join(
                f"<del>{escaped(old)}</del>" + (f" → <ins>{escaped(new)}</ins>" if new else "")
                for old, new in change.replaced
            ),
            "words": len(change.replaced),
            "probability": f"{change.before:.3f} → {change.after:.3f}",
        }
        for change in changes
    ]
    return show_table(
        rows,
        {"change": "change", "words": "words", "probability": "probability"},
        raw=["change"],
        row_key="text",
        empty=f"No change of a few words was found by which {tag} {aim}.",
        caption=f"Smallest changes by which {tag} {aim}, each verified; choose one to try it",
    )


def show_similar(projects: Sequence[Mapping[str, Any]]) -> str:
    """Show the most similar projects with their tags."""
    rows = [
        {
            "likeness": show_share(project["likeness"]),
            "text": f"<b>{escaped(project['title'], 120)}</b> "
            f"{escaped(project['description'], 220)}",
            "tags": show_chips(project["tags"]),
            "id": project["id"],
        }
        for project in projects
    ]
    return show_table(
        rows,
        {"likeness": "likeness", "text": "project", "tags": "its tags", "id": "id"},
        raw=["likeness", "text", "tags"],
        empty="No project of the data shares a word with this text.",
    )


def show_examples(examples: Sequence[Mapping[str, str]]) -> str:
    """Show texts to begin with, each to be clicked."""
    if not examples:
        return ""
    buttons = "".join(
        f'<span class="example" role="button" tabindex="0" data-key="{escape(one["text"])}" '
        f'title="{escaped(one["text"], 200)}"><b>{escaped(one["why"])}</b> '
        f"{escaped(one['text'], 44)}</span>"
        for one in examples
    )
    return (
        f'<div class="examples"><span class="minor">Examples from the data:</span>{buttons}</div>'
    )


def as_typed(text: str) -> str:
    """Escape text for a place where its spaces and lines count; what cannot be seen is shown.

    >>> as_typed("<b>\\x00")
    '&lt;b&gt;␀'
    """
    return escape("".join(map(_visible, text)))


def _visible(char: str) -> str:
    if char.isprintable() or char in "\n\t" or char in _JOINERS:
        return char
    if char.isspace():
        return " "
    # Pictures of control characters; marks that turn the reading direction stay without effect.
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else "\ufffd"


def _word(typed: str, number: int, word: Mapping[str, Any], tag: str, most: float) -> str:
    value = word["value"]
    kinds = ["word"]
    if abs(value) >= 0.005 * most:
        kinds.append("raises" if value > 0 else "lowers")
    told = f"{word['token']}: {value:+.3f} to the log-odds of {tag}"
    if word["spelt"] != word["token"]:
        told += f"; read as {word['spelt']}"
    if not word["known"]:
        kinds.append("unseen")
        told += "; never seen in training"
    return (
        f'<span class="{" ".join(kinds)}" role="button" tabindex="0" data-key="{number}" '
        f'style="--weight:{abs(value) / most:.2f}" title="{escaped(told, 200)}">'
        f"{as_typed(typed)}</span>"
    )
