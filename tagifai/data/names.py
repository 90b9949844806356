"""Names of tags: one written form, spellings that look alike, and names that nobody knows."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

from tagifai.errors import TagifaiError, counted, shorten

MOST_NAMED = 50
MOST_PLACES = 20
_JOINERS = re.compile(r"[\s\-_\u00ad\u200b-\u200d\u2010-\u2015\u2060\ufeff]+")


def normalise_name(name: str) -> str:
    """Return the one written form of a tag's name: stripped, in Unicode's form NFC.

    >>> normalise_name(" cafe\\u0301 ") == "caf\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name).strip()


def normalise_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names in their one written form, each once, in their order.

    >>> normalise_names([" nlp", "cv", "nlp "])
    ('nlp', 'cv')
    """
    return tuple(dict.fromkeys(normalise_name(name) for name in names))


def fold_text(text: str) -> str:
    """Return a text as searches compare it: whatever its case and Unicode form.

    >>> fold_text("CAFE\\u0301") == fold_text("caf\\u00e9")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def spelling_key(name: str) -> str:
    """Return what is left of a name without case, spaces, hyphens, underscores and Unicode form.

    Two names with one key look like one tag that was written in two ways. A name of nothing but
    spaces and hyphens is its own key.

    >>> spelling_key("Time series") == spelling_key("time-series") == spelling_key("TIME_SERIES")
    True
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return _JOINERS.sub("", folded) or name


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was most likely meant to be; None where none is near.

    One that differs in spelling alone comes first (`R` for `r`), then the most similar one.

    >>> nearest_name("Time Series", ["time-lapse", "time-series"]), nearest_name("xyz", ["nlp"])
    ('time-series', None)
    """
    by_key: dict[str, str] = {}
    for one in known:
        by_key.setdefault(spelling_key(one), one)
    return _nearest(name, by_key)


def _nearest(name: str, by_key: dict[str, str]) -> str | None:
    key = spelling_key(name)
    if key in by_key:
        return by_key[key]
    near = difflib.get_close_matches(key[:200], by_key, n=1)
    return by_key[near[0]] if near else None


def refuse_unknown_tags(
    names: Iterable[str], known: Iterable[str], where: str, *, what: str = "tag"
) -> None:
    """Raise an error for names that are not known, each with the nearest known one.

    Parameters
    ----------
    names : iterable of str
        Names as they were received, compared character by character.
    known : iterable of str
        Every name that is allowed.
    where : str
        What the message starts with, such as the file, row and field.
    what : str
        What the names are names of, in the singular.

    Raises
    ------
    TagifaiError
        A name is not among those known. The message names the first 50 such names.

    Examples
    --------
    >>> refuse_unknown_tags(["nlp"], ["nlp", "attention"], "slices.json: row 1, all_of")
    >>> refuse_unknown_tags(["NLP", "atention"], ["nlp", "attention"], "predictions.jsonl")
    Traceback (most recent call last):
        ...
    tagifai.errors.TagifaiError: predictions.jsonl: 2 unknown tags: 'NLP' (did you mean 'nlp'?), \
'atention' (did you mean 'attention'?)
    """
    message = describe_unknown_tags(names, known, what)
    if message:
        raise TagifaiError(f"{where}: {message}")


def refuse_unknown_in_rows(
    rows: Iterable[tuple[str, Iterable[str]]],
    known: Iterable[str],
    where: str,
    *,
    what: str = "tag",
) -> None:
    """Raise an error for names that are not known, of all rows of a file at once.

    Parameters
    ----------
    rows : iterable of (str, iterable of str)
        A place in the file, such as `row 3, all_of`, and the names there.
    known, where, what
        As for `refuse_unknown_tags`.

    Raises
    ------
    TagifaiError
        A name is not among those known. The message names the first 20 places with such names.

    Examples
    --------
    >>> refuse_unknown_in_rows([("row 1", ["NLP"]), ("row 2", ["nlp"])], ["nlp"], "slices.json")
    Traceback (most recent call last):
        ...
    tagifai.errors.TagifaiError: slices.json: row 1: 1 unknown tag: 'NLP' (did you mean 'nlp'?)
    """
    allowed = list(dict.fromkeys(known))
    among = set(allowed)
    found = [(place, names) for place, given in rows if not among.issuperset(names := list(given))]
    if found:
        parts = [
            f"{place}: {describe_unknown_tags(names, allowed, what)}"
            for place, names in found[:MOST_PLACES]
        ]
        if len(found) > len(parts):
            parts.append(f"and {counted(len(found) - len(parts), 'more place')}")
        raise TagifaiError(f"{where}: {'; '.join(parts)}")


def describe_unknown_tags(names: Iterable[str], known: Iterable[str], what: str = "tag") -> str:
    """Return the names that are not known, each with the nearest known one; "" for none."""
    allowed = list(dict.fromkeys(known))
    among = set(allowed)
    unknown = [name for name in dict.fromkeys(names) if name not in among]
    if not unknown:
        return ""
    by_key: dict[str, str] = {}
    for one in allowed:
        by_key.setdefault(spelling_key(one), one)
    named = [(name, _nearest(name, by_key)) for name in unknown[:MOST_NAMED]]
    message = ", ".join(
        _quoted(name) + (f" (did you mean {shorten(near)!r}?)" if near is not None else "")
        for name, near in named
    )
    rest = len(unknown) - len(named)
    message += f" and {rest:,} more" if rest else ""
    if any(near is None for _, near in named):
        message += f"; known {what}s: {_listed(allowed)}"
    return f"{counted(len(unknown), f'unknown {what}')}: {message}"


def _quoted(name: str) -> str:
    """Quote a name; one in another Unicode form, which looks the same, by its code points."""
    return ascii(shorten(name)) if normalise_name(name) != name.strip() else repr(shorten(name))


def _listed(names: list[str], most: int = 20) -> str:
    listed = ", ".join(repr(shorten(name)) for name in names[:most])
    return (listed + (f" … ({len(names):,} in all)" if len(names) > most else "")) or "none"
