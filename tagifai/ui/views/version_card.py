"""A version's card: when it was made, from what, how large it is, where to read more."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from tagifai.data.leakage import read_leakage
from tagifai.store.prediction_cut import describe_cut
from tagifai.training.releases import describe_usage, is_web_address
from tagifai.training.version_warnings import read_warnings
from tagifai.ui.views.templates import render

SHOWN = {
    "notes": "notes",
    "predictor": "predictor",
    "thresholds": "thresholds",
    "calibration": "calibration",
    "created": "made",
    "released": "released",
    "num_projects": "projects",
    "num_test_projects": "of these in the test split",
    "num_negatives": "without a learned tag: negatives of every tag",
    "num_tags": "tags",
    "usage": "asked for its predictions",
    "decisions_only": "decisions without probabilities",
    "missing_tags": "frequent tags without predictions",
    "stored": "probabilities stored",
    "out_of_fold": "probabilities of train projects out of fold",
    "averaged_over": "overall F1 is averaged over",
    "untagged": "untagged projects count as",
    "left_out": "left out",
    "data_digest": "digest of the data",
    "code_digest": "digest of the code",
    "python": "Python",
}
SHOWN_APART = {
    *SHOWN,
    "name",
    "made_by",
    "params",
    "sizes",
    "links",
    "packages",
    "warnings",
    "near_duplicates",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a version; one that is no web address stays text."""

    name: str
    address: str

    @property
    def is_web(self) -> bool:
        """Check whether a browser may follow it."""
        return is_web_address(self.address)


def render_card(version: Mapping[str, object], side: str) -> str:
    """Render what is known of a version as a list of terms, its parameters folded below.

    Parameters
    ----------
    version : mapping
        A card as `VersionCard.to_dict` returns it; a version that somebody else made may say
        anything besides.
    side : str
        Which of two versions it is.
    """
    sizes, links = version.get("sizes"), version.get("links")
    sizes = sizes if isinstance(sizes, Mapping) else {}
    return str(
        render(
            "version_card.html",
            side=side,
            name=version["name"],
            warnings=[one.message for one in read_warnings(version.get("warnings"))],
            terms=list_terms(version),
            total=in_bytes(sum(sizes.values())),
            sizes=[
                (name, in_bytes(size))
                for name, size in sorted(sizes.items(), key=lambda item: -item[1])
            ],
            links=[Link(name, str(address)) for name, address in links.items()]
            if isinstance(links, Mapping)
            else [],
            folded=[
                (title, _pretty(version[key]))
                for key, title in (("params", "Parameters"), ("packages", "Packages"))
                if version.get(key)
            ],
        )
    )


def list_terms(version: Mapping[str, object]) -> list[tuple[str, str]]:
    """List (what, value) of a card: what we know how to name first, then the rest.

    >>> list_terms({"num_tags": 1200, "mood": ["calm"], "notes": ""})
    [('tags', '1,200'), ('mood', '[\\n  "calm"\\n]')]
    """
    version = {**version, **describe_maker(version), "stored": describe_cut(version.get("stored"))}
    named = [(label, version[key]) for key, label in SHOWN.items() if version.get(key)]
    named += _near_duplicates(version.get("near_duplicates"))
    others = [(key, value) for key, value in version.items() if key not in SHOWN_APART and value]
    return [(label, _text(value)) for label, value in [*named, *others]]


def describe_maker(version: Mapping[str, object]) -> dict[str, object]:
    """Return how a version came about that `train` did not make; nothing for one that it did.

    >>> describe_maker({"made_by": {"kind": "predictions", "thresholds": "0.5 for all tags"}})
    {'predictor': 'none: predictions of another program', 'thresholds': '0.5 for all tags'}
    """
    found = version.get("made_by")
    if not isinstance(found, Mapping):
        return {}
    source = found.get("source") or "none: predictions of another program"
    shown = {"predictor": source, "calibration": found.get("calibration")}
    shown["usage"] = describe_usage(version.get("usage"))
    if "thresholds" not in version:  # else they were changed since
        shown["thresholds"] = found.get("thresholds")
    if version.get("decisions_only") is True:
        shown["decisions_only"] = "yes"
    return {key: value for key, value in shown.items() if value}


def in_bytes(size: int) -> str:
    """Write a size in bytes, kilobytes or megabytes of a thousand each.

    >>> in_bytes(900), in_bytes(13_400), in_bytes(2_500_000)
    ('900 B', '13.4 kB', '2.5 MB')
    """
    if size < 1_000:
        return f"{size} B"
    return f"{size / 1e3:.1f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def _near_duplicates(found: object) -> list[tuple[str, object]]:
    leakage = read_leakage(found)
    if leakage is None:
        return [("near-duplicates", found)] if found else []
    counted = f"{leakage.num_near_duplicates:,} of {leakage.num_test:,} ({leakage.share:.1%})"
    return [("test projects with a near-duplicate in train or val", counted.replace("%", " %"))]


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value if isinstance(value, str) else _pretty(value)


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
