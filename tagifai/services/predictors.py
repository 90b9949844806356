"""Open the predictor of any version: our own model, or what its `predictor.json` names."""

import posixpath
from collections.abc import Hashable, Sequence
from functools import cached_property
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.models.adapters.hub import is_of_model
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor import CheckedPredictor
from tagifai.models.predictor_file import PredictorFile, open_predictor, read_predictor_file
from tagifai.models.predictor_spec import (
    FROM_HUB,
    NEED_PERMISSION,
    AllowedPredictors,
    PredictorSpec,
    is_hub_name,
)
from tagifai.store.answer_store import open_answers
from tagifai.store.beside import FileBeside, FileHome, digest_beside, find_beside, take_beside
from tagifai.store.memory_cache import MemoryCache
from tagifai.store.sources import (
    FILES,
    MODEL_FILE,
    PICKLE_FILE,
    PREDICTOR_FILE,
    FolderSource,
    VersionSource,
)
from tagifai.store.versions import Version

if TYPE_CHECKING:  # it brings scikit-learn
    from tagifai.models.classifier import TagClassifier

OWN_FILES = (MODEL_FILE, PICKLE_FILE)
MOST_OPEN = 4


class PredictorStore:
    """Predictors of versions, each loaded once while its files stay the same.

    Parameters
    ----------
    source : VersionSource
        The home of the versions.
    allow_predictor : sequence of str
        What the person who started the program allows, as `AllowedPredictors.of` reads it.
    trust_pickle : bool
        Whether a pickle is loaded whose digest the version records.
    cache_folder : Path, optional
        Where answers that cost money or time are kept, and files of versions that lie in no folder
        of this disk; by default only until the program ends.

    Raises
    ------
    TagifaiError
        `allow_predictor` has a malformed entry.
    """

    def __init__(
        self,
        source: VersionSource,
        allow_predictor: Sequence[str] = (),
        *,
        trust_pickle: bool = False,
        cache_folder: Path | None = None,
    ) -> None:
        self.source = source
        self.allowed = AllowedPredictors.of(allow_predictor)
        self.trust_pickle = trust_pickle
        self._answers = open_answers(cache_folder)
        self._given_cache = cache_folder
        self._models = MemoryCache(MOST_OPEN)
        self._predictors = MemoryCache(MOST_OPEN)
        self._files = MemoryCache(64)

    def has_model(self, name: str) -> bool:
        """Check whether a version has a model of ours, without reading it.

        Beside a `predictor.json`, a model.skops is what that file names.
        """
        if self.source.stamp(name, PREDICTOR_FILE) is not None:
            return False
        return any(self.source.stamp(name, file) is not None for file in OWN_FILES)

    def has_any(self, name: str) -> bool:
        """Check whether a version has a predictor of any kind, without reading it."""
        return self.has_model(name) or self.source.stamp(name, PREDICTOR_FILE) is not None

    def opens(self, name: str) -> bool:
        """Check whether a version has a predictor that is allowed; only small files are read.

        One that turns out to be gone, or to lack a package, says so when it is asked.
        """
        files = (MODEL_FILE, PICKLE_FILE) if self.trust_pickle else (MODEL_FILE,)
        if self.has_model(name):
            return any(self.source.stamp(name, file) is not None for file in files)
        try:
            found = self.file(name)
        except TagifaiError:
            return False
        if found is None:
            return False
        return found.spec.kind not in NEED_PERMISSION or self.allowed.permits(found.spec)

    def file(self, name: str) -> PredictorFile | None:
        """Read which predictor a version names; None where it names none.

        Raises
        ------
        TagifaiError
            The file is not one of a predictor.
        """
        stamp = self.source.stamp(name, PREDICTOR_FILE)
        if stamp is None:
            return None

        def read() -> PredictorFile:
            content = self.source.read(name, PREDICTOR_FILE)
            return read_predictor_file(content or b"", f"{name}/{PREDICTOR_FILE}")

        return self._files.get(name, stamp, read)

    def model(self, version: Version) -> "TagClassifier":
        """Load a version's model of ours safely.

        Raises
        ------
        TagifaiError
            The version has none, a damaged one, or a pickle that is not trusted.
        """
        files = (*OWN_FILES, "version.json")
        stamp = tuple(self.source.stamp(version.name, file) for file in files)
        return self._models.get(
            version.name, stamp, lambda: _load_model(version, self.trust_pickle)
        )

    def predictor(self, version: Version) -> CheckedPredictor:
        """Open a version's predictor: our model where it has one, else the one that it names.

        Raises
        ------
        TagifaiError
            The version has none, or it is not allowed, gone, damaged, or lacks a package; the
            message says what is needed.
        """
        name = version.name
        stamp = self.stamp(name)
        if self.has_model(name):
            return self._predictors.get(name, stamp, lambda: self._own(version))
        file = self.file(name)
        if file is None:
            raise TagifaiError(f"version {name!r} keeps no model, so it cannot predict")
        return self._predictors.get(name, stamp, lambda: self._foreign(version, file))

    def stamp(self, name: str) -> Hashable:
        """Return what changes with the predictor of a version, without reading it."""
        files = (*OWN_FILES, PREDICTOR_FILE, "version.json")
        stamps = tuple(self.source.stamp(name, file) for file in files)
        if self.has_model(name):
            return stamps
        try:
            file = self.file(name)
        except TagifaiError:
            return stamps
        return stamps if file is None else (*stamps, self._stamp_source(name, file.spec))

    def is_open(self, name: str) -> bool:
        """Check whether a version's predictor is loaded."""
        return self._predictors.has(name, self.stamp(name))

    def check_allowed(self, name: str) -> None:
        """Refuse a predictor that the person who started the program did not allow.

        Raises
        ------
        TagifaiError
            The message says which flag allows it.
        """
        file = None if self.has_model(name) else self.file(name)
        if file is not None:
            self.allowed.check(file.spec)

    def _own(self, version: Version) -> CheckedPredictor:
        from tagifai.models.adapters.own import OwnPredictor

        model = self.model(version)
        tags = version.info.get("tags") or list(version.thresholds)
        return CheckedPredictor(OwnPredictor(model, tags), f"of version {version.name}")

    def _foreign(self, version: Version, file: PredictorFile) -> CheckedPredictor:
        name = version.name
        try:
            context = LoadContext(
                folder=self._folder(name, file.spec),
                from_version=True,
                allowed=self.allowed,
                cache=self._answers,
                limits=self.source.limits,
            )
            predictor = open_predictor(file, context)
        except TagifaiError as error:
            raise TagifaiError(f"{name}/{PREDICTOR_FILE}: {error}") from None
        _check_tags(predictor, version)
        return predictor

    def _folder(self, name: str, spec: PredictorSpec) -> Path | None:
        """Return the folder that a version's relative paths start from; None where there is none.

        What lies in another home is copied to the cache first.

        Raises
        ------
        TagifaiError
            Nothing is there, it leaves the version's folder, or it cannot be copied.
        """
        if isinstance(self.source, FolderSource):
            return self.source.path / name
        if not (isinstance(self.source, FileHome) and _is_beside(spec)):
            return None
        found = self._find_beside(self.source, name, spec)
        if not found and spec.kind in FROM_HUB and is_hub_name(spec.source):
            return None
        if not found:
            there = sorted(self.source.list_beside(name).keys() - set(FILES))
            raise TagifaiError(
                f"predictor {shorten(str(spec), 120)}: "
                f"{one_of(f'file or folder of {self.source.location}', spec.source, there)}"
            )
        return take_beside(self.source, name, found, self._cache_folder)

    @cached_property
    def _cache_folder(self) -> Path:
        if self._given_cache is not None:
            return self._given_cache
        self._scratch = TemporaryDirectory(prefix="tagifai-")
        return Path(self._scratch.name)

    def _find_beside(self, home: FileHome, name: str, spec: PredictorSpec) -> dict[str, FileBeside]:
        """List the files of a predictor that lies beside a version's file."""
        if spec.kind in FROM_HUB:
            return find_beside(home, name, spec.source, is_of_model)
        found = find_beside(home, name, spec.source)
        if spec.kind == "onnx" and len(found) == 1 and spec.source.endswith(".onnx"):
            # Its tokenizer, the names of its tags and large tensors lie beside it.
            found |= find_beside(
                home, name, posixpath.dirname(posixpath.normpath(spec.source)) or "."
            )
        return found

    def _stamp_source(self, name: str, spec: PredictorSpec) -> Hashable:
        """Return what changes with the file or folder that a predictor is loaded from."""
        if spec.kind in NEED_PERMISSION or (spec.kind in FROM_HUB and spec.revision):
            return None
        try:
            if isinstance(self.source, FileHome) and _is_beside(spec):
                return digest_beside(self._find_beside(self.source, name, spec))
            root = self.source.path / name if isinstance(self.source, FolderSource) else Path()
            found = (root / spec.source).stat()
        except (TagifaiError, OSError, ValueError):
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


def _is_beside(spec: PredictorSpec) -> bool:
    """Check whether a predictor may lie beside the version's file that names it."""
    elsewhere = spec.kind in NEED_PERMISSION or bool(spec.revision)
    return not elsewhere and not PurePath(spec.source).is_absolute()


def _check_tags(predictor: CheckedPredictor, version: Version) -> None:
    """Refuse a predictor of other tags than those that the version was made with."""
    recorded = version.info.get("tags")
    if not isinstance(recorded, list) or set(recorded) == set(predictor.tags):
        return
    new = sorted(set(predictor.tags) - set(recorded))
    gone = sorted(set(map(str, recorded)) - set(predictor.tags))
    what = f"it has {new[0]!r}, which the version lacks" if new else f"it lacks {gone[0]!r}"
    raise TagifaiError(
        f"predictor {predictor.name}: not the one that version {version.name!r} was made with: "
        f"{shorten(what)}; make the version again (add-version)"
    )


def _load_model(version: Version, trust_pickle: bool) -> "TagClassifier":
    from tagifai.models.persistence import load_model, load_pickle

    content = version.read_model()
    if content is not None:
        try:
            return load_model(content, version.source.limits)
        except TagifaiError as error:
            raise TagifaiError(f"{version.name}/{MODEL_FILE}: {error}") from None
    content = version.read_pickle()
    if content is None:
        raise TagifaiError(
            f"version {version.name!r} keeps no model of tagifai's own, which is needed here"
        )
    try:
        recorded, limits = version.info.get("model_sha256"), version.source.limits
        return load_pickle(content, recorded, trusted=trust_pickle, limits=limits)
    except TagifaiError as error:
        raise TagifaiError(f"{version.name}/{PICKLE_FILE}: {error}") from None
