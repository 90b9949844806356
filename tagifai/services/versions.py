"""Read versions and predict with them; what was read is cached while their files stay the same."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tagifai.data import Project
from tagifai.data.files import stamp_file
from tagifai.data.left_out import LeftOut, name_counts
from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.inference import TextPrediction, predict_tags, predict_with
from tagifai.inspection import require_predictions
from tagifai.metrics import PAIRS_OF
from tagifai.metrics.reading import state_covered
from tagifai.models.predictor import Cancelled, CheckedPredictor, Progress
from tagifai.predictions import Predictions
from tagifai.services.data import DataService
from tagifai.services.predictors import PredictorStore
from tagifai.slices import SLICE_FILE, Slice, load_slices, select_slices
from tagifai.store.cache import ContentCache
from tagifai.store.history import (
    BEHAVIORAL_METRICS,
    KEY_METRICS,
    HistoryRow,
    Key,
    PerformanceIndex,
    count_samples,
    label_of,
)
from tagifai.store.memory_cache import MemoryCache
from tagifai.store.naming import latest_version, version_order
from tagifai.store.prediction_table import PREDICTIONS_FILE
from tagifai.store.sources import (
    MODEL_FILE,
    NPZ_FILE,
    PICKLE_FILE,
    PREDICTOR_FILE,
    VersionSource,
)
from tagifai.store.versions import Version, load_version
from tagifai.training.version_warnings import VersionWarning, read_warnings

if TYPE_CHECKING:  # it brings scikit-learn
    from tagifai.models.classifier import TagClassifier

# Texts whose features are in memory together.
_AT_ONCE = 1_000
# What of a version is needed, by the files that any one of them holds it.
KEEPS = {
    "figures": ("performance.json",),
    "predictions": (PREDICTIONS_FILE, NPZ_FILE),
    "predictor": (MODEL_FILE, PICKLE_FILE, PREDICTOR_FILE),
}


@dataclass(frozen=True, slots=True)
class VersionCard:
    """What is known of a version.

    Attributes
    ----------
    info : mapping
        What its version.json says, but for long lists; of somebody else's version anything.
    left_out, missing_tags : str
        What it did not learn from, and frequent tags without predictions, in words.
    averaged_over : str or None
        Over how many tags its overall F1 is averaged, in words.
    warnings : tuple of VersionWarning
        What its figures should not be taken for.
    sizes : mapping of str to int
        Bytes by file.
    """

    name: str
    info: Mapping[str, object]
    left_out: str
    missing_tags: str
    num_tags: int
    num_test_projects: int | None
    averaged_over: str | None
    warnings: tuple[VersionWarning, ...]
    sizes: Mapping[str, int]
    params: Mapping[str, object]

    def to_dict(self) -> dict[str, object]:
        """Return plain data, as JSON has it; what `info` says comes first."""
        return {
            **self.info,
            "name": self.name,
            "left_out": self.left_out,
            "missing_tags": self.missing_tags,
            "num_tags": self.num_tags,
            "num_test_projects": self.num_test_projects,
            "averaged_over": self.averaged_over,
            "warnings": [one.to_dict() for one in self.warnings],
            "sizes": dict(self.sizes),
            "params": dict(self.params),
        }


class VersionService:
    """Versions of one source, read when asked for, with answers from the cache."""

    def __init__(
        self,
        source: VersionSource,
        cache: ContentCache,
        data: DataService,
        *,
        trust_pickle: bool = False,
        allow_predictor: Sequence[str] = (),
        cache_folder: Path | None = None,
    ) -> None:
        self.source = source
        self.trust_pickle = trust_pickle
        self.predictors = PredictorStore(
            source, allow_predictor, trust_pickle=trust_pickle, cache_folder=cache_folder
        )
        self.cache = cache
        self.data = data
        self._versions = MemoryCache(64)
        self._predictions = MemoryCache(8)
        self._answers = MemoryCache(64)
        self._index = PerformanceIndex(source)

    def names(self) -> list[str]:
        """List the versions in version order, the workspace last.

        Raises
        ------
        TagifaiError
            There is none.
        """
        names = self.source.names()
        if not names:
            raise TagifaiError(f"no version in {self.source.location}: {self.source.why_none()}")
        return names

    def latest(self, keeps: str = "figures", names: Sequence[str] | None = None) -> str:
        """Name the latest version that keeps what is needed: see `latest_version`.

        Parameters
        ----------
        keeps : {"figures", "predictions", "predictor"}
            What it is needed for.
        names : sequence of str, optional
            Where to look; all versions by default.

        Raises
        ------
        TagifaiError
            There is no version, or none that keeps it; the message says which commands do.
        """
        if keeps not in KEEPS:
            raise one_of("part of a version", keeps, KEEPS)
        names = self.names() if names is None else names
        found = latest_version(names, lambda name: self.keeps(keeps, name), self._created)
        if found is None and keeps == "predictor":
            # What is not allowed says so when it is asked.
            found = latest_version(names, self.can_predict, self._created)
        if found is None:
            raise self._none_keeps(keeps, names)
        return found

    def keeps(self, part: str, name: str) -> bool:
        """Check whether a version has figures and keeps a part of `KEEPS`, without reading it.

        A predictor has to be allowed, too.
        """
        if self.source.stamp(name, "performance.json") is None:
            return False
        if part == "predictor":
            return self.predictors.opens(name)
        return any(self.source.stamp(name, file) is not None for file in KEEPS[part])

    def _that_keep(self, part: str, names: Sequence[str]) -> list[str]:
        return [name for name in names if self.keeps(part, name)]

    def _none_keeps(self, keeps: str, names: Sequence[str]) -> TagifaiError:
        listed = shorten(", ".join(sorted(names, key=version_order)), 200)
        lacking = {
            "figures": "has a performance.json",
            "predictions": "keeps predictions",
            "predictor": "keeps a model, so none can predict",
        }[keeps]
        makes = {
            "figures": "`train` and `import-predictions` make one that has",
            "predictions": "`train` and `import-predictions` make one that does",
            "predictor": "`train` and `add-version --predictor` make one that does",
        }[keeps]
        return TagifaiError(
            f"no version in {self.source.location} {lacking} (there: {listed}); {makes}"
        )

    def _created(self, name: str) -> str:
        try:
            info = self.load(name).info
        except TagifaiError:
            return ""
        return str(info.get("released") or info.get("created") or "")

    def load(self, name: str) -> Version:
        """Read a version's small files.

        Raises
        ------
        TagifaiError
            The name is unknown, or a file is missing or malformed.
        """
        names = self.source.names()
        if name not in names:
            raise one_of("version", name, names)
        return self._versions.get(name, self.stamp(name), lambda: load_version(self.source, name))

    def history(self, labels: Sequence[str] | None = None) -> list[HistoryRow]:
        """Tabulate figures of every version; the key metrics where no labels are given.

        Raises
        ------
        TagifaiError
            There is no version, or none has a figure of that label.
        """
        self.names()
        return self._index.history(KEY_METRICS if labels is None else self._keys(labels))

    def figure_names(self) -> dict[str, Key]:
        """Name in words every figure that some version has, the key metrics first."""
        self.history()
        named = {label_of(key): key for key in self._index.known_figures()}
        return {**KEY_METRICS, **BEHAVIORAL_METRICS, **named}

    def support(self, name: str, labels: Sequence[str]) -> dict[str, int]:
        """Count by label the projects, positives, pairs or tests behind a version's figures.

        Where the number is not known, the label is left out.
        """
        performance = self.load(name).performance
        samples, overall = count_samples(performance), performance["overall"]
        found = {
            label: overall.get(PAIRS_OF[key[2]])
            if key[0] == "overall" and key[2] in PAIRS_OF
            else samples.get(key[:2])
            for label, key in self._keys(labels).items()
        }
        return {label: int(number) for label, number in found.items() if number is not None}

    def _keys(self, labels: Sequence[str]) -> dict[str, Key]:
        if all(label in KEY_METRICS for label in labels):
            return {label: KEY_METRICS[label] for label in labels}
        named = self.figure_names()
        for label in labels:
            if label not in named:
                raise one_of("metric", label, named)
        return {label: named[label] for label in labels}

    def predictions(self, name: str) -> Predictions:
        """Read a version's predictions.

        Raises
        ------
        TagifaiError
            The version has none, or they are damaged.
        """
        return require_predictions(self.maybe_predictions(self.load(name)), name)

    def model(self, name: str) -> "TagClassifier":
        """Load a version's model of ours safely; see `predictor` for any.

        Raises
        ------
        TagifaiError
            The version has no model of ours, or a damaged one.
        """
        self.require_predictor(name)
        return self.predictors.model(self.load(name))

    def predictor(self, name: str) -> CheckedPredictor:
        """Open a version's predictor, of whatever kind; it is loaded once.

        Raises
        ------
        TagifaiError
            The version has none, or it is not allowed, gone, damaged or lacks a package; the
            message says what is needed.
        """
        self.require_predictor(name)
        return self.predictors.predictor(self.load(name))

    def require_predictor(self, name: str) -> None:
        """Refuse a version that cannot predict, and name those that can.

        Raises
        ------
        TagifaiError
            The version has predictions alone, or there is no such version.
        """
        names = self.source.names()
        if name in names and self.can_predict(name):
            return
        able = self._that_keep("predictor", names)
        if name in names:
            raise TagifaiError(
                f"version {name!r} keeps no model, so it cannot predict; versions that can: "
                f"{', '.join(able[:20]) or 'none'}"
            )
        raise one_of("version", name, able) if able else self._none_keeps("predictor", names)

    def can_predict(self, name: str) -> bool:
        """Check whether a version has a predictor of any kind, without reading it."""
        return self.predictors.has_any(name)

    def keeps_model(self, name: str) -> bool:
        """Check whether a version has a model of ours, without reading it."""
        return self.predictors.has_model(name)

    def thresholds(self, name: str) -> dict[str, float]:
        """Return the threshold of each tag that the version's predictions have."""
        version = self.load(name)
        return {tag: version.threshold(tag) for tag in self.predictions(name).tags}

    def predict(
        self,
        name: str,
        texts: Sequence[str],
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> list[TextPrediction]:
        """Predict the tags of texts with a version's predictor and thresholds.

        Raises
        ------
        PredictionCancelled
            ``cancelled`` returned true.
        TagifaiError
            The version has no predictor, or it fails.
        """
        self.require_predictor(name)
        version = self.load(name)
        if not self.keeps_model(name):
            predictor = self.predictor(name)
            cuts = {tag: version.threshold(tag) for tag in predictor.tags}
            return predict_with(predictor, cuts, texts, progress, cancelled)
        model = self.model(name)
        tags = version.info.get("tags") or list(version.thresholds)
        thresholds = {tag: version.threshold(tag) for tag in tags}
        return [
            prediction
            for start in range(0, len(texts), _AT_ONCE)
            for prediction in predict_tags(model, tags, thresholds, texts[start : start + _AT_ONCE])
        ]

    def note(self, name: str) -> str:
        """Describe which projects a version's figures leave out, or count otherwise than the data.

        "" where they count all projects as `data.toml` now says.
        """
        version = self.load(name)
        note = _sentence(version.performance.get("note", ""))
        try:
            config = self.data.get().dataset.config
        except TagifaiError:
            return note
        counted_as = version.info.get("untagged")
        if counted_as is None and "data_digest" in version.info:
            note = (
                "Made when projects without a learned tag were left out: "
                "make the version again to count them."
            )
        elif counted_as is not None and counted_as != config.untagged:
            note += (
                f" Untagged projects count as {shorten(str(counted_as), 20)} in this version, "
                f"and are {config.untagged} by data.toml now: make the version again."
            )
        return note.strip()

    def warnings(self, name: str) -> list[str]:
        """List what the figures of a version should not be taken for, a sentence each."""
        return [one.message for one in read_warnings(self.load(name).info.get("warnings"))]

    def notes(self) -> dict[str, str]:
        """Describe by version what its figures leave out, where they leave out anything."""
        self.history()
        return {name: _sentence(note) for name, note in self._index.notes().items()}

    def describe(self, name: str) -> VersionCard:
        """Describe a version: when it was made, from what, with which parameters.

        Raises
        ------
        TagifaiError
            The version is unknown or damaged.
        """
        version = self.load(name)
        lists = ("tags", "text_digests")
        info = {key: value for key, value in version.info.items() if key not in lists}
        return VersionCard(
            name=name,
            info=info,
            left_out=str(LeftOut.of(info.get("left_out"))).replace("\n", "; "),
            missing_tags=_counted_names(info.get("missing_tags")),
            num_tags=len(version.info.get("tags") or version.performance["class"]),
            num_test_projects=version.performance["overall"].get("num_samples"),
            averaged_over=state_covered(version.performance).get("f1"),
            warnings=tuple(read_warnings(info.get("warnings"))),
            sizes=self.source.sizes(name),
            params=version.params,
        )

    def maybe_predictions(self, version: Version) -> Predictions | None:
        """Read a version's predictions, None if it has none."""
        return self._predictions.get(
            version.name,
            (
                *(self.source.stamp(version.name, file) for file in KEEPS["predictions"]),
                version.out_of_fold,
                version.decisions_only,
            ),
            version.load_predictions,
        )

    def slice_members(self) -> tuple[str, dict[str, set[str]]]:
        """Return a stamp of the slices' content, and the ids of each slice's projects."""
        try:
            data = self.data.get()
        except TagifaiError:
            return "no data", {}
        slices = self.slices()
        stamp = (data.dataset.digest, repr(stamp_file(self.data.folder / SLICE_FILE)))
        members = self._answers.get(
            "slice members",
            stamp,
            lambda: {
                name: {
                    p.id for p, inside in zip(data.dataset.projects, mask, strict=True) if inside
                }
                for name, mask in select_slices(
                    data.dataset.projects, data.preprocess, slices
                ).items()
            },
        )
        return "/".join(stamp), members

    def slices(self) -> dict[str, Slice]:
        """Read the data folder's slices; their tags are checked where the data can be read."""
        path = self.data.folder / SLICE_FILE
        try:
            dataset = self.data.get().dataset
        except TagifaiError:
            dataset = None
        stamp = stamp_file(path), dataset and dataset.digest
        return self._answers.get("slices", stamp, lambda: load_slices(path.parent, dataset))

    def texts(self) -> Mapping[str, Project]:
        """Return the data's projects by id, none if the data cannot be read."""
        # Without its data a version still tells ids, truths and probabilities.
        try:
            return self.data.get().by_id
        except TagifaiError:
            return {}

    def text_of(self, project: str) -> str:
        """Return a project's text as predictors are given it.

        Raises
        ------
        TagifaiError
            The data does not have the project.
        """
        texts = self.texts()
        if project not in texts:
            raise TagifaiError(f"project {project!r} is not in the data (any more)")
        return replace_surrogates(texts[project].text)

    def stamp(self, name: str) -> Hashable:
        """Return a value that changes with the content of a version."""
        return self.source.fingerprint(name)


def _sentence(note: str) -> str:
    return f"{note.rstrip('.')}." if note else ""


def _counted_names(found: object) -> str:
    counts = LeftOut.of({"unlisted": found}).unlisted
    return name_counts(counts) if counts else ""
