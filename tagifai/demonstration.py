"""The demonstration that comes with the package: data and versions to look at before one's own."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tagifai.errors import TagifaiError
from tagifai.settings import Settings, variable_of
from tagifai.spaces import is_writable

PACKAGE = Path(__file__).parent
# Setting up a wheel copies both folders here (setup.py); a checkout has them beside the package.
HOMES = (PACKAGE / "demo", PACKAGE.parent)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Where the demonstration is: a copy of its data, which may be written, and its versions.

    Attributes
    ----------
    data : Path
        The copy, with the reviews and slices of whoever looks at it.
    models : Path
        Its versions, which are only read.
    lasts : bool
        Whether the copy is still there at the next start.
    """

    data: Path
    models: Path
    lasts: bool

    def applied(self, settings: Settings, given: Mapping[str, object]) -> Settings:
        """Return settings that show it, with whatever else was `given`."""
        chosen = replace(settings, data=self.data, models=str(self.models))
        if is_named("cache_dir", given, os.environ):
            return chosen
        return replace(chosen, cache_dir=self.data.parent / "cache")

    def describe(self) -> str:
        """Return the line that says what is shown, and where reviews and slices are saved."""
        saved = f"Reviews, slices and tests are saved in {self.data}"
        if not self.lasts:
            saved += ", only until this ends: the home folder cannot be written"
        return (
            f"This folder has no data and no model, so this is the demonstration. {saved}. "
            f"For your own: tagifai --data FOLDER --models FOLDER"
        )


def is_named(name: str, given: Mapping[str, object], environment: Mapping[str, str]) -> bool:
    """Check whether a setting has a flag or a variable."""
    return given.get(name) is not None or variable_of(name) in environment


def is_wanted(
    given: Mapping[str, object], environment: Mapping[str, str], folder: Path = Path()
) -> bool:
    """Check whether nothing says what to show: no flag, no variable, no folder of a usual name.

    Parameters
    ----------
    given : mapping
        Arguments of the command line; None where a flag is not given.
    environment : mapping
        Environment variables.
    folder : Path
        Where the program was started.
    """
    if any(is_named(name, given, environment) for name in ("data", "models")):
        return False
    usual = Settings()
    return not any((folder / name).exists() for name in (usual.data, usual.models))


@contextmanager
def open_demonstration(environment: Mapping[str, str]) -> Iterator[Demonstration]:
    """Copy the demonstration's data to where it may be written, once, and say where.

    That is the home folder of whoever starts it, or else a temporary folder, removed in the end.

    Raises
    ------
    TagifaiError
        The demonstration is not there, or no folder can be written.
    """
    source = find_demonstration()
    kept = _keep(source / "data", environment)
    if kept is not None:
        yield Demonstration(kept, source / "model", lasts=True)
        return
    try:
        temporary = tempfile.TemporaryDirectory(prefix="tagifai-", ignore_cleanup_errors=True)
    except OSError as error:
        raise TagifaiError(
            f"no folder can be written for the demonstration: {error.strerror or error}"
        ) from None
    with temporary as folder:
        yield Demonstration(_copy(source / "data", Path(folder)), source / "model", lasts=False)


def find_demonstration() -> Path:
    """Return the folder that has the demonstration's `data` and `model`.

    Raises
    ------
    TagifaiError
        It is not there.
    """
    for home in HOMES:
        if (home / "data" / "projects.json").is_file() and (home / "model").is_dir():
            return home
    raise TagifaiError(
        "the demonstration is not installed: name your own folders with --data and --models"
    )


def _keep(source: Path, environment: Mapping[str, str]) -> Path | None:
    """Return a copy in the home folder, None where it cannot be written."""
    home = _home(environment)
    if home is None:
        return None
    try:
        data = _copy(source, home)
    except OSError:
        return None
    return data if is_writable(data) else None


def _home(environment: Mapping[str, str]) -> Path | None:
    """Return the folder for what a program saves for its user, None where there is no home."""
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        folder = Path(environment.get(variable) or ".")
        if folder.is_absolute():
            return folder / "tagifai"
    try:
        return Path.home() / ".local" / "share" / "tagifai"
    except RuntimeError:
        return None


def _copy(source: Path, home: Path) -> Path:
    """Return a copy of a data folder, made unless there is one of this very content."""
    files = sorted(path for path in source.iterdir() if path.suffix in (".json", ".toml", ".md"))
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    target = home / f"demonstration-{digest.hexdigest()[:8]}"
    if (target / "data").is_dir():
        return target / "data"
    home.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="demonstration-", dir=home))
    try:
        (made / "data").mkdir()
        for path in files:
            # Without its permissions: what is installed may be for reading alone.
            shutil.copyfile(path, made / "data" / path.name)
        # Another start may have been first.
        with suppress(OSError):
            made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target / "data"
