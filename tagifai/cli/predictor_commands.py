"""The command that adds a version of anybody's predictor or predictions."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from tagifai.cli.answers import Answer, answer_imported, data_folder, open_home
from tagifai.cli.terminal import print_message, progress_bar
from tagifai.data import Dataset, load_dataset
from tagifai.data.json_files import read_object
from tagifai.errors import TagifaiError, shorten
from tagifai.settings import load_settings

# Imported in functions: a mistake need not wait for scikit-learn.
if TYPE_CHECKING:
    from tagifai.models.adapters.loading import LoadContext
    from tagifai.models.predictor import CheckedPredictor
    from tagifai.models.predictor_file import PredictorFile
    from tagifai.store.versions import VersionSource
    from tagifai.training.adding import Choices, Scored

TUNED = "tuned"
LOCAL = ("own", "sklearn", "transformers", "setfit", "spacy", "onnx")
PACKAGES = {
    "own": ("scikit-learn", "skops"),
    "sklearn": ("scikit-learn", "skops"),
    "transformers": ("transformers", "torch", "safetensors"),
    "setfit": ("setfit", "sentence-transformers", "torch"),
    "spacy": ("spacy",),
    "onnx": ("onnxruntime", "tokenizers"),
    "http": ("httpx",),
    "openai": ("httpx",),
    "python": (),
}


def add_version(options: argparse.Namespace) -> Answer:
    """Score the data by a predictor, or read its predictions, and write a version."""
    from tagifai.behavioral import saved_tests
    from tagifai.data import known_tags
    from tagifai.slices import load_slices
    from tagifai.training.adding import make_version

    if (options.predictor is None) == (options.predictions is None):
        raise TagifaiError("add-version takes --predictor KIND:SOURCE or --predictions FILE")
    source = open_home(options)
    source.check_writable(options.name)
    dataset = load_dataset(data_folder(options))
    choices = read_choices(options, source, dataset)
    predictor, file = None, None
    packages: tuple[str, ...] = ()
    if options.predictor is not None:
        scored, predictor, file = score(options, dataset, choices)
        packages = PACKAGES[file.spec.kind]
    else:
        scored = read_scored(options, dataset, choices, source)
    version = make_version(
        scored,
        dataset,
        name=options.name,
        notes=options.notes,
        predictor=predictor,
        file=file,
        slices=load_slices(data_folder(options), dataset),
        saved=saved_tests(data_folder(options), known_tags(dataset)),
        packages=("numpy", "tagifai", *packages),
        limits=source.limits,
    )
    source.write(options.name, version.to_files())
    return answer_imported(version)


def score(
    options: argparse.Namespace, dataset: Dataset, choices: "Choices"
) -> "tuple[Scored, CheckedPredictor, PredictorFile]":
    """Load the predictor, score the data, and describe it as `predictor.json` does."""
    from tagifai.data import labelled_projects
    from tagifai.models.adapters import load_predictor
    from tagifai.models.calibrated import CalibratedPredictor
    from tagifai.models.predictor import CheckedPredictor
    from tagifai.models.predictor_file import PredictorFile
    from tagifai.models.predictor_spec import parse_predictor
    from tagifai.store.score_cache import open_scores
    from tagifai.training.adding import decide_version, digest_path, score_projects

    spec = replace(parse_predictor(options.predictor), options=read_options(options.option))
    digest, place = "", Path(spec.source).expanduser()
    if spec.kind in LOCAL and place.exists():
        # The app may be started elsewhere.
        spec, digest = replace(spec, source=str(place.resolve())), digest_path(place)
    context = read_context(options, str(spec))
    loaded = load_predictor(spec, context)
    checked = CheckedPredictor(loaded, str(spec), timeout=options.timeout)
    for line in checked.warnings:
        print_message(f"predictor {spec}: {line}")
    file = PredictorFile(spec, context.tags, context.tag_map)
    folder = load_settings(given=vars(options)).cache_dir / "scores"
    about = f"{spec} {sorted(spec.options.items())} {digest}"
    with open_scores(folder, about, checked.tags) as cache:
        y_prob = score_projects(
            checked, labelled_projects(dataset), cache, progress_bar("predicting")
        )
    only = bool(getattr(loaded, "decisions_only", False))
    scored = decide_version(y_prob, checked.tags, dataset, choices, decisions_only=only)
    if scored.calibration is not None:
        file = replace(file, calibration=scored.calibration)
        calibrated = CalibratedPredictor(loaded, scored.calibration)
        checked = CheckedPredictor(calibrated, str(spec), timeout=options.timeout)
    return scored, checked, file


def read_scored(
    options: argparse.Namespace, dataset: Dataset, choices: "Choices", source: "VersionSource"
) -> "Scored":
    """Read a file of predictions, and choose thresholds as for a predictor."""
    from tagifai.data import labelled_projects
    from tagifai.training.adding import decide_predictions
    from tagifai.training.importing import read_predictions, read_tag_list

    predictions = read_predictions(
        options.predictions,
        dataset,
        out_of_fold=options.out_of_fold,
        tags=read_tag_list(options.tags) if options.tags else None,
        missing=options.missing,
        encoding=options.encoding,
        delimiter=options.delimiter,
        limits=source.limits,
    )
    labelled = {project.id for project in labelled_projects(dataset)}
    rows = [row for row, one in enumerate(predictions.ids) if one in labelled]
    return decide_predictions(predictions.take(rows), choices)


def read_choices(
    options: argparse.Namespace, source: "VersionSource", dataset: Dataset
) -> "Choices":
    """Read how thresholds, calibration and splits are chosen."""
    from tagifai.models.params import Params
    from tagifai.store.versions import load_version
    from tagifai.training.adding import Choices

    splits = None
    if options.split_of:
        other = load_version(source, options.split_of).load_predictions()
        if other is None:
            raise TagifaiError(
                f"version {options.split_of!r} keeps no predictions, so its split is not known"
            )
        splits = dict(zip(other.ids, other.split.tolist(), strict=True))
    return Choices(
        thresholds=read_thresholds(options.thresholds),
        calibrate=options.calibrate or "",
        out_of_fold=options.out_of_fold,
        splits=splits,
        params=Params(seed=options.seed),
    )


def read_thresholds(text: str) -> str | float | dict[str, float]:
    """Read `--thresholds`: tuned, a number, or a file of a number for each tag.

    Raises
    ------
    TagifaiError
        None of these.
    """
    if text == TUNED:
        return text
    try:
        return float(text)
    except ValueError:
        path = Path(text)
    if not path.exists():
        raise TagifaiError(
            f"--thresholds: tuned, a number from 0 to 1 or a JSON file is needed, "
            f"got {shorten(text)!r}"
        )
    found: dict[str, float] = {}
    for tag, value in read_object(path).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TagifaiError(
                f"{path}: {tag}: a number from 0 to 1 is needed, got {shorten(repr(value))}"
            )
        found[tag] = float(value)
    return found


def read_context(options: argparse.Namespace, spec: str) -> "LoadContext":
    """Read what the person knows and allows: whoever types a predictor allows it."""
    from tagifai.models.adapters.loading import LoadContext
    from tagifai.models.predictor_spec import AllowedPredictors
    from tagifai.training.importing import read_tag_list

    settings = load_settings(given=vars(options))
    allowed = AllowedPredictors.of([*settings.allow_predictor, spec])
    context = LoadContext(allowed=allowed, limits=settings.limits)
    if options.map:
        context = replace(context, tag_map=read_map(options.map))
    if options.tags:
        context = context.with_tags(read_tag_list(options.tags))
    return context


def read_map(path: Path) -> dict[str, str]:
    """Read tags by the names that a model has for them.

    Raises
    ------
    TagifaiError
        No JSON object of texts.
    """
    found: dict[str, str] = {}
    for name, tag in read_object(path).items():
        if not isinstance(tag, str):
            raise TagifaiError(f"{path}: {name}: a tag is needed, got {shorten(repr(tag))}")
        found[name] = tag
    return found


def read_options(given: list[str]) -> Mapping[str, object]:
    """Read `--option NAME=VALUE`, where the value is JSON or else a text.

    Raises
    ------
    TagifaiError
        An option without a name or a value.
    """
    found: dict[str, object] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name.strip():
            raise TagifaiError(f"--option takes NAME=VALUE, got {shorten(one)!r}")
        try:
            found[name.strip()] = orjson.loads(value)
        except orjson.JSONDecodeError:
            found[name.strip()] = value
    return found
