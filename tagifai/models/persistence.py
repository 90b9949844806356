"""Save a model, and load one without running anything that it brings."""

import hashlib
import hmac
import io
import pickle
import re
import zipfile
from pathlib import Path

import skops.io
from sklearn.base import BaseEstimator
from skops.io.exceptions import UntrustedTypesFoundException

from tagifai.errors import TagifaiError, shorten
from tagifai.limits import Limits
from tagifai.models.classifier import TagClassifier
from tagifai.pointers import refuse_pointer

MAX_MEMBERS = 5_000
_SHA256 = re.compile("[0-9a-f]{64}")

_LIMITS = Limits()
# skops refuses every type outside its own list and this one.
TRUSTED = (
    "tagifai.models.classifier.TagClassifier",
    "tagifai.models.features.AliasFlags",
    "tagifai.models.features.NgramVectorizer",
    "tagifai.models.features.TextCleaner",
    "tagifai.models.linear.LogCountRatioScaler",
    "tagifai.models.spelling.NameSpelling",
)


def save_model(model: TagClassifier, path: Path | str) -> None:
    """Write a fitted model to `path`, atomically; out-of-fold probabilities are left out."""
    path = Path(path)
    temporary = path.with_name(path.name + ".part")
    content = dump_model(model)
    _LIMITS.check_file(content, str(path))
    temporary.write_bytes(content)
    temporary.replace(path)


def dump_model(model: BaseEstimator) -> bytes:
    """Return a model, or a part of one, as the bytes of a file."""
    return bytes(skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED, compresslevel=6))


def load_model(source: Path | str | bytes, limits: Limits = _LIMITS) -> TagClassifier:
    """Read a model from a file or its bytes; only known types are built.

    Raises
    ------
    TagifaiError
        Missing, too large, damaged, of another program, or of unknown types.
    """
    if isinstance(source, bytes):
        name, data = "model", source
    else:
        name, data = str(source), _read(Path(source), limits)
    refuse_pointer(data, name)
    _check_size(name, data, limits)
    try:
        unknown = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED)
        if unknown:
            raise TagifaiError(
                f"{name}: holds types that no model of ours has: "
                f"{shorten(', '.join(sorted(unknown)))}"
            )
        model = skops.io.loads(data, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise TagifaiError(f"{name}: holds unknown types: {shorten(str(error))}") from None
    except TagifaiError:
        raise
    except RecursionError:
        raise TagifaiError(f"{name}: nested too deeply to be read") from None
    except Exception as error:  # a damaged archive fails in as many ways as it has bytes
        what = shorten(f"{type(error).__name__}: {error}")
        raise TagifaiError(f"{name}: not a model that can be read ({what})") from None
    return _checked(name, model)


def load_pickle(
    data: bytes, recorded: object, *, trusted: bool, limits: Limits = _LIMITS
) -> TagClassifier:
    """Unpickle a model where this is allowed: a pickle runs whatever its file asks for.

    Parameters
    ----------
    data
        The bytes of the file.
    recorded
        The SHA-256 in the version's version.json.
    trusted
        Whether the person who started the program trusts pickles.
    limits
        How large files may be.

    Raises
    ------
    TagifaiError
        Not allowed, no digest or another one, or no fitted `TagClassifier`. Only in the last case
        something of the file was run.
    """
    name = "pickle"
    if not trusted:
        raise TagifaiError(
            "a pickle can run any program when it is loaded, so it is not; release the model as "
            "model.skops, or start with --trust-pickle if you know who made it"
        )
    if not isinstance(recorded, str) or not _SHA256.fullmatch(recorded):
        raise TagifaiError(
            "version.json records no SHA-256 of it (model_sha256), so it is not loaded"
        )
    digest = hashlib.sha256(data).hexdigest()
    if not hmac.compare_digest(digest, recorded):
        raise TagifaiError(
            f"not the file that version.json records: its SHA-256 is {digest}, not {recorded}"
        )
    limits.file.check(len(data), name)
    try:
        model = pickle.loads(data)  # noqa: S301 - said to be trusted, and the recorded file
    except Exception as error:  # a pickle fails in as many ways as there are programs
        what = shorten(f"{type(error).__name__}: {error}")
        raise TagifaiError(f"not a model that can be read ({what})") from None
    return _checked(name, model)


def _checked(name: str, model: object) -> TagClassifier:
    if not isinstance(model, TagClassifier):
        raise TagifaiError(f"{name}: a TagClassifier is needed, got {type(model).__name__}")
    if not hasattr(model, "coef_"):
        raise TagifaiError(f"{name}: the model in it was never fitted")
    return model


def read_archive(path: Path, limits: Limits = _LIMITS) -> bytes:
    """Return the bytes of a model file, none of which is unpacked yet.

    Raises
    ------
    TagifaiError
        Missing, no archive, or too large, as it is or once unpacked.
    """
    data = _read(path, limits)
    refuse_pointer(data, str(path))
    _check_size(str(path), data, limits)
    return data


def _read(path: Path, limits: Limits) -> bytes:
    try:
        limits.file.check(path.stat().st_size, str(path))
        return path.read_bytes()
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None


def _check_size(name: str, data: bytes, limits: Limits) -> None:
    limits.file.check(len(data), name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise TagifaiError(f"{name}: not a model file ({error})") from None
    if len(members) > MAX_MEMBERS:
        raise TagifaiError(f"{name}: {len(members):,} parts; at most {MAX_MEMBERS:,}")
    unpacked = sum(member.file_size for member in members)
    limits.unpacked.check(unpacked, name, "bytes once unpacked")
