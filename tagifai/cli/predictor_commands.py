"""The command that adds a version of anybody's predictor or predictions."""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from tagifai.cli.answers import Answer, answer_imported, data_folder, open_home, read_storage
from tagifai.cli.terminal import print_message, progress_bar
from tagifai.data import Dataset, load_dataset
from tagifai.data.json_files import read_object
from tagifai.errors import TagifaiError, shorten
from tagifai.settings import load_cache_folder, load_settings

# Imported in functions: a mistake need not wait for scikit-learn.
if TYPE_CHECKING:
    from tagifai.arrays import Array
    from tagifai.data import Project
    from tagifai.models.adapters.loading import LoadContext
    from tagifai.models.predictor import CheckedPredictor
    from tagifai.models.predictor_file import PredictorFile
    from tagifai.models.predictor_spec import PredictorSpec
    from tagifai.predictions import Predictions
    from tagifai.store.score_cache import ScoreCache
    from tagifai.store.versions import VersionSource
    from tagifai.training.adding import Choices, Scored

TUNED = "tuned"
LOCAL = ("own", "sklearn", "transformers", "setfit", "spacy", "onnx")
PACKAGES_OF = {
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
    from tagifai.training.adding import PACKAGES, make_version

    if (options.predictor is None) == (options.predictions is None):
        raise TagifaiError("add-version takes --predictor KIND:SOURCE or --predictions FILE")
    check_numbers(options)
    thresholds, storage = read_thresholds(options.thresholds), read_storage(options)
    source = open_home(options)
    source.check_writable(options.name)
    dataset = load_dataset(data_folder(options))
    choices = read_choices(options, source, thresholds)
    predictor, file = None, None
    packages: tuple[str, ...] = ()
    # Until the version is written, a run that stops goes on from the saved scores.
    with ExitStack() as stack:
        if options.predictor is not None:
            scored, predictor, file = score(options, dataset, choices, stack)
            packages = PACKAGES_OF[file.spec.kind]
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
            packages=(*PACKAGES, *packages),
            limits=source.limits,
            storage=storage,
        )
        source.write(options.name, version.to_files())
    return answer_imported(version)


def check_numbers(options: argparse.Namespace) -> None:
    """Refuse a time limit or a size of batches that is not above zero, and a bad combination.

    Raises
    ------
    TagifaiError
        As said.
    """
    for flag, value in (("--timeout", options.timeout), ("--batch-size", options.batch_size)):
        if value is not None and not 0 < value < math.inf:
            raise TagifaiError(f"{flag}: a number above 0 is needed, got {value:g}")
    if options.predictor is not None:
        for flag, given in (("--logits", options.logits), ("--missing", options.missing == "zero")):
            if given:
                raise TagifaiError(f"{flag} is about --predictions FILE, not --predictor")


def score(
    options: argparse.Namespace, dataset: Dataset, choices: "Choices", stack: ExitStack
) -> "tuple[Scored, CheckedPredictor, PredictorFile]":
    """Load the predictor, score the data, and describe it as `predictor.json` does.

    The scores are saved as they come; `stack` removes them once all went well.
    """
    from tagifai.data import labelled_projects
    from tagifai.models.adapters import load_predictor
    from tagifai.models.calibrated import CalibratedPredictor
    from tagifai.models.predictor import CheckedPredictor
    from tagifai.models.predictor_file import PredictorFile
    from tagifai.models.predictor_spec import parse_predictor, with_whole_path
    from tagifai.store.score_cache import open_scores
    from tagifai.training.adding import decide_version

    spec = replace(parse_predictor(options.predictor), options=read_options(options.option))
    spec = with_whole_path(spec)
    context = read_context(options, str(spec))
    loaded = load_predictor(spec, context)
    limits = {"timeout": options.timeout, "batch_size": options.batch_size}
    checked = CheckedPredictor(loaded, str(spec), **limits)
    for line in checked.warnings:
        print_message(f"predictor {spec}: {line}")
    # With its columns' names, a server is not asked for them whenever the version is opened.
    columns = context.tags or tuple(getattr(loaded, "columns", ()))
    file = PredictorFile(spec, columns, context.tag_map)
    folder = load_cache_folder(vars(options))
    about = f"{spec} {sorted(spec.options.items())} {digest_source(spec)}"
    cache = stack.enter_context(open_scores(folder, about, checked.tags))
    y_prob = score_resumably(checked, labelled_projects(dataset), cache)
    only = decides_only(checked, y_prob)
    scored = decide_version(y_prob, checked.tags, dataset, choices, decisions_only=only)
    if scored.calibration is not None:
        file = replace(file, calibration=scored.calibration)
        calibrated = CalibratedPredictor(loaded, scored.calibration)
        checked = CheckedPredictor(calibrated, str(spec), **limits)
    return scored, checked, file


def decides_only(predictor: "CheckedPredictor", y_prob: "Array") -> bool:
    """Check whether a predictor's "probabilities" are decisions.

    A language model that was not asked in this run, since its answers were saved, cannot say so.
    """
    import numpy as np

    return predictor.decisions_only or (
        predictor.is_remote and bool(np.isin(y_prob, (0.0, 1.0)).all())
    )


def digest_source(spec: "PredictorSpec") -> str:
    """Return a digest of a predictor's files, or of its module; "" for one that is elsewhere."""
    from tagifai.training.adding import digest_path

    place = Path(spec.source)
    if spec.kind == "python":
        module = sys.modules.get(spec.source.partition(":")[0])
        place = Path(getattr(module, "__file__", None) or "")
        return digest_path(place) if place.is_file() else ""
    return digest_path(place) if spec.kind in LOCAL and place.exists() else ""


def score_resumably(
    predictor: "CheckedPredictor", projects: "Sequence[Project]", cache: "ScoreCache"
) -> "Array":
    """Score projects; a run that stops says what is saved, and how to go on.

    Raises
    ------
    TagifaiError
        The predictor fails.
    """
    from tagifai.training.adding import score_projects

    total = len({project.text for project in projects})
    if before := len(cache):
        print_message(
            f"{before:,} of {total:,} texts were predicted by a run that stopped, and are not "
            f"predicted again; to do so, remove {cache.path}"
        )

    def describe_saved() -> str:
        if cache.path is None:
            return (
                f"{len(cache):,} of {total:,} texts were predicted; --no-cache saves none of them"
            )
        return (
            f"{len(cache):,} of {total:,} texts are predicted and saved; the same command goes on "
            f"from there"
        )

    try:
        return score_projects(predictor, projects, cache, progress_bar("predicting"))
    except TagifaiError as error:
        if not len(cache):
            raise
        raise TagifaiError(f"{error}; {describe_saved()}") from None
    except KeyboardInterrupt:
        print_message(describe_saved())
        raise


def read_scored(
    options: argparse.Namespace, dataset: Dataset, choices: "Choices", source: "VersionSource"
) -> "Scored":
    """Read a file of predictions, and choose thresholds as for a predictor."""
    from tagifai.data import labelled_projects
    from tagifai.training.adding import assign_splits, decide_predictions, keep_labelled
    from tagifai.training.importing import read_predictions, read_tag_list

    drawn = []

    def draw_split(predictions: "Predictions") -> "Array":
        by_id = {project.id: project for project in labelled_projects(dataset)}
        rows = [row for row, one in enumerate(predictions.ids) if one in by_id]
        projects = [by_id[predictions.ids[row]] for row in rows]
        split = predictions.split.copy()
        split[rows] = assign_splits(projects, predictions.y_true[rows], dataset, choices)
        drawn.append(True)
        return split

    predictions = read_predictions(
        options.predictions,
        dataset,
        out_of_fold=options.out_of_fold,
        tags=read_tag_list(options.tags) if options.tags else None,
        missing=options.missing,
        logits=options.logits,
        tag_map=read_map(options.map) if options.map else None,
        splits=choices.splits,
        draw_split=draw_split,
        encoding=options.encoding,
        delimiter=options.delimiter,
        limits=source.limits,
    )
    return decide_predictions(keep_labelled(predictions, dataset), choices, drawn=bool(drawn))


def read_choices(
    options: argparse.Namespace, source: "VersionSource", thresholds: str | float | dict[str, float]
) -> "Choices":
    """Read how calibration and splits are chosen, beside the thresholds."""
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
        thresholds=thresholds,
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
    from tagifai.training.adding import check_threshold

    try:
        number = float(text)
    except ValueError:
        path = Path(text)
    else:
        check_threshold(number, "threshold")
        return number
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
    from tagifai.store.answer_store import FreshAnswers, open_answers
    from tagifai.training.importing import read_tag_list

    settings = load_settings(given=vars(options))
    allowed = AllowedPredictors.of([*settings.allow_predictor, spec])
    answers = open_answers(settings.cache_folder)
    # What stands behind an address may be another model by now; a model's name says which it is.
    cache = FreshAnswers(answers) if spec.startswith("http:") else answers
    context = LoadContext(allowed=allowed, limits=settings.limits, cache=cache)
    if options.map:
        context = replace(context, tag_map=read_map(options.map))
    if options.tags:
        context = context.with_tags(read_tag_list(options.tags))
    return context


def read_map(path: Path) -> dict[str, str | None]:
    """Read tags by the names that a model, or a file, has for them; null leaves a name out.

    Raises
    ------
    TagifaiError
        No JSON object of texts and nulls.
    """
    found: dict[str, str | None] = {}
    for name, tag in read_object(path).items():
        if tag is not None and not isinstance(tag, str):
            raise TagifaiError(
                f"{path}: {shorten(name)}: a tag, or null, is needed, got {shorten(repr(tag))}"
            )
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
