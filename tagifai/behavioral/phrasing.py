"""Put a tag's name into a sentence, spelt correctly or not."""

import re
from collections.abc import Iterable

NAME_TEMPLATES = (
    "A hands-on introduction to {}.",
    "Everything you ever wanted to ask about {}.",
    "Lessons from a year of working with {}.",
    "A short guide to {} for newcomers.",
    "Why people like {}, and where to begin.",
    "Notes and code about {}.",
    "How we got started with {}.",
    "Common mistakes with {} and how to avoid them.",
)
# Two verbs for the same statement: no tag should depend on which one stands.
VERB_PAIRS = (
    ("A post that explains {}.", "A post that introduces {}."),
    ("We discuss {} in detail.", "We describe {} in detail."),
    ("This library simplifies {}.", "This library eases {}."),
    ("The authors improve {}.", "The authors advance {}."),
)
NEUTRAL_CLAUSES = (
    "We hope you enjoy it.",
    "Comments are welcome.",
    "It took us three weekends.",
    "Thanks to all who helped.",
)
LINKS = ("https://example.org/a/b", "http://www.example.com/?page=2", "www.example.net")

# What a finger hits instead, on a QWERTY keyboard: the keys left and right.
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    row[i]: row[max(i - 1, 0) : i] + row[i + 1 : i + 2] for row in _ROWS for i in range(len(row))
}
_JOINED = re.compile(
    r"\b(self|semi|pre|multi|few|zero|one|cross|fine|scikit|auto|non|q|low|on|text|image)-"
)
WORD = re.compile(r"[^\W_]+")
_SHORTEST_MISSPELT = 5


def spoken(name: str) -> str:
    """Write a tag's name or alias as a sentence would: spaces for hyphens, initials in capitals.

    >>> spoken("self-supervised-learning"), spoken("gan"), spoken("computer-vision")
    ('self-supervised learning', 'GAN', 'computer vision')
    """
    if re.fullmatch(r"[a-z]{1,3}", name):
        return name.upper()
    joined = _JOINED.sub(lambda match: f"{match[1]}\0", name)
    return joined.replace("-", " ").replace("_", " ").replace("\0", "-")


def misspellings(word: str) -> tuple[str, ...]:
    """List what one slip makes of a word, its first and last letter apart; sorted.

    A slip swaps two letters, drops one, doubles one or hits the key beside it. A word under five
    letters has none: too little of it would be left.

    >>> "trasnformers" in misspellings("transformers"), misspellings("gan")
    (True, ())
    """
    if len(word) < _SHORTEST_MISSPELT or not word.isalpha():
        return ()
    slips = set()
    for i in range(1, len(word) - 1):
        before, letter, after = word[:i], word[i], word[i + 1 :]
        slips.add(before + after)
        slips.add(before + letter + letter + after)
        slips.update(before + near + after for near in _NEIGHBOURS.get(letter.lower(), ""))
        if i < len(word) - 2:
            slips.add(before + after[0] + letter + after[1:])
    return tuple(sorted(slips - {word}))


def misspelt_names(name: str, taken: Iterable[str] = ()) -> tuple[str, ...]:
    """List a spoken name's forms with one of its words misspelt; none of them in `taken`.

    >>> misspelt_names("graph nets")[0]
    'gaph nets'
    """
    words = name.split(" ")
    forms = {
        " ".join([*words[:i], slip, *words[i + 1 :]])
        for i, word in enumerate(words)
        for slip in misspellings(word)
    }
    return tuple(sorted(forms - {form.lower() for form in taken}))


def sentence(template: str, *names: str) -> str:
    """Fill a template and begin it with a capital letter.

    >>> sentence("{} at work.", "graphs")
    'Graphs at work.'
    """
    text = template.format(*names)
    return text[:1].upper() + text[1:]


def mentions(text: str, names: Iterable[str]) -> bool:
    """Check whether a text contains one of these names, as whole words, in any case."""
    plain = f" {' '.join(WORD.findall(text.lower()))} "
    return any(
        f" {' '.join(words)} " in plain for name in names if (words := WORD.findall(name.lower()))
    )
