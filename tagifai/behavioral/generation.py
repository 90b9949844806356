"""Generate tests of name recognition from tags' names and aliases.

They show whether a model knows the names; a matcher of names passes nearly all of them.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

from tagifai.behavioral import NAME_RECOGNITION, BehavioralTest, Case
from tagifai.behavioral.phrasing import (
    LINKS,
    NAME_TEMPLATES,
    NEUTRAL_CLAUSES,
    VERB_PAIRS,
    mentions,
    misspelt_names,
    sentence,
    spoken,
)
from tagifai.data import Tag
from tagifai.text.languages import DEFAULT_LANGUAGE
from tagifai.text.normalization import compose
from tagifai.text.preprocessing import preprocess_text

_NAMES_A_TAG = 3
_SLIPS_A_TAG = 3
_TEXTS_AN_ALIAS = 2


def generate_tests(
    tags: Mapping[str, Tag], seed: int = 0, language: str = DEFAULT_LANGUAGE
) -> tuple[BehavioralTest, ...]:
    """Generate about twelve tests of name recognition for each tag: templates and misspellings.

    A tag gives three tests of `mft-name`; three of `mft-misspelt-one-word` or
    `mft-misspelt-several-words`, by how many words its name has; two of `mft-alias` an alias,
    but for aliases that say nothing: names or aliases of another tag too, and stopwords of
    `language`; one each of `inv-verb`, `inv-clause`, `inv-link`, `dir-swap` and `dir-add`
    (another tag's name replaces its own, or joins it). No other tags or names are used. The
    same tags and seed give the same tests, in any process.
    """
    names = {tag: spoken(tag) for tag in sorted(tags)}
    taken = [*names.values(), *(spoken(alias) for tag in tags.values() for alias in tag.aliases)]
    meant = Counter(
        letters
        for tag in tags.values()
        for letters in {_letters(name) for name in (tag.tag, *tag.aliases)}
    )
    # A template that itself names a tag would be no test of the name put into it.
    templates = _neutral(NAME_TEMPLATES, taken)
    verbs = [
        pair for pair in VERB_PAIRS if not any(mentions(text, taken) for text in pair)
    ] or VERB_PAIRS
    clauses = _neutral(NEUTRAL_CLAUSES, taken)
    tests: list[BehavioralTest] = []
    for tag, name in names.items():
        rng = Random(f"{seed}/{tag}")  # noqa: S311 - repeatable on purpose, and no secret
        tests += _named("mft-name", tag, [name] * _NAMES_A_TAG, templates, rng)
        for alias in _aliases(tags[tag], name):
            if meant[_letters(alias)] > 1 or not preprocess_text(alias, language=language):
                continue
            tests += _named("mft-alias", tag, [alias] * _TEXTS_AN_ALIAS, templates, rng)
        forms = misspelt_names(name.lower(), taken)
        several = "several-words" if " " in name else "one-word"
        slips = rng.sample(forms, min(_SLIPS_A_TAG, len(forms)))
        tests += _named(f"mft-misspelt-{several}", tag, slips, templates, rng)
        tests += _invariances(name, templates, verbs, clauses, rng)
    return (*tests, *_directions(names, tags, templates, seed))


def _named(
    group: str, tag: str, forms: Sequence[str], templates: Sequence[str], rng: Random
) -> list[BehavioralTest]:
    chosen = rng.sample(templates, min(len(forms), len(templates)))
    return [
        BehavioralTest("MFT", group, (Case(sentence(template, form), (tag,)),), NAME_RECOGNITION)
        for template, form in zip(chosen, forms, strict=False)
    ]


def _aliases(tag: Tag, name: str) -> list[str]:
    """List the spoken aliases that differ from the name by more than hyphens and case."""
    seen = {_letters(name)}
    aliases = []
    for alias in map(spoken, tag.aliases):
        if _letters(alias) not in seen:
            seen.add(_letters(alias))
            aliases.append(alias)
    return aliases


def _letters(name: str) -> str:
    # With vowel signs and accents, by which names of many scripts differ.
    return "".join(
        letter for letter in compose(name).lower() if unicodedata.category(letter)[0] in "LMN"
    )


def _neutral(texts: Sequence[str], taken: Sequence[str]) -> Sequence[str]:
    return [text for text in texts if not mentions(text, taken)] or texts


def _invariances(
    name: str,
    templates: Sequence[str],
    verbs: Sequence[tuple[str, str]],
    clauses: Sequence[str],
    rng: Random,
) -> list[BehavioralTest]:
    before, after = rng.choice(verbs)
    plain = sentence(rng.choice(templates), name)
    changed = {
        "inv-verb": (sentence(before, name), sentence(after, name)),
        "inv-clause": (plain, f"{plain} {rng.choice(clauses)}"),
        "inv-link": (plain, f"{plain} {rng.choice(LINKS)}"),
    }
    return [
        BehavioralTest("INV", group, tuple(Case(text) for text in texts), NAME_RECOGNITION)
        for group, texts in changed.items()
    ]


def _directions(
    names: Mapping[str, str], tags: Mapping[str, Tag], templates: Sequence[str], seed: int
) -> list[BehavioralTest]:
    tests = []
    for tag, name in names.items():
        rng = Random(f"{seed}/{tag}/other")  # noqa: S311 - repeatable on purpose, and no secret
        others = [other for other in names if not _related(tags[tag], tags[other])]
        if not others:
            continue
        other = rng.choice(others)
        first, second = rng.choice(templates), rng.choice(templates)
        tests += [
            BehavioralTest(
                "DIR",
                "dir-swap",
                (
                    Case(sentence(first, name), (tag,)),
                    Case(sentence(first, names[other]), (other,)),
                ),
                NAME_RECOGNITION,
            ),
            BehavioralTest(
                "DIR",
                "dir-add",
                (
                    Case(sentence(second, name), (tag,)),
                    Case(sentence(second, f"{name} and {names[other]}"), (tag, other)),
                ),
                NAME_RECOGNITION,
            ),
        ]
    return tests


def _related(one: Tag, other: Tag) -> bool:
    """Check whether one tag implies the other: shared words, or one above the other."""
    words = [set(tag.tag.split("-")) for tag in (one, other)]
    return bool(words[0] & words[1]) or one.tag in other.parents or other.tag in one.parents
