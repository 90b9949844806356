"""Read what a language model answered."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*(true|false)\b')
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.DOTALL)
_BEFORE = " \t\r\n:\"'"


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an answer, where it starts, and what might have come instead.

    Attributes
    ----------
    start : int
        The place of its first character in the answer.
    text : str
        The token.
    alternatives : mapping
        Log-probabilities by token, its own among them.
    """

    start: int
    text: str
    alternatives: Mapping[str, float]


def read_booleans(
    content: str, tags: Sequence[str], tokens: Sequence[Token] = ()
) -> list[float] | None:
    """Return a probability for each tag from an object of true and false.

    >>> read_booleans('{"cv": true, "nlp": false}', ["cv", "nlp"])
    [1.0, 0.0]

    Returns
    -------
    list of float
        From the tokens' alternatives where there are any, else 0 or 1; None where the answer is
        no such object, or a tag is missing.
    """
    found = _load(content)
    if not isinstance(found, dict):
        return None
    decided = {tag: found.get(tag) for tag in tags}
    if not all(isinstance(value, bool) for value in decided.values()):
        return None
    places = _places(content) if tokens else {}
    values = []
    for tag in tags:
        share = _share_of_true(places[tag], tokens) if tag in places else None
        values.append(float(bool(decided[tag])) if share is None else share)
    return values


def find_list(content: str, tags: Sequence[str]) -> set[str] | None:
    """Return the tags of a plain list: JSON, or one a line; None where it is none.

    >>> sorted(find_list('["nlp", "cv"]', ["cv", "nlp"])), find_list("- nlp", ["cv", "nlp"])
    (['cv', 'nlp'], {'nlp'})
    """
    known = {tag.casefold(): tag for tag in tags}
    found = _load(content)
    if isinstance(found, dict) and found:
        if all(isinstance(value, bool) for value in found.values()):
            found = [name for name, value in found.items() if value]
        elif len(found) == 1:
            found = next(iter(found.values()))
    if isinstance(found, list):
        names = found
    else:
        text = _unfenced(_THOUGHT.sub("", content))
        names = [line.strip(" \t-*•\"',") for line in re.split(r"[\n,]", text) if line.strip()]
        if not names:
            return None
    chosen = {known.get(str(name).casefold()) for name in names}
    return None if None in chosen else {tag for tag in chosen if tag}


def read_logprobs(found: object, content: str) -> list[Token]:
    """Return the tokens of an answer, from the newer or the older shape; none where they differ.

    The newer has ``content``, a list of tokens with their ``top_logprobs``; the older has three
    lists, ``tokens``, ``token_logprobs`` and ``top_logprobs``.
    """
    if not isinstance(found, dict):
        return []
    rows = found.get("content")
    try:
        if isinstance(rows, list):
            read = [
                (
                    str(row["token"]),
                    float(row["logprob"]),
                    {str(o["token"]): float(o["logprob"]) for o in row.get("top_logprobs") or ()},
                )
                for row in rows
            ]
        else:
            texts, own = found["tokens"], found["token_logprobs"]
            others = found.get("top_logprobs") or [{}] * len(texts)
            read = [
                (str(text), float(value), {str(t): float(p) for t, p in (other or {}).items()})
                for text, value, other in zip(texts, own, others, strict=True)
            ]
    except (KeyError, TypeError, ValueError, AttributeError):
        return []
    tokens, start = [], 0
    for text, value, other in read:
        tokens.append(Token(start, text, {**other, text: value}))
        start += len(text)
    # Where the tokens do not make up the answer, places in it mean nothing.
    whole = "".join(token.text for token in tokens)
    return tokens if whole.startswith(content) or content.startswith(whole.rstrip()) else []


def _share_of_true(place: int, tokens: Sequence[Token]) -> float | None:
    """Return the probability of true where a value starts, among true and false."""
    token = next((t for t in tokens if t.start <= place < t.start + len(t.text)), None)
    if token is None:
        return None
    totals = {"true": 0.0, "false": 0.0}
    for text, logprob in token.alternatives.items():
        bare = text.lstrip(_BEFORE).lower()
        for word in totals:
            if bare and (bare.startswith(word) or word.startswith(bare)):
                totals[word] += math.exp(min(logprob, 0.0)) if math.isfinite(logprob) else 0.0
    both = totals["true"] + totals["false"]
    if not both:
        return None
    if not (totals["true"] and totals["false"]):  # the other was too rare to be listed
        likely = min(1.0, both)
        return likely if totals["true"] else 1.0 - likely
    return totals["true"] / both


def _places(content: str) -> dict[str, int]:
    """Return where the value of each tag starts."""
    found = {}
    for pair in _PAIR.finditer(content):
        try:
            found[str(json.loads(f'"{pair[1]}"'))] = pair.start(2)
        except ValueError:
            continue
    return found


def _load(content: str) -> object:
    """Return the JSON of an answer, which may stand in a fence, behind thoughts or in prose."""
    bare = _unfenced(_THOUGHT.sub("", content))
    within = [bare[bare.find(one) : bare.rfind(other) + 1] for one, other in ("{}", "[]")]
    for text in (content, bare, *within):
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError):
            continue
        return found
    return None


def _unfenced(content: str) -> str:
    """Return what stands between the fences of Markdown, or all of it."""
    fenced = _FENCED.search(content)
    return fenced[1].strip() if fenced else content.strip()
