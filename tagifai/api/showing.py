"""Show texts, labels and probabilities in the dashboard, from a notebook or a script."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tagifai.api import live
from tagifai.api.adding import (
    About,
    OpenedPredictor,
    Thresholds,
    check_about,
    decide,
    finish,
    make_predicted,
    open_predictor,
)
from tagifai.api.inputs import column_names, shape_of
from tagifai.api.material import Material, read_material, read_versions, write_data
from tagifai.api.notebook import FRAMES, HEIGHT, in_notebook, show_in_cell
from tagifai.api.notebook import open_browser as open_in_browser
from tagifai.api.session import Session
from tagifai.arrays import Array
from tagifai.data import load_dataset
from tagifai.errors import TagifaiError, one_of
from tagifai.models.predictor_file import PredictorFile
from tagifai.models.predictor_spec import PredictorSpec
from tagifai.predictions import DEFAULT_THRESHOLD, OUT_OF_FOLD
from tagifai.settings import Settings
from tagifai.store.sources import FolderSource, check_new_name
from tagifai.training.adding import FEWEST_VALIDATION, TUNED, Choices


def show(
    texts: object,
    y_true: object,
    y_prob: object = None,
    *,
    tags: object = None,
    predictor: object = None,
    ids: object = None,
    split: object = None,
    group: object = None,
    data: object = None,
    name: str = "model",
    thresholds: Thresholds | None = None,
    out_of_fold: str = "unknown",
    share: bool = False,
    height: int = HEIGHT,
    open_browser: bool | None = None,
) -> Session:
    """Open the dashboard on one's own texts, labels and probabilities.

    In a notebook the page appears in the cell, elsewhere in a browser where there is one. The
    call returns at once; the server ends with ``close()``, with the block of a ``with``, or with
    the program. Everything is written to a temporary folder, which goes with it.

    Parameters
    ----------
    texts : list, array or column of str
        A text for each row; or the name of a column of `data`.
    y_true : array (n_texts, n_tags), table or list of lists
        0 and 1, dense or CSR; or each text's tags. Or the name of a column of `data`.
    y_prob : array (n_texts, n_tags), table, list or mapping, optional
        Probabilities in [0, 1], or the name of a column of `data` that has a row of them in each
        cell; ``{"v1": …, "v2": …}`` for several versions, which are compared.
        Without them, and without a `predictor`, the Data tab alone has something to show.
    tags : list of str, optional
        The names of the columns; by default those of the tables, of the predictor, of the classes
        of a `datasets.Dataset`, or numbers.
    predictor : optional
        An object with ``predict_proba``, a fitted estimator, a function of a list of texts, or
        ``"KIND:SOURCE"``. Without `y_prob` it predicts the texts now; beside several versions it
        makes one more, called `name`.
    ids : list of str, optional
        A name for each text; by default its row's number.
    split : list of str, optional
        "train", "val" or "test" of each text. By default all are test: texts that no version
        learned from.
    group : list of str, optional
        What belongs together, as texts of one author.
    data : DataFrame, datasets.Dataset or mapping, optional
        A table whose columns the other arguments may name; all others are shown and searched.
    name : str
        The version's name, where there is only one.
    thresholds : "tuned", float or mapping, optional
        Chosen on val, one for all, or one by tag; by default chosen where `split` has 20 val
        texts or more, else 0.5.
    out_of_fold : {"unknown", "yes", "no"}
        Whether the probabilities of train texts come from models that did not see them.
    share : bool
        Whether Gradio makes a public link, open to whoever has it.
    height : int
        Of the page in a notebook's cell, in pixels.
    open_browser : bool, optional
        Whether to show the page; by default where that is possible.

    Returns
    -------
    Session
        With ``url``, ``selection()``, ``reviews()`` and ``close()``.

    Raises
    ------
    TagifaiError
        Something does not fit: the message names the argument, the shape received and the shape
        needed.

    Examples
    --------
    >>> session = show(["a cat", "a dog"], [[1, 0], [0, 1]], {"v1": [[0.9, 0.2], [0.4, 0.8]]},
    ...                tags=["cats", "dogs"], open_browser=False)
    >>> session.reviews().empty
    True
    >>> session.close()
    """
    if out_of_fold not in OUT_OF_FOLD:
        raise one_of("out_of_fold", out_of_fold, OUT_OF_FOLD)
    if isinstance(height, bool) or not isinstance(height, int) or height < 1:
        raise TagifaiError(f"height: a whole number of pixels is needed, got {height!r}")
    opened, tags = _read_predictor(predictor, tags, y_true)
    material = read_material(
        texts, y_true, tags=tags, ids=ids, split=split, group=group, data=data, y_prob=y_prob
    )
    if predictor is not None and opened is None:
        opened = open_predictor(predictor, material.tags if material.ordered else ())
    versions = read_versions(y_prob, material, name, data)
    if opened is not None and len(versions) > 1 and name in versions:
        raise TagifaiError(
            f"name: y_prob has a version {name!r} already; the predictor needs another"
        )
    for version in versions or [name]:
        _check_name(version)
    folder = Path(tempfile.mkdtemp(prefix="tagifai-"))
    spec = None
    try:
        if opened is not None and opened.file is None:
            spec = live.register(opened.checked.predictor)
            opened = OpenedPredictor(opened.checked, PredictorFile(spec, opened.checked.tags))
        write_data(folder / "data", material)
        choices = _choices(material, thresholds, out_of_fold)
        _write_versions(folder, versions, opened, choices, material, name)
        return _open(folder, opened, spec, share, height, open_browser)
    except BaseException:
        if spec is not None:
            live.forget(spec)
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _read_predictor(
    predictor: object, tags: object, y_true: object
) -> tuple[OpenedPredictor | None, object]:
    """Open a predictor that knows its own tags, where nobody else names them."""
    if predictor is None or tags is not None or column_names(y_true):
        return None, tags
    try:
        opened = open_predictor(predictor, ())
    except TagifaiError:
        return None, None  # it is opened with the tags of the labels
    return opened, opened.checked.tags


def _check_name(name: str) -> None:
    try:
        check_about(About(name))
        check_new_name(name)
    except TagifaiError as error:
        raise TagifaiError(f"name of a version: {error}") from None


def _choices(material: Material, thresholds: Thresholds | None, out_of_fold: str) -> Choices:
    if thresholds is None:
        num_val = list(material.split or ()).count("val")
        thresholds = TUNED if num_val >= FEWEST_VALIDATION else DEFAULT_THRESHOLD
    if "test" not in material.splits.values():
        raise TagifaiError(
            "split: no text is in test, and figures are of test texts alone (received: "
            f"{shape_of(material.split)} of {', '.join(sorted(set(material.split or ())))})"
        )
    return Choices(thresholds, out_of_fold=out_of_fold, splits=material.splits)


def _write_versions(
    folder: Path,
    versions: Mapping[str, Array],
    opened: OpenedPredictor | None,
    choices: Choices,
    material: Material,
    name: str,
) -> None:
    """Write each version; a predictor belongs to all that were given, or makes one."""
    models = folder / "model"
    models.mkdir()
    if not versions and opened is None:
        return
    dataset = load_dataset(folder / "data")
    source, projects = FolderSource(models), dataset.projects
    for version, values in versions.items():
        scored = decide(values, material.tags, dataset, choices, projects)
        made = finish(scored, dataset, About(version), opened if len(versions) == 1 else None)
        source.write(version, made.to_files())
    if opened is not None and len(versions) != 1:
        made = make_predicted(opened, dataset, choices, About(name), projects)
        source.write(name, made.to_files())


def _open(
    folder: Path,
    opened: OpenedPredictor | None,
    spec: PredictorSpec | None,
    share: bool,
    height: int,
    open_browser: bool | None,
) -> Session:
    """Start the app over the folder, and show it."""
    notebook = in_notebook()
    settings = Settings(
        data=folder / "data",
        models=str(folder / "model"),
        port=0,
        share=share,
        no_cache=True,
        cache_dir=folder / "cache",
        allow_predictor=(str(opened.file.spec),) if opened and opened.file else (),
    )
    session = Session(
        folder,
        settings,
        framed_by=FRAMES if notebook else "",
        proxied=notebook,
        predictor=spec,
    )
    if open_browser is not False:
        if notebook:
            show_in_cell(session.url, session.port, height)
        else:
            open_in_browser(session.url)
    return session
