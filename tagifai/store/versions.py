"""The evaluation store: parameters, performance, thresholds and predictions by version."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.limits import Limits
from tagifai.predictions import DEFAULT_THRESHOLD, OUT_OF_FOLD, Predictions
from tagifai.store.naming import WORKSPACE, version_order
from tagifai.store.sources import (
    FILES,
    MODEL_FILE,
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

_FRACTIONS = ("precision", "recall", "f1")
_OLD_NAMES = {"behavioral_report": "behavioral"}
_GROUPS = ("overall", "class", "slices", "behavioral")


@dataclass(frozen=True, eq=False)
class Version:
    """A trained model's release, without its heavy files: they are read when asked for.

    `performance` has the groups overall, class, slices ({overall, class}) and behavioral
    ({score, results}), each perhaps empty, and perhaps a "note" on all of them. `info` is
    version.json. `fingerprint` names the content of all files.
    """

    name: str
    params: Mapping[str, Any]
    performance: Mapping[str, Any]
    info: Mapping[str, Any]
    thresholds: Mapping[str, float]
    fingerprint: str
    source: VersionSource = field(repr=False)

    def threshold(self, tag: str) -> float:
        """Return the probability from which `tag` is predicted; 0.5 where nothing else is said."""
        return self.thresholds.get(tag, DEFAULT_THRESHOLD)

    @property
    def out_of_fold(self) -> str:
        """Whether the probabilities of train projects are out of fold: "yes", "no" or "unknown".

        Versions from before this was recorded are out of fold where `train` made them, which its
        parameters tell.
        """
        recorded = self.info.get("out_of_fold")
        if recorded is None:
            return "yes" if "folds" in self.params else "unknown"
        return str(recorded)

    def load_predictions(self) -> Predictions | None:
        """Read the predictions, None where the version keeps none.

        Raises:
            TagifaiError: the file is damaged or its values are invalid.
        """
        content = self.source.read(self.name, "predictions.npz")
        where, most = f"{self.name}/predictions.npz", self.source.limits.unpacked
        if content is None:
            return None
        return Predictions.from_bytes(content, where, most, self.out_of_fold)

    def read_model(self) -> bytes | None:
        """Read the model's file, unopened; None where the version keeps none."""
        return self.source.read(self.name, MODEL_FILE)

    def read_pickle(self) -> bytes | None:
        """Read the pickled model's file, unopened; None where the version keeps none."""
        return self.source.read(self.name, PICKLE_FILE)


def open_source(
    spec: str,
    cache_dir: Path | str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> VersionSource:
    """Open a home of versions: a folder's path, `git:PATH_OR_URL`, `mlflow:URI` or `hf:ORG/NAME`.

    What is fetched from elsewhere is kept below `cache_dir`; None keeps it until the end.
    `limits` say how large files may be.

    Raises:
        TagifaiError: the place does not exist or is of no allowed kind.
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

    Raises:
        TagifaiError: unknown name, no performance.json, or a malformed file; the message
            names file and field.
    """
    names = source.names()
    if name not in names:
        raise one_of("version", name, names)
    content = source.read(name, "performance.json")
    if content is None:
        raise TagifaiError(f"version {name!r} has no performance.json in {source.location}")
    params = _load_object(source, name, "params.json")
    info = _load_object(source, name, "version.json")
    if info.get("out_of_fold", OUT_OF_FOLD[0]) not in OUT_OF_FOLD:
        wanted = f"one of {', '.join(OUT_OF_FOLD)}"
        raise _wrong(f"{name}/version.json", "out_of_fold", wanted, info["out_of_fold"])
    performance = parse_performance(content, f"{name}/performance.json")
    return Version(
        name=name,
        params=params,
        performance=performance,
        info=info,
        thresholds=_load_thresholds(source, name) or _common_threshold(params, performance),
        fingerprint=source.fingerprint(name),
        source=source,
    )


def parse_performance(content: bytes, where: str = "performance.json") -> dict[str, Any]:
    """Read performance.json in today's and older shapes, and bring it to today's.

    "behavioral_report" is read as "behavioral"; slices given by name are put under "class",
    and their missing "overall" is their average weighted by num_samples. null stands for an
    undefined figure; a 0 that the counts beside it show to be undefined, as older versions wrote
    it, becomes null. What isn't known is kept.

    Raises:
        TagifaiError: not JSON, or a wrong type; the message starts with `where` and names
            the field.
    """
    found = _parse_object(content, where)
    for old, new in _OLD_NAMES.items():
        if old in found and new not in found:
            found[new] = found.pop(old)
    if not any(group in found for group in _GROUPS):
        raise TagifaiError(f"{where}: none of {', '.join(_GROUPS)} in it")
    performance = {**found, **{g: _object(found.get(g, {}), where, g) for g in _GROUPS}}
    _check_figures(performance["overall"], where, "overall")
    for average in (performance["overall"], *performance["overall"].values()):
        _mark_undefined(average)
    for tag, figures in performance["class"].items():
        _check_figures(figures, where, "class", tag)
        _mark_undefined(figures)
    performance["slices"] = _slices(performance["slices"], where)
    performance["behavioral"] = _behavioral(performance["behavioral"], where)
    if not isinstance(performance.get("note"), str):
        # What somebody else keeps under that name is no note on the figures.
        performance.pop("note", None)
    return performance


def _slices(found: dict[str, Any], where: str) -> dict[str, Any]:
    # "overall" and "class" may also be what somebody calls a slice: only their shape tells.
    nested = not found or "class" in found
    by_name = _object(found.get("class", {}) if nested else found, where, "slices.class")
    for name, figures in by_name.items():
        _check_figures(figures, where, "slices.class", name)
        _mark_undefined(figures)
    if nested and "overall" in found:
        overall = _object(found["overall"], where, "slices.overall")
        _check_figures(overall, where, "slices.overall")
        _mark_undefined(overall)
        return {**found, "class": by_name, "overall": overall}
    return {"class": by_name, "overall": _weighted(by_name)}


def _weighted(by_name: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    overall = {}
    for metric in _FRACTIONS:
        rows = [
            (figures[metric], figures.get("num_samples") or 0)
            for figures in by_name.values()
            if figures.get(metric) is not None
        ]
        total = sum(weight for _, weight in rows)
        if total:
            overall[metric] = sum(value * weight for value, weight in rows) / total
    return overall


def _behavioral(found: dict[str, Any], where: str) -> dict[str, Any]:
    for name in ("score", "name_matcher"):
        score = found.get(name)
        if score is not None and not (_is_number(score) and 0 <= score <= 1):
            raise _wrong(where, f"behavioral.{name}", "a number between 0 and 1", score)
    results = _object(found.get("results", {}), where, "behavioral.results")
    for outcome in ("passed", "failed"):
        listed = results.get(outcome, [])
        if not isinstance(listed, list):
            raise _wrong(where, f"behavioral.results.{outcome}", "a list", listed)
    for group in (found, *_objects(found.get("by_type")), *_objects(found.get("by_group"))):
        if group.get("num_samples") == 0 and group.get("score") == 0:
            group["score"] = None
    lists = {outcome: results.get(outcome, []) for outcome in ("passed", "failed")}
    return {**found, "results": {**results, **lists}} if found else {}


def _check_figures(figures: Any, where: str, group: str, name: str | None = None) -> None:
    # The usual case first, and no text made for it: versions have thousands of figures.
    if type(figures) is not dict:
        raise _wrong(where, _field(group, name), "an object", figures)
    for metric in _FRACTIONS:
        value = figures.get(metric)
        if type(value) is float and 0 <= value <= 1:
            continue
        if value is not None and not (_is_number(value) and 0 <= value <= 1):
            wanted = "a number between 0 and 1"
            raise _wrong(where, f"{_field(group, name)}.{metric}", wanted, value)
    samples = figures.get("num_samples")
    if samples is not None and not (_is_number(samples) and samples >= 0):
        wanted = "a number of 0 or more"
        raise _wrong(where, f"{_field(group, name)}.num_samples", wanted, samples)


def _mark_undefined(figures: Any) -> None:
    """Replace each 0 by None that stands for 0 / 0, by the counts beside it."""
    if not isinstance(figures, dict):
        return
    predicted, undefined = figures.get("num_predicted"), set()
    if figures.get("num_samples") == 0:
        # Without a project that has the tag, F1 and precision are defined where it is predicted.
        undefined = {"recall"} if predicted else set(_FRACTIONS)
    elif predicted == 0:
        undefined = {"precision"}
    for metric in undefined:
        if figures.get(metric) == 0:
            figures[metric] = None


def _objects(found: Any) -> list[dict[str, Any]]:
    values = found.values() if isinstance(found, dict) else ()
    return [one for one in values if isinstance(one, dict)]


def _field(group: str, name: str | None) -> str:
    return group if name is None else f"{group}.{name!r}"


def _load_thresholds(source: VersionSource, name: str) -> dict[str, float]:
    found = _load_object(source, name, "thresholds.json")
    for tag, value in found.items():
        if not (_is_number(value) and 0 <= value <= 1):
            where = f"{name}/thresholds.json"
            raise _wrong(where, repr(tag), "a number between 0 and 1", value)
    return {tag: float(value) for tag, value in found.items()}


def _common_threshold(
    params: Mapping[str, Any], performance: Mapping[str, Any]
) -> dict[str, float]:
    # Before thresholds were kept by tag, one for all stood among the parameters.
    common = params.get("threshold")
    if not (_is_number(common) and 0 <= common <= 1):  # type: ignore[operator]
        return {}
    return {tag: float(common) for tag in performance["class"]}  # type: ignore[arg-type]


def _load_object(source: VersionSource, name: str, filename: str) -> dict[str, Any]:
    content = source.read(name, filename)
    return {} if content is None else _parse_object(content, f"{name}/{filename}")


def _parse_object(content: bytes, where: str) -> dict[str, Any]:
    try:
        found = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise TagifaiError(f"{where}: not JSON: {shorten(str(error), 200)}") from None
    return _object(found, where, "")


def _object(value: Any, where: str, field_name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, field_name, "an object", value)
    return value


def _wrong(where: str, field_name: str, needed: str, value: object) -> TagifaiError:
    at = f"{where}: {shorten(field_name, 120)}: " if field_name else f"{where}: "
    return TagifaiError(f"{at}{needed} is needed, got {shorten(repr(value))}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
