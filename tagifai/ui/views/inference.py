"""What the Inference tab shows, as HTML: predictions, explanations, changes, similar projects."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from tagifai.inference import TextPrediction
from tagifai.ui.views.markup import show_table
from tagifai.ui.views.templates import macro, render

if TYPE_CHECKING:  # they bring scikit-learn
    from tagifai.inference.counterfactuals import Change, TagDiff
    from tagifai.inference.examples import Example
    from tagifai.inference.explanation import TagExplanation, WordEffect
    from tagifai.inference.similar import SimilarProject

MOST_HIGHLIGHTED = 5_000
MOST_LISTED = 20
FEWEST_DIFFS = 8
REASONS = {
    "empty": "Nothing is left of this text after preprocessing: there is no word to predict from.",
    "no known word": "No word of this text occurred in training, so no tag is predicted. The "
    "probabilities are what the model says of a text that it cannot read.",
}
CELLS = "inference_cells.html"
_JOINERS = "\u200c\u200d"


def render_predicted(prediction: TextPrediction) -> str:
    """Render the predicted tags, or why there are none."""
    reason = REASONS[prediction.reason] if prediction.reason else ""
    return str(render("predicted.html", reason=reason, tags=prediction.tags))


def render_probabilities(prediction: TextPrediction) -> str:
    """Render every tag's probability beside its threshold, likeliest first."""
    if prediction.reason == "empty":
        return '<p class="minor">Probabilities appear when there is a word to read.</p>'
    near = prediction.near_misses
    verdicts = {
        **dict.fromkeys(near, "near miss"),
        **dict.fromkeys(prediction.tags, "✔ predicted"),
    }
    rows = [
        {
            "key": tag,
            "tag": macro("emphasised", tag, tag in prediction.tags, template=CELLS),
            "probability": macro("share", probability),
            "threshold": prediction.thresholds[tag],
            "verdict": verdicts.get(tag, ""),
            "few": tag not in verdicts,
        }
        for tag, probability in prediction.probabilities.items()
    ]
    return show_table(
        rows,
        {"tag": "tag", "probability": "probability", "threshold": "threshold", "verdict": ""},
        row_key="key",
        empty="The version knows no tag.",
        caption="Every tag, likeliest first; a near miss has at least half of its threshold. "
        "Choose a tag to see why",
    )


class Piece(NamedTuple):
    """A piece of a text as typed: a word that can be chosen, or what stands between two."""

    text: str
    number: int | None = None
    kind: str = ""
    weight: float = 0.0
    title: str = ""


def render_words(
    text: str, words: Sequence["WordEffect"], tag: str, *, help_line: bool = False
) -> str:
    """Render a text as typed, its words tinted by what they add to a tag, each to be chosen."""
    shown = text[:MOST_HIGHLIGHTED]
    largest = max((abs(word.value) for word in words), default=0) or 1
    pieces, end = [], 0
    for number, word in enumerate(words):
        start, stop = max(word.start, end), word.stop
        if stop > len(shown):
            break
        if start < stop:
            pieces.append(Piece(visible(shown[end:start])))
            pieces.append(_word_piece(shown[start:stop], number, word, tag, largest))
            end = stop
    pieces.append(Piece(visible(shown[end:])))
    return render("words.html", pieces=pieces, length=len(text), shown=len(shown), help=help_line)


def _word_piece(typed: str, number: int, word: "WordEffect", tag: str, largest: float) -> Piece:
    kinds = ["word"]
    if abs(word.value) >= 0.005 * largest:
        kinds.append("raises" if word.value > 0 else "lowers")
    title = f"{word.token}: {word.value:+.3f} to the log-odds of {tag}"
    if word.spelt != word.token:
        title += f"; read as {word.spelt}"
    if not word.known:
        kinds.append("unseen")
        title += "; never seen in training"
    return Piece(visible(typed), number, " ".join(kinds), abs(word.value) / largest, title)


def render_log_odds(explanation: "TagExplanation", tag: str, prediction: TextPrediction) -> str:
    """Render how words, names, intercept and calibration add up to a tag's log-odds."""
    ranked = sorted(explanation.words, key=lambda word: -abs(word.value))[:MOST_LISTED]
    table = show_table(
        [
            {
                "token": word.token,
                "read": word.spelt if word.spelt != word.token else "",
                "known": "" if word.known else "never seen in training",
                "value": f"{word.value:+.3f}",
            }
            for word in ranked
        ],
        {"token": "word", "read": "read as", "known": "", "value": "adds to log-odds"},
        empty="No word is left after preprocessing.",
    )
    return str(
        render(
            "log_odds.html",
            parts={
                "words": sum(word.value for word in explanation.words),
                "names of tags": explanation.names,
                "intercept": explanation.intercept,
                "calibration": explanation.calibration,
            },
            tag=tag,
            log_odds=explanation.log_odds,
            probability=prediction.probabilities[tag],
            threshold=prediction.thresholds[tag],
            verdict="predicted" if tag in prediction.tags else "not predicted",
            table=Markup(table),  # noqa: S704
        )
    )


def render_flips(
    diffs: Sequence["TagDiff"],
    name_a: str,
    name_b: str,
    empty: str,
    *,
    title: str = "",
    gained: str = "▲ now predicted",
    lost: str = "▼ no longer predicted",
) -> str:
    """Render two predictions side by side, the tags that flip first."""
    flips = [diff for diff in diffs if diff.flip]
    marks = {"gained": gained, "lost": lost, None: ""}
    rows = [
        {
            "tag": macro("emphasised", diff.tag, bool(diff.flip), template=CELLS),
            "a": macro("share", diff.a),
            "b": macro("share", diff.b),
            "diff": "–" if diff.diff is None else f"{diff.diff * 100:+.1f}",
            "flip": marks[diff.flip],
            "few": not diff.flip,
        }
        for diff in diffs[: max(FEWEST_DIFFS, len(flips))]
    ]
    table = show_table(
        rows,
        {"tag": "tag", "a": name_a, "b": name_b, "diff": "points", "flip": ""},
        empty="No tag to compare.",
        caption="Tags that flip, then those that move most",
    )
    return str(
        render(
            "flips.html",
            title=title,
            flips=[(marks[diff.flip], diff.tag) for diff in flips],
            empty=empty,
            table=Markup(table),  # noqa: S704
        )
    )


def render_changes(changes: Sequence["Change"], tag: str, *, predicted: bool) -> str:
    """Render the smallest changes found, each to be tried by choosing it."""
    aim = "is no longer predicted" if predicted else "is predicted"
    rows = [
        {
            "text": change.text,
            "change": macro("replaced", change.replaced, template=CELLS),
            "words": len(change.replaced),
            "probability": f"{change.before:.3f} → {change.after:.3f}",
        }
        for change in changes
    ]
    return show_table(
        rows,
        {"change": "change", "words": "words", "probability": "probability"},
        row_key="text",
        empty=f"No change of a few words was found by which {tag} {aim}.",
        caption=f"Smallest changes by which {tag} {aim}, each verified; choose one to try it",
    )


def render_similar(projects: Sequence["SimilarProject"]) -> str:
    """Render the most similar projects with their tags."""
    rows = [
        {
            "likeness": macro("share", found.likeness),
            "text": macro("project", found.project, template=CELLS),
            "tags": macro("chips", found.project.tags),
            "id": found.project.id,
        }
        for found in projects
    ]
    return show_table(
        rows,
        {"likeness": "likeness", "text": "project", "tags": "its tags", "id": "id"},
        empty="No project of the data shares a word with this text.",
    )


def render_examples(examples: Sequence["Example"]) -> str:
    """Render texts to begin with, each to be chosen."""
    return str(render("examples.html", examples=examples)) if examples else ""


def as_typed(text: str) -> Markup:
    """Escape a text for a place where its spaces and lines count; see `visible`.

    >>> as_typed("<b>\\x00")
    Markup('&lt;b&gt;␀')
    """
    return escape(visible(text))


def visible(text: str) -> str:
    """Replace characters that cannot be seen, spaces and line breaks excepted, by pictures.

    Marks that turn the reading direction so stay without effect.
    """
    return "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char.isprintable() or char in "\n\t" or char in _JOINERS:
        return char
    if char.isspace():
        return " "
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else "\ufffd"
