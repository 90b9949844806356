"""Write a trained version's files, and freeze the workspace under a name."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from tagifai.data import Dataset
from tagifai.data.changes import digest_texts
from tagifai.data.left_out import find_left_out
from tagifai.errors import TagifaiError, one_of
from tagifai.predictions import Predictions
from tagifai.store.cache import digest_code
from tagifai.store.naming import WORKSPACE
from tagifai.store.sources import MODEL_FILE, VersionSource, pack_json, read_files
from tagifai.training.version_warnings import find_warnings

if TYPE_CHECKING:
    from tagifai.training.train import Trained

PACKAGES = ("numpy", "scipy", "scikit-learn", "nltk", "skops")
MAX_NOTES = 500


def version_files(
    trained: "Trained", dataset: Dataset, *, name: str = WORKSPACE, notes: str = ""
) -> dict[str, bytes]:
    """Make a version's files; the same training gives the same bytes, but for version.json."""
    from tagifai.models.persistence import dump_model  # here: a release needs no scikit-learn

    return {
        "params.json": pack_json(trained.params.to_dict()),
        "performance.json": pack_json(trained.performance),
        "thresholds.json": pack_json(trained.thresholds),
        "predictions.npz": trained.predictions.to_bytes(),
        MODEL_FILE: dump_model(trained.model),
        "version.json": pack_json(
            describe_making(trained.predictions, trained.thresholds, dataset, name, notes)
        ),
    }


def describe_making(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    dataset: Dataset,
    name: str,
    notes: str,
) -> dict[str, Any]:
    """Say when, by what and from what a version was made, how much of its test leaks, and more.

    `warnings` say what its figures should not be taken for: see `version_warnings`.
    """
    from tagifai.data.leakage import measure_leakage  # here: a release needs no scikit-learn

    texts = {project.id: project.text for project in dataset.projects}
    leakage = measure_leakage([texts[one] for one in predictions.ids], predictions.split.tolist())
    warnings = find_warnings(predictions, thresholds, dataset, leakage)
    return {
        "name": name,
        "created": _now(),
        "notes": notes,
        "out_of_fold": predictions.out_of_fold,
        "tags": list(predictions.tags),
        "num_projects": len(predictions.ids),
        "num_negatives": int((~predictions.y_true.any(axis=1)).sum()),
        "untagged": dataset.config.untagged,
        "left_out": find_left_out(dataset).to_dict(),
        "data_digest": dataset.digest,
        "text_digests": digest_texts(p for p in dataset.projects if p.id in predictions.row_of),
        "near_duplicates": asdict(leakage) if leakage else None,
        "warnings": [warning.to_dict() for warning in warnings],
        "code_digest": digest_code(),
        "python": platform.python_version(),
        "packages": {package: _installed(package) for package in PACKAGES},
        "links": {},
    }


def release_workspace(
    source: VersionSource,
    name: str,
    notes: str = "",
    target: VersionSource | None = None,
    links: Mapping[str, str] | None = None,
) -> None:
    """Freeze the workspace of `source` under `name`, in `target` where it is another home.

    `links` are addresses to show on the version's card, by what they lead to.

    Raises:
        TagifaiError: there is no workspace, the name is taken or not allowed, `notes` are
            more than one line of 500 characters, or a link is no web address.
    """
    links = links or {}
    for address in links.values():
        if not is_web_address(address):
            raise TagifaiError(f"a link is an address with http or https, got {address!r}")
    if "\n" in notes or len(notes) > MAX_NOTES:
        raise TagifaiError(f"notes are one line of at most {MAX_NOTES} characters")
    if name == WORKSPACE:
        raise TagifaiError(f"{WORKSPACE!r} is the version being worked on; give a release's name")
    if WORKSPACE not in source.names():
        raise one_of("version", WORKSPACE, source.names())
    files = read_files(source, WORKSPACE)
    info = orjson.loads(files.get("version.json", b"{}"))
    links = {**info.get("links", {}), **links}
    info |= {"name": name, "notes": notes, "links": links, "released": _now()}
    (target or source).write(name, {**files, "version.json": pack_json(info)})


def is_web_address(address: object) -> bool:
    """Tell whether an address may be shown as a link.

    >>> is_web_address("https://example.org/run/7"), is_web_address("javascript:alert(1)")
    (True, False)
    """
    try:
        parts = urlsplit(str(address))
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and len(str(address)) <= 2_000


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
