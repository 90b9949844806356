"""Save a tag's threshold: in the workspace, which for a release becomes a copy of it."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from tagifai.behavioral import saved_tests
from tagifai.errors import TagifaiError, one_of
from tagifai.models.predictor import Cancelled, PredictionCancelled, Progress
from tagifai.models.predictor_file import PredictorFile, dump_predictor_file
from tagifai.models.predictor_spec import NEED_PERMISSION
from tagifai.permissions import Visit, WriteRules
from tagifai.selection import describe_decisions
from tagifai.services.versions import VersionService
from tagifai.store.naming import WORKSPACE
from tagifai.store.prediction_table import PREDICTIONS_FILE
from tagifai.store.sources import (
    MODEL_FILE,
    NPZ_FILE,
    PICKLE_FILE,
    PREDICTOR_FILE,
    FolderSource,
    pack_json,
)
from tagifai.store.versions import parse_info, read_files
from tagifai.training.rescoring import rescore

# What a version predicts by, whatever its thresholds.
_PREDICTS_BY = (PREDICTIONS_FILE, NPZ_FILE, MODEL_FILE, PICKLE_FILE)
INFO_FILE = "version.json"


class ThresholdKeeper:
    """Save thresholds of versions whose home can be written.

    A release never changes: its threshold is saved in the workspace, which becomes a copy of the
    release, unless something would be lost by that.

    Parameters
    ----------
    versions : VersionService
        The versions.
    rules : WriteRules
        Who may write.
    """

    def __init__(self, versions: VersionService, rules: WriteRules) -> None:
        self.versions = versions
        self.rules = rules

    def why_fixed(self, name: str) -> str:
        """Return why the thresholds of a version cannot be saved, "" where they can."""
        if self.versions.load(name).decisions_only:
            return describe_decisions(self.versions.predictions(name))
        try:
            self.versions.source.check_writable(WORKSPACE)
            self._base_of(name)
        except TagifaiError as error:
            return str(error)
        return ""

    def save(
        self,
        name: str,
        tag: str,
        threshold: float,
        visit: Visit,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> str:
        """Write a tag's threshold, score the version again, and return a message.

        Behavioral tests are run again where the version can predict; the message says where
        they are left out.

        Raises
        ------
        PredictionCancelled
            ``cancelled`` returned true; nothing was saved.
        TagifaiError
            The visitor may not write, the home is only read, a workspace that nothing else holds
            would be lost, or an unknown tag.
        """
        self.rules.reviewer_of(visit)
        if why := self.why_fixed(name):
            raise TagifaiError(f"thresholds of {name!r} cannot be kept: {why}")
        base = self._base_of(name)
        thresholds = self.versions.thresholds(base)
        if tag not in thresholds:
            raise one_of("tag", tag, thresholds)
        files, left_out = self._rescore(base, thresholds | {tag: threshold}, progress, cancelled)
        if base != WORKSPACE:
            files |= self._as_workspace(base, files)
        if cancelled is not None and cancelled():
            raise PredictionCancelled("cancelled")
        self.versions.source.write(WORKSPACE, {**read_files(self.versions.source, base), **files})
        message = f"Kept: {WORKSPACE} predicts {tag} from {threshold:.3f} on, everywhere.{left_out}"
        if name == WORKSPACE:
            return message
        return f"{message} It has the model of {name}, which itself never changes."

    def _rescore(
        self,
        name: str,
        thresholds: dict[str, float],
        progress: Progress | None,
        cancelled: Cancelled | None,
    ) -> tuple[dict[str, bytes], str]:
        """Return the files that change, and what is left out of them, in words."""
        data = self.versions.data.get()
        again = partial(
            rescore,
            self.versions.load(name),
            self.versions.predictions(name),
            thresholds,
            dataset=data.dataset,
            slices=self.versions.slices(),
        )
        try:
            predictor = self.versions.predictor(name)
            saved = saved_tests(self.versions.data.folder, data.tag_names)
            files = again(predictor=predictor, saved=saved, progress=progress, cancelled=cancelled)
        except PredictionCancelled:
            raise
        except TagifaiError as error:
            return again(), f" Behavioral tests are left out: {str(error).rstrip('.')}."
        return files, ""

    def _base_of(self, name: str) -> str:
        """Return the version whose thresholds change: the workspace where it has the same model.

        Raises
        ------
        TagifaiError
            The workspace has another model, which no release holds.
        """
        source = self.versions.source
        names = source.names()
        if name == WORKSPACE or WORKSPACE not in names:
            return name
        if self._is_alike(name, WORKSPACE):
            return WORKSPACE
        releases = [one for one in names if one != WORKSPACE]
        if not any(self._is_alike(one, WORKSPACE, "thresholds.json") for one in releases):
            raise TagifaiError(
                f"a release is never changed; its thresholds are kept in {WORKSPACE!r}, which has "
                f"another model that no release holds: `tagifai release NAME` makes it one"
            )
        return name

    def _is_alike(self, name: str, other: str, *more: str) -> bool:
        """Check whether two versions predict by the same files."""
        source, files = self.versions.source, (*_PREDICTS_BY, *more)
        sizes = [
            {file: size for file, size in source.sizes(one).items() if file in files}
            for one in (name, other)
        ]
        return (
            sizes[0] == sizes[1]
            and self._predictor_of(name) == self._predictor_of(other)
            and all(source.read(name, file) == source.read(other, file) for file in sizes[0])
        )

    def _as_workspace(self, name: str, changed: dict[str, bytes]) -> dict[str, bytes]:
        """Return what a copy of a release says of itself, and where its predictor lies."""
        info = parse_info(changed[INFO_FILE], f"{name}/{INFO_FILE}")
        info = {key: value for key, value in info.items() if key != "released"}
        info |= {"name": WORKSPACE, "notes": f"{name} with other thresholds."}
        files = {INFO_FILE: pack_json(info)}
        file = self._predictor_of(name)
        return files if file is None else {**files, PREDICTOR_FILE: dump_predictor_file(file)}

    def _predictor_of(self, name: str) -> PredictorFile | None:
        """Read which predictor a version names; a relative path starts from its own folder."""
        file, source = self.versions.predictors.file(name), self.versions.source
        if (
            file is None
            or file.spec.kind in NEED_PERMISSION
            or not isinstance(source, FolderSource)
        ):
            return file
        place = source.path.absolute() / name / file.spec.source
        if Path(file.spec.source).is_absolute() or not place.exists():
            return file
        return replace(file, spec=replace(file.spec, source=str(place)))
