"""A version's card: when it was made, from what, how large it is, where to read more."""

from collections.abc import Mapping
from html import escape
from typing import Any

import orjson

from tagifai.charts.svg import escaped
from tagifai.data.leakage import read_leakage
from tagifai.training.releases import is_web_address
from tagifai.training.version_warnings import read_warnings

SHOWN = {
    "notes": "notes",
    "created": "made",
    "released": "released",
    "num_projects": "projects",
    "num_test_projects": "of these in the test split",
    "num_negatives": "without a learned tag: negatives of every tag",
    "num_tags": "tags",
    "missing_tags": "frequent tags without predictions",
    "out_of_fold": "probabilities of train projects out of fold",
    "averaged_over": "overall F1 is averaged over",
    "untagged": "untagged projects count as",
    "left_out": "left out",
    "data_digest": "digest of the data",
    "code_digest": "digest of the code",
    "python": "Python",
}
KEPT_APART = {
    *SHOWN,
    "name",
    "params",
    "sizes",
    "links",
    "packages",
    "warnings",
    "near_duplicates",
}


def show_card(version: Mapping[str, Any], side: str) -> str:
    """Show what is known of a version as a list of terms, its parameters folded below."""
    rows = [(label, version[key]) for key, label in SHOWN.items() if version.get(key)]
    rows += _near_duplicates(version.get("near_duplicates"))
    rows += [
        (key, value) for key, value in version.items() if key not in KEPT_APART and value
    ]  # what somebody else's version says besides
    listed = "".join(
        f"<dt>{escaped(label, 60)}</dt><dd>{_text(value)}</dd>" for label, value in rows
    )
    folded = "".join(
        f"<details><summary>{label}</summary><pre>{escaped(_pretty(version[key]), 20_000)}</pre>"
        "</details>"
        for key, label in (("params", "Parameters"), ("packages", "Packages"))
        if version.get(key)
    )
    warnings = show_warnings(version.get("warnings"))
    sizes, links = show_sizes(version.get("sizes") or {}), show_links(version.get("links"))
    return (
        f'<section class="version-card"><h4>{escaped(side)}: {escaped(version["name"])}</h4>'
        f"{warnings}"
        f"<dl>{listed}{sizes}{links}</dl>{folded}</section>"
    )


def show_warnings(warnings: Any) -> str:
    """Show what a version's figures should not be taken for.

    >>> show_warnings([{"kind": "train_exceeds_test", "message": "train far exceeds test"}])
    '<div class="notice warning" role="status">train far exceeds test</div>'
    """
    return "".join(
        f'<div class="notice warning" role="status">{escaped(warning.message, 600)}</div>'
        for warning in read_warnings(warnings)
    )


def show_sizes(sizes: Mapping[str, int]) -> str:
    """Show how large a version is, and each of its files.

    >>> show_sizes({"model.skops": 2_500_000, "params.json": 900})
    '<dt>size</dt><dd>2.5 MB: model.skops 2.5 MB, params.json 900 B</dd>'
    """
    if not sizes:
        return ""
    largest = sorted(sizes.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{escaped(name)} {in_bytes(size)}" for name, size in largest)
    return f"<dt>size</dt><dd>{in_bytes(sum(sizes.values()))}: {listed}</dd>"


def in_bytes(size: int) -> str:
    """Write a size in bytes, kilobytes or megabytes of a thousand each.

    >>> in_bytes(900), in_bytes(13_400), in_bytes(2_500_000)
    ('900 B', '13.4 kB', '2.5 MB')
    """
    if size < 1_000:
        return f"{size} B"
    return f"{size / 1e3:.1f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def show_links(links: Any) -> str:
    """Show a version's links; what is no web address stays text.

    >>> show_links({"run": "javascript:alert(1)"})
    '<dt>links</dt><dd>run: javascript:alert(1)</dd>'
    """
    if not isinstance(links, Mapping) or not links:
        return ""
    shown = ", ".join(
        f'<a href="{escape(str(address))}" rel="noopener noreferrer nofollow" target="_blank">'
        f"{escaped(name, 80)}</a>"
        if is_web_address(address)
        else f"{escaped(name, 80)}: {escaped(address, 200)}"
        for name, address in links.items()
    )
    return f"<dt>links</dt><dd>{shown}</dd>"


def _near_duplicates(found: Any) -> list[tuple[str, Any]]:
    leakage = read_leakage(found)
    if leakage is None:
        return [("near-duplicates", found)] if found else []
    counted = f"{leakage.num_near_duplicates:,} of {leakage.num_test:,} ({leakage.share:.1%})"
    return [("test projects with a near-duplicate in train or val", counted.replace("%", " %"))]


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return escaped(value if isinstance(value, str) else _pretty(value), 600)


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
