"""What the Inference tab shows, as HTML: predictions, explanations, changes, similar projects."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from markupsafe import Markup, escape

from tagifai.errors import counted
from tagifai.inference import TextPrediction
from tagifai.inference.attribution import LEAST_PROBABILITY
from tagifai.ui.views.markup import show_table
from tagifai.ui.views.templates import macro, render

if TYPE_CHECKING:  # they bring scikit-learn
    from tagifai.inference.counterfactuals import Change, TagDiff
    from tagifai.inference.examples import Example
    from tagifai.inference.explanation import TagExplanation, WordEffect
    from tagifai.inference.similar import SimilarProject
    from tagifai.ui.working import Moved

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
    decides = prediction.decisions_only
    return str(render("predicted.html", reason=reason, tags=prediction.tags, decides=decides))


def render_probabilities(prediction: TextPrediction) -> str:
    """Render every tag's probability beside its threshold, likeliest first."""
    if prediction.reason == "empty":
        return '<p class="minor">Probabilities appear when there is a word to read.</p>'
    near = prediction.near_misses
    caption = (
        "Every tag, those that are predicted first. Choose a tag to see why"
        if prediction.decisions_only
        else "Every tag, likeliest first; a near miss has at least half of its threshold. "
        "Choose a tag to see why"
    )
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
    figures = {"probability": "probability", "threshold": "threshold"}
    return show_table(
        rows,
        {"tag": "tag", **({} if prediction.decisions_only else figures), "verdict": ""},
        row_key="key",
        empty="The version knows no tag.",
        caption=caption,
    )


class Piece(NamedTuple):
    """A piece of a text as typed: a word that can be chosen, or what stands between two."""

    text: str
    number: int | None = None
    kind: str = ""
    weight: float = 0.0
    title: str = ""


def render_words(
    text: str,
    words: Sequence["WordEffect"],
    tag: str,
    *,
    help_line: bool = False,
    is_own: bool = True,
) -> str:
    """Render a text as typed, its words tinted by what they add to a tag, each to be chosen.

    Only of our own model (`is_own`) is it known which words it never saw in training.
    """
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
    return str(
        render(
            "words.html",
            pieces=pieces,
            length=len(text),
            shown=len(shown),
            help=help_line,
            is_own=is_own,
        )
    )


def _word_piece(typed: str, number: int, word: "WordEffect", tag: str, largest: float) -> Piece:
    kinds = ["word"]
    if abs(word.value) >= 0.005 * largest:
        kinds.append("raises" if word.value > 0 else "lowers")
    noise = f" ± {word.noise:.3f}" if word.noise > 0 else ""
    title = f"{word.token}: {word.value:+.3f}{noise} to the log-odds of {tag}"
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
                "value": f"{word.value:+.3f}" + (f" ± {word.noise:.3f}" if word.noise > 0 else ""),
            }
            for word in ranked
        ],
        {"token": "word", "read": "read as", "known": "", "value": "adds to log-odds"},
        empty="No word is left after preprocessing.",
    )
    return str(
        render(
            "log_odds.html",
            parts=_parts(explanation),
            method=_describe_method(explanation),
            decides=prediction.decisions_only,
            most=math.log(1 / LEAST_PROBABILITY - 1),
            tag=tag,
            log_odds=explanation.log_odds,
            probability=prediction.probabilities[tag],
            threshold=prediction.thresholds[tag],
            verdict="predicted" if tag in prediction.tags else "not predicted",
            table=Markup(table),  # noqa: S704
        )
    )


def _parts(explanation: "TagExplanation") -> dict[str, float]:
    words = {"words": sum(word.value for word in explanation.words)}
    if not explanation.num_texts:
        return {
            **words,
            "names of tags": explanation.names,
            "intercept": explanation.intercept,
            "calibration": explanation.calibration,
        }
    base = {"without its words": explanation.intercept}
    if abs(explanation.error) < 0.005:
        return {**words, **base}
    return {**words, **base, "not explained": -explanation.error}


def _describe_method(explanation: "TagExplanation") -> str:
    """Name the method of an explanation, how many texts it took, and how far it can be believed."""
    asked = counted(explanation.num_texts, "text")
    if explanation.method == "exact":
        return "Exact: the parts sum to the log-odds."
    if explanation.method == "leave-one-out":
        return (
            f"Leave one word out, {asked} asked; the sum misses the log-odds by "
            f"{abs(explanation.error):.2f}. Of words that say the same, each seems to add nothing."
        )
    noises = [word.noise for word in explanation.words]
    if any(math.isnan(noise) for noise in noises):
        noise = "the noise cannot be told from so few"
    else:
        noise = f"noise up to ± {max(noises, default=0):.2f}"
    return (
        f"Shapley values of words, {asked} asked; the sum misses the log-odds by "
        f"{abs(explanation.error):.2f}, {noise}."
    )


def render_marker() -> str:
    """Render what begins work that takes longer: nothing to see, and new each time."""
    return f'<span hidden data-work="{uuid4().hex}"></span>'


def render_working(moved: "Moved | None" = None) -> str:
    """Render that a predictor is being asked, and how far it is."""
    return str(render("working.html", moved=moved))


def render_cancelled() -> str:
    """Render that the person stopped what was being asked."""
    return str(macro("note", "Cancelled: what was known by then is shown."))


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


def render_changes(
    changes: Sequence["Change"],
    tag: str,
    *,
    predicted: bool,
    num_texts: int = 0,
    budget: int | None = None,
) -> str:
    """Render the smallest changes found, each to be tried by choosing it.

    Parameters
    ----------
    changes, tag
        The changes, and the tag that they flip.
    predicted
        Whether the tag is predicted now.
    num_texts, budget
        About how many changed texts the predictor was asked, of how many; None: no limit.
    """
    took = f" ({num_texts:,} of at most {budget:,} changed texts asked)" if budget else ""
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
        empty=f"No change of a few words was found by which {tag} {aim}{took}.",
        caption=f"Smallest changes by which {tag} {aim}, each verified{took}; choose one to try it",
    )


def render_similar(
    projects: Sequence["SimilarProject"], embedded_by: str = "", among: str = ""
) -> str:
    """Render the most similar projects with their tags.

    `embedded_by` names the version whose embeddings were compared; "" for words in common.
    `among` is how many projects were compared, where it was not all.
    """
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
        empty="No project of the data shares a word with this text."
        if not embedded_by
        else "No project of the data is like this text.",
        caption=(f"By the embeddings of {embedded_by}" if embedded_by else "By words in common")
        + (f", among {among}" if among else ""),
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
