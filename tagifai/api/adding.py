"""Add a version of anybody's probabilities or predictor to a folder of versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from tagifai.api.inputs import read_list, read_probabilities, read_tags, wrong_shape
from tagifai.api.material import Material, read_material, write_data
from tagifai.arrays import Array
from tagifai.data import (
    PROJECT_FILES,
    Dataset,
    Project,
    known_tags,
    labelled_projects,
    load_dataset,
)
from tagifai.data.project_table import projects_by_id
from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.models.predictor import CheckedPredictor
from tagifai.models.predictor_file import PredictorFile
from tagifai.predictions import OUT_OF_FOLD, Predictions
from tagifai.store.versions import open_source
from tagifai.training.adding import (
    TUNED,
    Choices,
    Scored,
    assign_splits,
    decide_predictions,
    decide_version,
    make_version,
    score_projects,
    truth_of,
)
from tagifai.training.releases import MAX_NOTES, NewVersion, is_web_address

MAX_NAME = 100

Thresholds = str | float | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class OpenedPredictor:
    """A predictor ready to be asked, and what `predictor.json` says of it, if it can say it."""

    checked: CheckedPredictor
    file: PredictorFile | None = None


@dataclass(frozen=True, slots=True)
class AddedVersion:
    """A version that was written.

    Attributes
    ----------
    name : str
        Its name.
    precision, recall, f1 : float or None
        On the test split, averaged over tags by their support; None where undefined.
    num_samples : int
        Number of test projects.
    note : str
        What the figures leave out, and what to know before reading them; "" for nothing.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    num_samples: int
    note: str = ""

    @classmethod
    def of(cls, version: NewVersion) -> "AddedVersion":
        """Read the figures of a version."""
        overall = version.performance["overall"]
        return cls(
            name=version.info.name,
            precision=overall["precision"],
            recall=overall["recall"],
            f1=overall["f1"],
            num_samples=int(overall["num_samples"]),
            note=str(version.performance.get("note", "")),
        )


@dataclass(frozen=True, slots=True)
class About:
    """What a version says of itself: its name, a line about it, links on its card, parameters."""

    name: str
    notes: str = ""
    links: Mapping[str, str] | None = None
    params: Mapping[str, object] | None = None


def add_version(
    name: str,
    y_prob: object = None,
    *,
    predictor: object = None,
    texts: object = None,
    y_true: object = None,
    tags: object = None,
    ids: object = None,
    split: object = None,
    models: str | Path = "model",
    data: str | Path = "data",
    thresholds: Thresholds = TUNED,
    calibrate: str = "",
    out_of_fold: str = "unknown",
    notes: str = "",
    links: Mapping[str, str] | None = None,
    params: Mapping[str, object] | None = None,
) -> AddedVersion:
    """Write a version: one line at the end of a training loop.

    Parameters
    ----------
    name : str
        The version's name, as in ``"v2"`` or ``f"epoch-{epoch}"``.
    y_prob : array (n_texts, n_tags), optional
        Probabilities of the projects of `data`, in their order, or in that of `ids`.
    predictor : optional
        What predicts them instead: an object with ``predict_proba``, a fitted estimator, a
        function of texts, or ``"KIND:SOURCE"``, which the dashboard can then load again.
    texts, y_true : optional
        The labelled texts, where `data` is a folder that is not there yet; see `show`.
    tags : list of str, optional
        The columns of `y_prob`; by default those of `y_true`, or every tag of the data in
        alphabetical order, where its tag file has no other order.
    ids : list of str, optional
        The projects that the rows of `y_prob` belong to; the others are left out.
    split : list or mapping of str, optional
        "train", "val" or "test" of each row, or by id; by default as the data has it.
    models, data : str or Path
        Where versions are, a folder, ``mlflow:URI`` or ``hf:ORG/NAME``; the folder of the data.
    thresholds : "tuned", float or mapping
        Chosen on held-out projects, one for all, or one by tag.
    calibrate : {"", "platt", "isotonic"}
        Whether probabilities are calibrated on held-out projects.
    out_of_fold : {"unknown", "yes", "no"}
        Whether probabilities of train projects come from models that did not see them.
    notes, links, params : optional
        A line about the version, web addresses by name (a run in trackio or W&B), and parameters.

    Returns
    -------
    AddedVersion
        Its figures on the test split.

    Raises
    ------
    TagifaiError
        The name is taken, or something does not fit: the message names the argument.

    Examples
    --------
    >>> import tempfile, tagifai
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     added = tagifai.add_version(
    ...         "v1", [[0.9], [0.2]], texts=["a cat", "a dog"], y_true=[["cats"], []],
    ...         tags=["cats"], split=["test", "test"], thresholds=0.5,
    ...         models=f"{folder}/model", data=f"{folder}/data",
    ...     )
    >>> added.f1, added.num_samples
    (1.0, 2)
    """
    if (y_prob is None) == (predictor is None):
        raise TagifaiError("add_version: y_prob or predictor is needed, and not both")
    about = About(name, notes, links, params)
    check_about(about)
    source = open_source(str(models))
    source.check_writable(name)
    folder, material = Path(data), None
    if texts is not None or y_true is not None:
        by_row = None if isinstance(split, Mapping) else split
        material = read_material(texts, y_true, tags=tags, ids=ids, split=by_row)
        _write_once(folder, material)
        ids = material.ids
    dataset = load_dataset(folder)
    projects = _projects_of(dataset, ids)
    if out_of_fold not in OUT_OF_FOLD:
        raise one_of("out_of_fold", out_of_fold, OUT_OF_FOLD)
    choices = Choices(thresholds, calibrate, out_of_fold, _splits_of(split, projects))
    if predictor is not None:
        columns = None if tags is None else read_tags(tags)
        opened = open_predictor(predictor, columns or ())
        version = make_predicted(opened, dataset, choices, about, projects)
    else:
        columns, ordered = _columns_of(tags, material, dataset)
        values = read_probabilities(y_prob, "y_prob", len(projects), columns, ordered=ordered)
        scored = decide(values, columns, dataset, choices, projects)
        version = finish(scored, dataset, about)
    source.write(name, version.to_files())
    return AddedVersion.of(version)


def open_predictor(predictor: object, tags: Sequence[str]) -> OpenedPredictor:
    """Return whatever predicts, ready to be asked.

    Raises
    ------
    TagifaiError
        It does not predict, or nobody knows its tags.
    """
    from tagifai.models.adapters import as_predictor, load_predictor
    from tagifai.models.adapters.loading import LoadContext
    from tagifai.models.predictor_spec import AllowedPredictors, parse_predictor, with_whole_path

    if not isinstance(predictor, str):
        found = as_predictor(predictor, tags)
        return OpenedPredictor(CheckedPredictor(found, f"predictor {type(predictor).__name__}"))
    spec = with_whole_path(parse_predictor(predictor))
    context = LoadContext(allowed=AllowedPredictors.of([predictor, str(spec)]))
    if tags:
        context = context.with_tags(tags)
    checked = CheckedPredictor(load_predictor(spec, context), str(spec))
    return OpenedPredictor(checked, PredictorFile(spec, tuple(tags)))


def make_predicted(
    opened: OpenedPredictor,
    dataset: Dataset,
    choices: Choices,
    about: About,
    projects: Sequence[Project],
) -> NewVersion:
    """Have projects predicted, and return the version.

    Raises
    ------
    TagifaiError
        The predictor fails, or has a tag that the data does not have.
    """
    checked = opened.checked
    values = score_projects(checked, projects)
    only = bool(getattr(checked.predictor, "decisions_only", False))
    scored = decide(values, checked.tags, dataset, choices, projects, decisions_only=only)
    if scored.calibration is not None:
        from tagifai.models.calibrated import CalibratedPredictor

        calibrated = CalibratedPredictor(checked.predictor, scored.calibration)
        file = opened.file and replace(opened.file, calibration=scored.calibration)
        opened = OpenedPredictor(CheckedPredictor(calibrated, checked.name), file)
    return finish(scored, dataset, about, opened)


def decide(
    y_prob: Array,
    tags: Sequence[str],
    dataset: Dataset,
    choices: Choices,
    projects: Sequence[Project],
    *,
    decisions_only: bool = False,
) -> Scored:
    """Choose splits and thresholds for the probabilities of some projects of the data.

    Raises
    ------
    TagifaiError
        As `decide_version` does.
    """
    labelled = labelled_projects(dataset)
    if [one.id for one in projects] == [one.id for one in labelled]:
        return decide_version(y_prob, tags, dataset, choices, decisions_only=decisions_only)
    known = {one.id for one in labelled}
    rows = [row for row, one in enumerate(projects) if one.id in known]
    chosen = [projects[row] for row in rows]
    truth = truth_of(chosen, tags)
    split = assign_splits(chosen, truth, dataset, choices)
    ids = [one.id for one in chosen]
    predictions = Predictions.of(ids, split, tags, truth, y_prob[rows])
    drawn = choices.splits is None and "test" not in dataset.splits.values()
    return decide_predictions(
        replace(predictions, decisions_only=decisions_only), choices, drawn=drawn
    )


def finish(
    scored: Scored, dataset: Dataset, about: About, opened: OpenedPredictor | None = None
) -> NewVersion:
    """Measure what was scored, and return the version with its links and parameters."""
    version = make_version(
        scored,
        dataset,
        name=about.name,
        notes=about.notes,
        predictor=opened.checked if opened else None,
        file=opened.file if opened else None,
        packages=("numpy", "tagifai"),
    )
    return replace(
        version,
        params={**version.params, **plain_params(about.params or {})},
        info=replace(version.info, links=dict(about.links or {})),
    )


def check_about(about: About) -> None:
    """Check what a version says of itself.

    Raises
    ------
    TagifaiError
        A name or notes that are no text, notes that are too long, a link that is no web address,
        or links or parameters without names.
    """
    for what, text in (("name", about.name), ("notes", about.notes)):
        if not isinstance(text, str):
            raise TagifaiError(f"{what}: a text is needed, got {shorten(repr(text))}")
    if "\n" in about.notes or len(about.notes) > MAX_NOTES:
        raise TagifaiError(f"notes: one line of at most {MAX_NOTES} characters is needed")
    for what, values in (("links", about.links), ("params", about.params)):
        if values is not None and not isinstance(values, Mapping):
            raise TagifaiError(
                f"{what}: a mapping of names is needed, got a {type(values).__name__}"
            )
        for name in values or {}:
            if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
                raise TagifaiError(
                    f"{what}: a name of 1 to {MAX_NAME} characters is needed, "
                    f"got {shorten(repr(name))}"
                )
    for name, address in (about.links or {}).items():
        if not is_web_address(address):
            raise TagifaiError(
                f"links[{name!r}]: an address with http or https is needed, "
                f"got {shorten(repr(address))}"
            )


def plain_params(params: Mapping[str, object]) -> dict[str, object]:
    """Return parameters as `params.json` can hold them; what JSON does not know becomes text.

    >>> plain_params({"lr": np.float32(0.5), "betas": (0.9, 0.99), "device": Path("gpu")})
    {'lr': 0.5, 'betas': [0.9, 0.99], 'device': 'gpu'}
    """
    return {name: _plain_value(value) for name, value in params.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, list | tuple):
        return [_plain_value(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _plain_value(one) for name, one in value.items()}
    return str(value)


def _columns_of(
    tags: object, material: Material | None, dataset: Dataset
) -> tuple[tuple[str, ...], bool]:
    """Return the tags of the columns, and whether their order is known without names."""
    if tags is not None:
        return read_tags(tags), True
    if material is not None:
        return material.tags, material.ordered
    names = tuple(known_tags(dataset))
    # Where the tag file has an order of its own, nobody knows which of the two is meant.
    return names, list(dataset.tags) in ([], list(names))


def _write_once(folder: Path, material: Material) -> None:
    """Write the data where there is none; check that it is the same where there is some."""
    if not any((folder / name).exists() for name in PROJECT_FILES):
        write_data(folder, material)
        return
    known = {project.id: project for project in load_dataset(folder).projects}
    names = np.array(material.tags, dtype=object)
    for row, one in enumerate(material.ids):
        project = known.get(one)
        if project is None or project.text != material.texts[row].strip():
            raise TagifaiError(
                f"texts: {folder} has other data already: project {shorten(one)!r} "
                f"{'differs' if project else 'is not in it'}; data= takes another folder"
            )
        labels = names[material.y_true[row] == 1].tolist()
        others = set(project.tags).symmetric_difference(labels)
        if others:
            raise TagifaiError(
                f"y_true: {folder} has other labels already: project {shorten(one)!r} differs in "
                f"{shorten(min(others))!r}; data= takes another folder"
            )


def _projects_of(dataset: Dataset, ids: object) -> list[Project]:
    if ids is None:
        return list(dataset.projects)
    by_id = projects_by_id(dataset.projects)
    chosen = [str(one) for one in read_list(ids, "ids")]
    for row, one in enumerate(chosen):
        if one not in by_id:
            raise TagifaiError(f"ids: row {row}: the data has no project {shorten(one)!r}")
    return [by_id[one] for one in chosen]


def _splits_of(split: object, projects: Sequence[Project]) -> Mapping[str, str] | None:
    from tagifai.data.assignment import name_split

    if split is None:
        return None
    if isinstance(split, Mapping):
        named = cast(Mapping[object, object], split)
        return {str(one): name_split(value, f"split of {one}") for one, value in named.items()}
    values = read_list(split, "split")
    if len(values) != len(projects):
        raise wrong_shape("split", (len(values),), (len(projects),), "one for each text")
    return {
        project.id: name_split(value, f"split: row {row}")
        for row, (project, value) in enumerate(zip(projects, values, strict=True))
    }
