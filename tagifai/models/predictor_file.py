"""`predictor.json`: where a version's foreign predictor is, and how it is loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import msgspec

from tagifai.errors import TagifaiError, shorten
from tagifai.models.adapters import load_predictor, read_options
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.calibrated import CalibratedPredictor, Calibration, check_calibration
from tagifai.models.predictor import CheckedPredictor, check_tags
from tagifai.models.predictor_spec import PredictorSpec, check_spec

PREDICTOR_FILE = "predictor.json"
MAX_FILE = 2**20


@dataclass(frozen=True, slots=True)
class PredictorFile:
    """What `predictor.json` says.

    Attributes
    ----------
    spec : PredictorSpec
        Which predictor.
    tags : tuple of str
        The order of the columns, where the model itself knows no names.
    tag_map : mapping
        Tags by the names that the model has for them, such as ``LABEL_3``; None leaves one out.
    calibration : Calibration, optional
        What makes its probabilities those of the version.
    """

    spec: PredictorSpec
    tags: tuple[str, ...] = ()
    tag_map: Mapping[str, str | None] = field(default_factory=dict)
    calibration: Calibration | None = None


class _Calibration(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    curves: list[tuple[list[float], list[float]]]


class _Fields(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    source: str
    revision: str = ""
    options: dict[str, object] = {}
    tags: list[str] = []
    map: dict[str, str | None] = {}
    calibration: _Calibration | None = None


def read_predictor_file(content: bytes, where: str = PREDICTOR_FILE) -> PredictorFile:
    """Read `predictor.json`, a stranger's file: nothing in it is loaded, run or asked.

    Raises
    ------
    TagifaiError
        Too large, not JSON of this form, an unknown kind or option, or a malformed source.
    """
    if len(content) > MAX_FILE:
        raise TagifaiError(f"{where}: {len(content):,} bytes; at most {MAX_FILE:,} are read")
    try:
        found = msgspec.json.decode(content, type=_Fields)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TagifaiError(f"{where}: {shorten(str(error), 200)}") from None
    spec = PredictorSpec(found.kind, found.source, found.revision, found.options)
    calibration = None
    if found.calibration is not None:
        curves = tuple((tuple(before), tuple(after)) for before, after in found.calibration.curves)
        calibration = Calibration(found.calibration.kind, curves)
    file = PredictorFile(spec, tuple(found.tags), found.map, calibration)
    return check_predictor_file(file, where)


def check_predictor_file(file: PredictorFile, where: str = PREDICTOR_FILE) -> PredictorFile:
    """Check what is read and what is about to be written, alike.

    Raises
    ------
    TagifaiError
        The message starts with `where` and names the field.
    """
    try:
        check_spec(file.spec)
        if file.tags:
            check_tags(file.tags, "tags")
        if tags := [tag for tag in file.tag_map.values() if tag is not None]:
            check_tags(tags, "map")
        read_options(file.spec)
        if file.calibration is not None:
            check_calibration(file.calibration)
    except TagifaiError as error:
        raise TagifaiError(f"{where}: {error}") from None
    return file


def open_predictor(file: PredictorFile, context: LoadContext) -> CheckedPredictor:
    """Load the predictor that a file names, ready to be asked.

    Parameters
    ----------
    file : PredictorFile
        From `read_predictor_file`, or made of what the person typed.
    context : LoadContext
        What the person allows; `from_version` or a folder where the file is a version's.

    Raises
    ------
    TagifaiError
        As `load_predictor` does; the message names the predictor.
    """
    tags, tag_map = file.tags or context.tags, file.tag_map or context.tag_map
    context = replace(context, tags=tags, tag_map=tag_map)
    predictor = load_predictor(file.spec, context)
    if file.calibration is not None:
        predictor = CalibratedPredictor(predictor, file.calibration)
    return CheckedPredictor(predictor, str(file.spec))


def dump_predictor_file(file: PredictorFile) -> bytes:
    """Return the content of `predictor.json`, indented; equal predictors give equal bytes.

    Raises
    ------
    TagifaiError
        It could not be read back.
    """
    check_predictor_file(file)
    spec = file.spec
    content: dict[str, object] = {"kind": spec.kind, "source": spec.source}
    optional: Sequence[tuple[str, object]] = (
        ("revision", spec.revision),
        ("options", dict(spec.options)),
        ("tags", list(file.tags)),
        ("map", dict(file.tag_map)),
        ("calibration", file.calibration and asdict(file.calibration)),
    )
    content |= {name: value for name, value in optional if value}
    return msgspec.json.format(msgspec.json.encode(content, order="sorted"), indent=2) + b"\n"
