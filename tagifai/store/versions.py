"""The evaluation store: parameters, performance, thresholds and predictions by version."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from tagifai.errors import TagifaiError, one_of
from tagifai.limits import Limits
from tagifai.predictions import DEFAULT_THRESHOLD, Predictions
from tagifai.store.naming import WORKSPACE, version_order
from tagifai.store.parsing import (
    as_fraction,
    parse_info,
    parse_params,
    parse_performance,
    parse_thresholds,
)
from tagifai.store.prediction_table import PREDICTIONS_FILE, unpack_predictions
from tagifai.store.sources import (
    FILES,
    MODEL_FILE,
    NPZ_FILE,
    PICKLE_FILE,
    FolderSource,
    VersionSource,
    read_files,
)

__all__ = [
    "FILES",
    "WORKSPACE",
    "FolderSource",
    "Predictions",
    "Version",
    "VersionSource",
    "load_version",
    "open_source",
    "parse_performance",
    "read_files",
    "version_order",
]

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, eq=False)
class Version:
    """A trained model's release, without its large files, which are read when asked for.

    Attributes
    ----------
    name : str
        The version's name.
    params : mapping
        Its parameters, as params.json has them.
    performance : mapping
        The groups overall, class, slices ({overall, class}) and behavioral ({score, results}),
        each perhaps empty, and perhaps a "note" on all of them.
    info : mapping
        version.json.
    thresholds : mapping
        By tag, the probability from which it is predicted.
    fingerprint : str
        Changes with the content of any file.
    source : VersionSource
        Where the large files are read from.
    """

    name: str
    params: Mapping[str, Any]
    performance: Mapping[str, Any]
    info: Mapping[str, Any]
    thresholds: Mapping[str, float]
    fingerprint: str
    source: VersionSource = field(repr=False)

    def threshold(self, tag: str) -> float:
        """Return the probability from which `tag` is predicted, by default 0.5."""
        return self.thresholds.get(tag, DEFAULT_THRESHOLD)

    @property
    def out_of_fold(self) -> str:
        """Whether the probabilities of train projects are out of fold: "yes", "no" or "unknown".

        Older versions do not record it; their parameters show whether `train` made them, which
        means "yes".
        """
        recorded = self.info.get("out_of_fold")
        if recorded is None:
            return "yes" if "folds" in self.params else "unknown"
        return str(recorded)

    @property
    def decisions_only(self) -> bool:
        """Whether its "probabilities" are decisions, 0 or 1, for want of better."""
        return self.info.get("decisions_only") is True

    def load_predictions(self) -> Predictions | None:
        """Read the predictions; None where the version has none.

        Raises
        ------
        TagifaiError
            The file is damaged or its values are invalid.
        """
        most = self.source.limits.unpacked
        content = self.source.read(self.name, PREDICTIONS_FILE)
        if content is not None:
            where = f"{self.name}/{PREDICTIONS_FILE}"
            return unpack_predictions(content, where, most, self.info.get("out_of_fold"))
        content = self.source.read(self.name, NPZ_FILE)
        if content is None:
            return None
        found = Predictions.from_bytes(content, f"{self.name}/{NPZ_FILE}", most, self.out_of_fold)
        return replace(found, decisions_only=self.decisions_only)

    def read_model(self) -> bytes | None:
        """Read the model's file, unopened; None where the version has none."""
        return self.source.read(self.name, MODEL_FILE)

    def read_pickle(self) -> bytes | None:
        """Read the pickled model's file, unopened; None where the version has none."""
        return self.source.read(self.name, PICKLE_FILE)


def open_source(
    spec: str,
    cache_dir: Path | str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> VersionSource:
    """Open a home of versions: a folder's path, `git:PATH_OR_URL`, `mlflow:URI` or `hf:ORG/NAME`.

    Parameters
    ----------
    spec : str
        The home of versions.
    cache_dir : Path or str, optional
        Where fetched files are cached; by default only until the program ends.
    limits : Limits
        How large files may be.

    Raises
    ------
    TagifaiError
        The place does not exist, or is of no allowed kind.
    """
    kind, _, rest = spec.partition(":")
    if kind == "git":
        from tagifai.store.git_source import GitSource

        return GitSource(rest, cache_dir, limits=limits)
    if kind == "mlflow":
        from tagifai.store.mlflow_source import MlflowSource

        return MlflowSource(rest, limits)
    if kind == "hf":
        from tagifai.store.hub_source import HubSource

        return HubSource(rest, limits)
    return FolderSource(spec, limits)


def load_version(source: VersionSource, name: str) -> Version:
    """Read and check a version's small files.

    Raises
    ------
    TagifaiError
        An unknown name, no performance.json, or a malformed file; the message names file and
        field.
    """
    names = source.names()
    if name not in names:
        raise one_of("version", name, names)

    def read(filename: str, parse: Callable[[bytes, str], Parsed]) -> Parsed | None:
        content = source.read(name, filename)
        return None if content is None else parse(content, f"{name}/{filename}")

    performance = read("performance.json", parse_performance)
    if performance is None:
        raise TagifaiError(f"version {name!r} has no performance.json in {source.location}")
    params = read("params.json", parse_params) or {}
    info = read("version.json", parse_info) or {}
    thresholds = read("thresholds.json", parse_thresholds)
    return Version(
        name=name,
        params=params,
        performance=performance,
        info=info,
        thresholds=thresholds or _common_threshold(params, performance),
        fingerprint=source.fingerprint(name),
        source=source,
    )


def _common_threshold(
    params: Mapping[str, object], performance: Mapping[str, Any]
) -> dict[str, float]:
    # Older versions have one threshold for all tags, among the parameters.
    common = as_fraction(params.get("threshold"))
    return {} if common is None else dict.fromkeys(performance["class"], common)
