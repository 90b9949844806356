"""Write a trained version's files, and freeze the workspace under a name."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from tagifai.data import Dataset
from tagifai.data.changes import digest_texts
from tagifai.data.leakage import Leakage, measure_leakage
from tagifai.data.left_out import LeftOut, find_left_out
from tagifai.errors import TagifaiError, one_of
from tagifai.models.usage import Usage
from tagifai.predictions import Predictions
from tagifai.store.cache import digest_code
from tagifai.store.naming import WORKSPACE
from tagifai.store.parsing import parse_info
from tagifai.store.prediction_table import PREDICTIONS_FILE, pack_predictions
from tagifai.store.sources import MODEL_FILE, PREDICTOR_FILE, VersionSource, pack_json, read_files
from tagifai.training.version_warnings import VersionWarning, find_warnings

if TYPE_CHECKING:
    from tagifai.training.train import Trained

PACKAGES = ("numpy", "scipy", "scikit-learn", "nltk", "skops")
MAX_NOTES = 500


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """When, from what and by what a version was made: the content of `version.json`.

    Attributes
    ----------
    name, created, notes : str
        Its name, the time (ISO 8601, UTC) and a line by whoever made it.
    out_of_fold : {"yes", "no", "unknown"}
        Whether probabilities of train projects come from models that did not see them.
    tags : list of str
        The tags that it predicts.
    num_projects, num_negatives : int
        Projects in its predictions, and those of them without a learned tag.
    untagged : str
        How the data counted untagged projects.
    left_out : LeftOut
        What the data has and the version did not learn from.
    data_digest : str
        Digest of the data.
    text_digests : mapping
        By project id, a digest of its text and tags.
    near_duplicates : Leakage or None
        How many test projects nearly repeat a training project.
    warnings : tuple of VersionWarning
        What its figures should not be taken for.
    code_digest, python : str
        The code and the Python that made it.
    packages : mapping
        By name, the version of each package that it was computed with.
    links : mapping
        By name, addresses to show on its card.
    missing_tags : mapping or None
        Of imported predictions: projects by tag that is frequent enough but not predicted.
    decisions_only : bool
        Whether its "probabilities" are decisions, 0 or 1.
    made_by : mapping or None
        Of a version that `train` did not make: kind and source of its predictor, and how its
        thresholds and its calibration were chosen.
    usage : Usage or None
        What asking a server for its predictions took: requests, tokens, cost and seconds.
    stored : mapping or None
        Where probabilities were left out or rounded: see `store.prediction_cut.Kept`.
    """

    name: str
    created: str
    notes: str
    out_of_fold: str
    tags: list[str]
    num_projects: int
    num_negatives: int
    untagged: str
    left_out: LeftOut
    data_digest: str
    text_digests: Mapping[str, str]
    near_duplicates: Leakage | None
    warnings: tuple[VersionWarning, ...]
    code_digest: str
    python: str
    packages: Mapping[str, str]
    links: Mapping[str, str] = field(default_factory=dict)
    missing_tags: Mapping[str, int] | None = None
    decisions_only: bool = False
    made_by: Mapping[str, str] | None = None
    usage: Usage | None = None
    stored: Mapping[str, object] | None = None

    def to_json(self) -> dict[str, object]:
        """Return it as `version.json` holds it."""
        # A copy of each text's digest would take a while.
        content: dict[str, object] = asdict(replace(self, text_digests={}))
        content["text_digests"] = dict(self.text_digests)
        if self.missing_tags is None:
            del content["missing_tags"]
        if not self.decisions_only:
            del content["decisions_only"]
        if self.made_by is None:
            del content["made_by"]
        if self.usage is None:
            del content["usage"]
        if self.stored is None:
            del content["stored"]
        return content


@dataclass(frozen=True, slots=True, eq=False)
class NewVersion:
    """A version before it is written.

    Attributes
    ----------
    params : mapping
        Parameters by name.
    performance : mapping
        Figures, in the shape of `performance.json`.
    thresholds : mapping
        By tag, the probability from which it is predicted.
    predictions : bytes
        The content of `predictions.parquet`.
    info : VersionInfo
        What it was made from.
    model : bytes or None
        The packed model; None where there is none.
    predictor : bytes or None
        The content of `predictor.json`, where a foreign predictor made it.
    """

    params: Mapping[str, object]
    performance: Mapping[str, Any]
    thresholds: Mapping[str, float]
    predictions: bytes
    info: VersionInfo
    model: bytes | None = None
    predictor: bytes | None = None

    def to_files(self) -> dict[str, bytes]:
        """Return the content of each file by its name."""
        optional = {MODEL_FILE: self.model, PREDICTOR_FILE: self.predictor}
        model = {name: content for name, content in optional.items() if content is not None}
        return {
            "params.json": pack_json(self.params),
            "performance.json": pack_json(self.performance),
            "thresholds.json": pack_json(self.thresholds),
            PREDICTIONS_FILE: self.predictions,
            **model,
            "version.json": pack_json(self.info.to_json()),
        }


def new_version(
    trained: "Trained", dataset: Dataset, *, name: str = WORKSPACE, notes: str = ""
) -> NewVersion:
    """Return a trained version, ready to be written.

    The same training gives the same bytes in every file but `version.json`.
    """
    from tagifai.models.persistence import dump_model  # here: a release needs no scikit-learn

    kept = trained.kept
    info = describe_making(trained.predictions, trained.thresholds, dataset, name, notes)
    if kept is not None and not kept.is_exact:
        info = replace(info, stored=kept.to_json())
    return NewVersion(
        params=trained.params.to_dict(),
        performance=trained.performance,
        thresholds=trained.thresholds,
        predictions=pack_predictions(trained.predictions, kept),
        info=info,
        model=dump_model(trained.model),
    )


def version_files(
    trained: "Trained", dataset: Dataset, *, name: str = WORKSPACE, notes: str = ""
) -> dict[str, bytes]:
    """Return the files of a trained version: see `new_version`."""
    return new_version(trained, dataset, name=name, notes=notes).to_files()


def describe_making(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    dataset: Dataset,
    name: str,
    notes: str,
    missing_tags: Mapping[str, int] | None = None,
    packages: Sequence[str] = PACKAGES,
) -> VersionInfo:
    """Return when and from what a version was made, and what its figures should not be taken for.

    Parameters
    ----------
    predictions : Predictions
        The version's predictions.
    thresholds : mapping
        By tag, the probability from which it is predicted.
    dataset : Dataset
        The data that it was made from.
    name, notes : str
        Its name, and a line about it.
    missing_tags : mapping, optional
        Projects by tag of the data that is not predicted.
    packages : sequence of str
        Those that it was computed with.
    """
    texts = {project.id: project.text for project in dataset.projects}
    leakage = measure_leakage([texts[one] for one in predictions.ids], predictions.split.tolist())
    return VersionInfo(
        name=name,
        created=_now(),
        notes=notes,
        out_of_fold=predictions.out_of_fold,
        tags=list(predictions.tags),
        num_projects=len(predictions.ids),
        num_negatives=int((predictions.y_true.sum(axis=1) == 0).sum()),
        untagged=dataset.config.untagged,
        left_out=find_left_out(dataset),
        data_digest=dataset.digest,
        text_digests=digest_texts(p for p in dataset.projects if p.id in predictions.row_of),
        near_duplicates=leakage,
        warnings=tuple(find_warnings(predictions, thresholds, dataset, leakage)),
        code_digest=digest_code(),
        python=platform.python_version(),
        packages={package: _installed(package) for package in packages},
        missing_tags=missing_tags,
        decisions_only=predictions.decisions_only,
    )


def release_workspace(
    source: VersionSource,
    name: str,
    notes: str = "",
    target: VersionSource | None = None,
    links: Mapping[str, str] | None = None,
) -> None:
    """Freeze the workspace under a name.

    Parameters
    ----------
    source : VersionSource
        The home of the workspace.
    name : str
        The release's name.
    notes : str
        One line of at most 500 characters.
    target : VersionSource, optional
        Where the release is written; `source` by default.
    links : mapping, optional
        By name, addresses to show on the version's card.

    Raises
    ------
    TagifaiError
        There is no workspace, the name is taken or not allowed, `notes` are too long, or a link
        is not a web address.
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
    info = parse_info(files.get("version.json", b"{}"), f"{WORKSPACE}/version.json")
    before = info.get("links")
    links = {**(before if isinstance(before, dict) else {}), **links}
    info |= {"name": name, "notes": notes, "links": links, "released": _now()}
    (target or source).write(name, {**files, "version.json": pack_json(info)})


def describe_usage(found: object) -> str:
    """Return what `version.json` says of asking a server, "" where it does not say it.

    >>> describe_usage({"requests": 2, "seconds": 1.0, "prompt_tokens": 100, "cost": 0.25})
    '2 requests of 0.5 s on average; 100 tokens, cost 0.25'
    """
    try:
        return str(msgspec.convert(found, Usage))
    except msgspec.ValidationError:
        return ""


def is_web_address(address: object) -> bool:
    """Check whether an address may be shown as a link.

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
