"""Add a version of any predictor: score the data, choose thresholds, measure, describe."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tagifai.arrays import Array
from tagifai.behavioral import BehavioralTest
from tagifai.data import Dataset, Project, known_tags, labelled_projects
from tagifai.data.assignment import list_groups
from tagifai.data.left_out import with_note
from tagifai.data.names import describe_unknown_tags
from tagifai.data.project_table import projects_by_id
from tagifai.errors import TagifaiError, counted, one_of
from tagifai.limits import Limits
from tagifai.matrices import Matrix
from tagifai.metrics.thresholds import choose_thresholds
from tagifai.models.calibrated import Calibration, fit_calibration
from tagifai.models.params import Params
from tagifai.models.predictor import Cancelled, CheckedPredictor, Progress, softmax_warning
from tagifai.models.predictor_file import PredictorFile, dump_predictor_file
from tagifai.models.splits import complete_split
from tagifai.predictions import DEFAULT_THRESHOLD, Predictions
from tagifai.slices import Slice
from tagifai.store.naming import WORKSPACE
from tagifai.store.prediction_cut import Storage, cut_predictions
from tagifai.store.prediction_table import PREDICTIONS_FILE, check_size, pack_predictions
from tagifai.store.score_cache import ScoreCache
from tagifai.text.preprocessing import TextPreprocessor
from tagifai.training.evaluation import default_tests, label_texts, measure, tags_by_predictor
from tagifai.training.importing import IMPORTED, describe_missing, missing_tags
from tagifai.training.in_sample import measure_val_gap
from tagifai.training.prediction_rows import MAP_HINT
from tagifai.training.releases import NewVersion, describe_making
from tagifai.training.version_warnings import (
    DECISIONS_ONLY,
    NOT_TUNED,
    SOFTMAX,
    SPLIT_DRAWN,
    VAL_EXCEEDS_TEST,
    VersionWarning,
)

TUNED = "tuned"
PACKAGES = ("numpy", "tagifai")
"""What computes the figures, whoever made the model."""
FEWEST_VALIDATION = 20
"""Fewer projects than these say nothing about thresholds."""
DRAWN = (
    "the data states no test split, so one was drawn: if the predictor learned from these "
    "projects, its figures are too good (a split column, `data split` before it is trained, or "
    "--out-of-fold yes if it saw none of them)"
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A predictor's probabilities of every labelled project, and what was decided with them.

    Attributes
    ----------
    predictions : Predictions
        Of all labelled projects; calibrated where that was asked for.
    thresholds : mapping
        By tag, the probability from which it is predicted.
    calibration : Calibration or None
        What was fitted.
    warnings : tuple of VersionWarning
        What the person should read.
    tuned_on : int
        The projects that thresholds were tuned on; 0 where they were not.
    calibrated_on : int
        The projects that the calibration was fitted on.
    """

    predictions: Predictions
    thresholds: Mapping[str, float]
    calibration: Calibration | None = None
    warnings: tuple[VersionWarning, ...] = ()
    tuned_on: int = 0
    calibrated_on: int = 0


@dataclass(frozen=True, slots=True)
class Choices:
    """How a version is made of probabilities.

    Attributes
    ----------
    thresholds : str, float or mapping
        "tuned": chosen on projects that the predictor did not see; one number for all; or one
        for each tag.
    calibrate : str
        "platt", "isotonic" or "" for none.
    out_of_fold : {"unknown", "yes", "no"}
        Whether the probabilities of train projects come from models that did not see them.
    splits : mapping, optional
        The split of each project, by id; by default the data's own, or a new one.
    params : Params
        How a new split is drawn and thresholds are chosen.
    """

    thresholds: str | float | Mapping[str, float] = TUNED
    calibrate: str = ""
    out_of_fold: str = "unknown"
    splits: Mapping[str, str] | None = None
    params: Params = field(default_factory=Params)


def score_projects(
    predictor: CheckedPredictor,
    projects: Sequence[Project],
    cache: ScoreCache | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Array:
    """Return a predictor's probabilities of projects, float32 (n_projects, n_tags).

    Each different text is asked for once, and in batches; with a `cache`, what was asked before
    an interruption is not asked again.

    Raises
    ------
    TagifaiError
        As `CheckedPredictor.predict_proba` does, or the cache cannot be written.
    """
    texts = list(dict.fromkeys(project.text for project in projects))
    place = {text: row for row, text in enumerate(texts)}
    rows = np.empty((len(texts), len(predictor.tags)), np.float32)
    known = {} if cache is None else cache.get(texts)
    for row, values in known.items():
        rows[row] = values
    new = [row for row in range(len(texts)) if row not in known]
    asked = [texts[row] for row in new]
    if progress is not None and known:
        progress(len(known), len(texts), "texts")

    def report(done: int, _total: int, what: str) -> None:
        if progress is not None:
            progress(len(known) + done, len(texts), what)

    for start, batch in predictor.iter_proba(asked, report, cancelled):
        rows[new[start : start + len(batch)]] = batch
        if cache is not None:
            cache.put(asked[start : start + len(batch)], batch)
    return rows[[place[project.text] for project in projects]]


def assign_splits(
    projects: Sequence[Project], y_true: Array, dataset: Dataset, choices: Choices
) -> Array:
    """Return the split of each project, (n_projects,), as it was chosen.

    Where test projects are stated, whatever is in no split counts as train: the predictor may
    have learned from it. Where none is, a new split is drawn, of which nobody knows what the
    predictor saw.

    Raises
    ------
    TagifaiError
        Chosen splits without a test project, or too few projects for a new split.
    """
    chosen = dataset.splits if choices.splits is None else choices.splits
    stated = [chosen.get(project.id) for project in projects]
    if choices.splits is not None and "test" not in stated:
        raise TagifaiError("the split that was asked for has no test project of this data")
    if "test" in stated:
        return np.array([split or "train" for split in stated])
    groups = list_groups([p.id for p in projects], (p.extra for p in projects))
    params = choices.params
    return complete_split(y_true, stated, params.train_size, params.val_size, params.seed, groups)


def decide_version(
    y_prob: Array,
    tags: Sequence[str],
    dataset: Dataset,
    choices: Choices,
    *,
    decisions_only: bool = False,
) -> Scored:
    """Choose split, calibration and thresholds for probabilities of the labelled projects.

    Parameters
    ----------
    y_prob : array (n_labelled, n_tags)
        In the order of `labelled_projects`.
    tags : sequence of str
        The columns; every one is a tag of the data.
    decisions_only : bool
        Whether "probabilities" are decisions of 0 and 1: then nothing can be moved.

    Raises
    ------
    TagifaiError
        A tag that the data does not have, a threshold for an unknown tag or outside [0, 1], or
        no test project.
    """
    if unknown := describe_unknown_tags(tags, known_tags(dataset)):
        raise TagifaiError(f"predictor: {unknown}; {MAP_HINT}")
    projects = labelled_projects(dataset)
    y_true = truth_of(projects, tags)
    split = assign_splits(projects, y_true, dataset, choices)
    ids = [project.id for project in projects]
    predictions = replace(
        Predictions.of(ids, split, tags, y_true, y_prob), decisions_only=decisions_only
    )
    drawn = choices.splits is None and "test" not in dataset.splits.values()
    return decide_predictions(predictions, choices, drawn=drawn)


def decide_predictions(
    predictions: Predictions,
    choices: Choices,
    *,
    drawn: bool = False,
) -> Scored:
    """Choose calibration and thresholds for predictions whose splits are known.

    They are chosen on projects that the predictor did not learn from: val, and train where its
    probabilities are out of fold. Where the split was `drawn` afterwards, it may know all of them.

    Raises
    ------
    TagifaiError
        As `decide_version` does.
    """
    tags, split = predictions.tags, predictions.split
    y_true, y_prob = predictions.y_true, predictions.y_prob
    decisions_only, out_of_fold = predictions.decisions_only, choices.out_of_fold == "yes"
    held_out = np.asarray(split != "test") & ((split == "val") | out_of_fold)
    warnings = []
    if drawn and not out_of_fold:
        held_out = np.zeros(len(split), bool)
        warnings.append(VersionWarning(SPLIT_DRAWN, DRAWN))
    if softmax := softmax_warning(y_prob):
        warnings.append(VersionWarning(SOFTMAX, softmax))
    gap = measure_val_gap(predictions)
    if gap is not None and gap.is_far:
        warnings.append(VersionWarning(VAL_EXCEEDS_TEST, gap.describe(choices.out_of_fold)))
    if decisions_only:
        warnings.append(VersionWarning(DECISIONS_ONLY, _describe_decisions(choices)))
    calibration = None
    if choices.calibrate and not decisions_only:
        if held_out.sum() < FEWEST_VALIDATION:
            raise TagifaiError(_too_few("calibrated", int(held_out.sum())))
        calibration = fit_calibration(choices.calibrate, y_true[held_out], y_prob[held_out])
        y_prob = calibration.apply(y_prob)
    thresholds, lines = _thresholds(
        y_true[held_out], y_prob[held_out], tags, choices, decisions_only
    )
    warnings += [VersionWarning(NOT_TUNED, line) for line in lines]
    tuned = choices.thresholds == TUNED and not decisions_only and not lines
    number = int(held_out.sum())
    return Scored(
        replace(predictions, y_prob=y_prob, out_of_fold=choices.out_of_fold),
        thresholds,
        calibration,
        tuple(warnings),
        tuned_on=number if tuned else 0,
        calibrated_on=number if calibration is not None else 0,
    )


def _describe_decisions(choices: Choices) -> str:
    ignored = [
        what
        for what, is_given in (
            ("--thresholds", choices.thresholds not in (TUNED, DEFAULT_THRESHOLD)),
            ("--calibrate", bool(choices.calibrate)),
        )
        if is_given
    ]
    line = "decisions without probabilities: there is no threshold to move and nothing to calibrate"
    return f"{line} ({' and '.join(ignored)} had no effect)" if ignored else line


def truth_of(projects: Sequence[Project], tags: Sequence[str]) -> Array:
    """Return which tags each project has, uint8 (n_projects, n_tags)."""
    column = {tag: place for place, tag in enumerate(tags)}
    y_true = np.zeros((len(projects), len(tags)), np.uint8)
    for row, project in enumerate(projects):
        y_true[row, [column[tag] for tag in project.tags if tag in column]] = 1
    return y_true


def _thresholds(
    y_true: Matrix,
    y_prob: Matrix,
    tags: Sequence[str],
    choices: Choices,
    decisions_only: bool,
) -> tuple[dict[str, float], list[str]]:
    given, common = choices.thresholds, dict.fromkeys(tags, DEFAULT_THRESHOLD)
    if isinstance(given, Mapping):
        for tag, value in given.items():
            if tag not in tags:
                raise one_of("tag of a threshold", tag, tags)
            check_threshold(value, f"threshold of {tag!r}")
        common |= {tag: float(value) for tag, value in given.items()}
    elif isinstance(given, int | float):
        check_threshold(given, "threshold")
        common = dict.fromkeys(tags, float(given))
    elif given != TUNED:
        raise TagifaiError(f"thresholds: tuned, a number or a file is needed, got {given!r}")
    if decisions_only:
        return dict.fromkeys(tags, DEFAULT_THRESHOLD), []
    if given != TUNED:
        return common, []
    if y_true.shape[0] < FEWEST_VALIDATION:
        return common, [_too_few("tuned", y_true.shape[0]) + "; every threshold is 0.5"]
    params = choices.params
    chosen = choose_thresholds(
        y_true, y_prob, "per-tag", DEFAULT_THRESHOLD, None, params.threshold_smoothing
    )
    return dict(zip(tags, map(float, chosen), strict=True)), []


def _too_few(what: str, number: int) -> str:
    return (
        f"nothing can be {what} on {counted(number, 'project')} that the predictor did not see; "
        f"{FEWEST_VALIDATION} are needed: a val split, or out-of-fold probabilities of train"
    )


def check_threshold(value: object, where: str) -> None:
    """Refuse a threshold that is no number from 0 to 1.

    Raises
    ------
    TagifaiError
        The message starts with `where`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TagifaiError(f"{where}: a number from 0 to 1 is needed, got {value!r}")


def make_version(
    scored: Scored,
    dataset: Dataset,
    *,
    name: str,
    notes: str = "",
    predictor: CheckedPredictor | None = None,
    file: PredictorFile | None = None,
    slices: Mapping[str, Slice] | None = None,
    saved: Sequence[BehavioralTest] = (),
    packages: Sequence[str] = (),
    limits: Limits = Limits(),  # noqa: B008 - frozen
    storage: Storage = Storage(),  # noqa: B008 - frozen
) -> NewVersion:
    """Measure what was scored and return the version, ready to be written.

    Parameters
    ----------
    scored : Scored
        From `decide_version`.
    dataset : Dataset
        The data.
    name, notes : str
        The version's name, and a line about it.
    predictor, file : optional
        The predictor as it answers now, calibrated, and what `predictor.json` will say of it.
        Behavioral tests, generated and `saved` ones, are run where there is one.
    slices : mapping, optional
        Slices to score, by name.
    packages : sequence of str
        Distributions whose versions are recorded.
    limits : Limits
        How large files may be.
    storage : Storage
        Which probabilities are stored, and how exactly. Figures are those of what is stored.

    Raises
    ------
    TagifaiError
        No test project, a file that would be too large, or the predictor fails.
    """
    thresholds = dict(scored.thresholds)
    if not len(scored.predictions.rows_by_split["test"]):
        raise TagifaiError("no project is in the test split, so nothing can be scored")
    predictions, kept = cut_predictions(scored.predictions, thresholds, storage)
    packed = pack_predictions(predictions, kept)
    limits.check_file(packed, PREDICTIONS_FILE)
    check_size(packed, limits.unpacked)
    by_id = projects_by_id(dataset.projects)
    projects = [by_id[one] for one in predictions.ids]
    tags, language = predictions.tags, dataset.config.language
    tests: Sequence[BehavioralTest] = ()
    if predictor is not None:
        labelled = label_texts(predictions.split, projects)
        tests = default_tests(tags, dataset.tags, saved, language, labelled)

    figures = measure(
        # Without a predictor there is no test.
        tags_by_predictor(predictor, thresholds) if predictor else list,
        TextPreprocessor(language=language),
        thresholds,
        predictions,
        projects,
        tests,
        slices,
        dataset.projects,
        dataset.tags,
    )
    if predictor is None:
        # Nobody could be tested.
        figures = {group: found for group, found in figures.items() if group != "behavioral"}
    figures = with_note(figures, dataset)
    missing = missing_tags(dataset, tags, Params().min_tag_freq)
    lines = [figures.get("note"), describe_missing(missing), kept.describe()]
    if note := "; ".join(line for line in lines if line):
        figures["note"] = note
    notes = notes or (IMPORTED if file is None else f"Predictions of {file.spec}.")
    info = describe_making(predictions, thresholds, dataset, name, notes, missing, packages)
    return NewVersion(
        params=_params(scored, language, file),
        performance=figures,
        thresholds=thresholds,
        predictions=packed,
        info=replace(
            info,
            warnings=(*info.warnings, *scored.warnings),
            made_by=_describe_maker(scored, file),
            usage=predictor.usage if predictor else None,
            # Our code did not make the model.
            code_digest="",
            stored=None if kept.is_exact else kept.to_json(),
        ),
        predictor=None if file is None else dump_predictor_file(file),
    )


def _params(scored: Scored, language: str, file: PredictorFile | None) -> dict[str, object]:
    params: dict[str, object] = {} if file is None else {"language": language}
    values = set(scored.thresholds.values())
    if len(values) == 1 and not scored.tuned_on:
        params["threshold"] = values.pop()
    if file is not None:
        params["predictor"] = str(file.spec)
    if scored.calibration is not None:
        params["calibration"] = scored.calibration.kind
    return params


def _describe_maker(scored: Scored, file: PredictorFile | None) -> dict[str, str]:
    """Return how a version came about that our own training did not make."""
    values = set(scored.thresholds.values())
    fixed = f"{values.pop():g} for all tags" if len(values) == 1 else "given for each tag"
    if scored.predictions.decisions_only:
        fixed = "none: decisions without probabilities"
    calibration = scored.calibration
    return {
        "kind": "predictions" if file is None else file.spec.kind,
        "source": "" if file is None else str(file.spec),
        "thresholds": f"tuned on {counted(scored.tuned_on, 'project')}"
        if scored.tuned_on
        else fixed,
        "calibration": "none"
        if calibration is None
        else f"{calibration.kind}, fitted on {counted(scored.calibrated_on, 'project')}",
    }


def keep_labelled(predictions: Predictions, dataset: Dataset) -> Predictions:
    """Leave out projects that nobody labelled: see `labelled_projects`.

    Raises
    ------
    TagifaiError
        No test project is left.
    """
    labelled = {project.id for project in labelled_projects(dataset)}
    if labelled.issuperset(predictions.ids):
        return predictions
    found = predictions.take([row for row, one in enumerate(predictions.ids) if one in labelled])
    if "test" in predictions.split and "test" not in found.split:
        raise TagifaiError("every test project is unlabelled, so nothing can be scored")
    return found


def version_of(
    predictions: Predictions,
    dataset: Dataset,
    thresholds: str | float | Mapping[str, float] = DEFAULT_THRESHOLD,
    name: str = WORKSPACE,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> NewVersion:
    """Make a version of predictions alone; unlabelled projects are left out.

    Parameters
    ----------
    predictions : Predictions
        Another program's predictions.
    dataset : Dataset
        The data that they are of.
    thresholds : str, float or mapping
        As in `Choices`.
    name : str
        The version's name.
    limits : Limits
        How large the files may be.

    Raises
    ------
    TagifaiError
        As `decide_predictions` and `make_version` do.
    """
    choices = Choices(thresholds, out_of_fold=predictions.out_of_fold)
    scored = decide_predictions(keep_labelled(predictions, dataset), choices)
    return make_version(scored, dataset, name=name, packages=PACKAGES, limits=limits)


def digest_path(path: Path) -> str:
    """Return a digest of a file, or of all files below a folder with their names.

    Raises
    ------
    TagifaiError
        It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                digest.update(f"{file.relative_to(path)}\0".encode("utf-8", "replace"))
                with file.open("rb") as opened:
                    digest.update(hashlib.file_digest(opened, "sha256").digest())
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None
    return digest.hexdigest()
