"""Names of versions: which are version numbers, their order, and which is the latest."""

import re
from collections.abc import Callable, Iterable

WORKSPACE = "workspace"
_MAX_NAME = 300
# Semantic Versioning 2.0, with one number or more, and dates such as 2024-10-01 or 2024-10.
_VERSION = re.compile(
    r"""
    v? (?P<numbers>
        [0-9]{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))? | [0-9]+(?:\.[0-9]+)*
    )
    (?:
        - (?P<identifiers> [0-9a-z-]+(?:\.[0-9a-z-]+)* )
      | [._]? (?P<word> a|alpha|b|beta|c|rc|pre|preview|dev|snapshot|post )
        (?: [._-]? (?P<number> [0-9]+ ) )?
    )?
    (?: \+ (?P<build> [0-9a-z-]+(?:\.[0-9a-z-]+)* ) )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PARTS = re.compile(r"\d{1,18}|[^\W\d_]+")
Order = tuple[object, ...]


def is_version(name: str) -> bool:
    """Check whether a name is a version number, as Semantic Versioning has them or nearly so.

    The `v` in front may be missing, and there may be fewer or more than three numbers. Dates
    (`2024-10-01`) and the pre-releases of Python packages (`1.0rc1`) are version numbers too.

    >>> [is_version(one) for one in ("v1.0.0-rc.1", "2024.10.1", "v2", "bert-2", "workspace")]
    [True, True, True, False, False]
    """
    return len(name) <= _MAX_NAME and _VERSION.fullmatch(name) is not None


def version_order(name: str) -> Order:
    """Return what names of versions are sorted by.

    First come names that are no version number, as people count them (`run-2`, `run-10`). Then
    version numbers by the precedence of Semantic Versioning 2.0, so that a pre-release comes
    before its release; missing numbers are 0. Names of equal precedence, as with other build
    metadata, follow their text. The workspace comes last. The order is total.

    >>> sorted(["workspace", "v1.0.0", "v0.10.0", "v1.0.0-rc.2", "v0.9.0", "v1.0.0-rc.10",
    ...         "latest"], key=version_order)
    ['latest', 'v0.9.0', 'v0.10.0', 'v1.0.0-rc.2', 'v1.0.0-rc.10', 'v1.0.0', 'workspace']
    """
    if name == WORKSPACE:
        return (2,)
    found = _VERSION.fullmatch(name) if len(name) <= _MAX_NAME else None
    if found is None:
        return 0, _natural(name), name
    numbers = [int(number) for number in re.split("[.-]", found["numbers"])]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return 1, tuple(numbers), _stage(found), _natural(found["build"] or ""), name


def latest_version(
    names: Iterable[str],
    suits: Callable[[str], bool] = lambda name: True,
    created: Callable[[str], str] = lambda name: "",
) -> str | None:
    """Name the latest of the versions that suit; None where none does.

    It is the last version number by `version_order`. Where no version number suits it is the
    workspace, and where that does not suit either, the name that was created last: `created`
    returns the time as text that sorts.

    >>> latest_version(["bert", "v1.0.0", "v1.0.0-rc.1", "workspace"])
    'v1.0.0'
    >>> latest_version(["bert", "workspace"]), latest_version(["bert", "gpt"])
    ('workspace', 'gpt')
    """
    ordered = sorted(names, key=version_order, reverse=True)
    for group in (filter(is_version, ordered), (one for one in ordered if one == WORKSPACE)):
        for name in group:
            if suits(name):
                return name
    others = [one for one in ordered if one != WORKSPACE and not is_version(one) and suits(one)]
    return max(others, key=lambda one: (created(one), version_order(one)), default=None)


def _stage(found: re.Match[str]) -> Order:
    """Order what follows the numbers: pre-releases, then the release, then what was mended."""
    if found["identifiers"] is not None:
        return 0, tuple(_identifier(one) for one in found["identifiers"].split("."))
    if found["word"] is None:
        return (1,)
    number = found["number"]
    rest = () if number is None else (_identifier(number),)
    if found["word"].lower() == "post":
        return 2, rest
    return 0, (_identifier(found["word"]), *rest)


def _identifier(text: str) -> tuple[int, int, str]:
    # Numbers come before words, and fewer identifiers before more.
    return (0, int(text), "") if text.isdecimal() else (1, 0, text)


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in _PARTS.findall(text.lower())
    )
