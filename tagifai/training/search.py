"""Search parameters with Optuna: trials are scored out of fold, and a search can continue."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from tagifai.data import Dataset, prepare
from tagifai.errors import TagifaiError, install_command
from tagifai.metrics import overall_metrics
from tagifai.models import ALL_WORKERS, build_model, check_jobs
from tagifai.models.classifier import Progress
from tagifai.models.params import Params
from tagifai.models.splits import stratify_folds
from tagifai.predictions import decide
from tagifai.training.train import label_matrix, split_prepared, take

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import BaseTrial, FrozenTrial

STUDY = "tagifai"
Space = Mapping[str, "BaseDistribution"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One choice of parameters, scored.

    Attributes
    ----------
    number : int
        Its place in the search, from 0.
    params : mapping
        The parameters that were chosen; the others are as given.
    f1 : float
        Weighted F1 of train and validation projects, out of fold.
    """

    number: int
    params: Mapping[str, object]
    f1: float


def default_space() -> Space:
    """Return what is searched: Optuna's distributions by parameter.

    Raises
    ------
    TagifaiError
        Optuna is not installed.
    """
    kinds = _optuna().distributions
    return {
        "word_ngrams": kinds.IntDistribution(1, 3),
        "char_ngrams": kinds.CategoricalDistribution((0, 4, 5, 6)),
        "min_df": kinds.IntDistribution(1, 3),
        "stem": kinds.CategoricalDistribution((False, True)),
        "aliases": kinds.CategoricalDistribution(("none", "exact", "fuzzy")),
        "alias_weight": kinds.FloatDistribution(0.05, 1.0, log=True),
        "abbreviations": kinds.CategoricalDistribution((False, True)),
        "estimator": kinds.CategoricalDistribution(("logistic", "svc")),
        "C": kinds.FloatDistribution(0.05, 20.0, log=True),
        "class_weight": kinds.CategoricalDistribution((None, "balanced")),
        "log_count_ratio": kinds.CategoricalDistribution((False, True)),
        "ratio_c": kinds.FloatDistribution(0.01, 2.0, log=True),
        "threshold_smoothing": kinds.FloatDistribution(0.0, 1.0),
    }


def optimize(
    dataset: Dataset,
    params: Params,
    *,
    trials: int = 30,
    path: Path | str | None = None,
    space: Space | None = None,
    jobs: int = 1,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> list[Trial]:
    """Search parameters by the F1 of train and validation projects, out of fold.

    Thresholds too come from other folds than those they are applied to; test is never looked
    at. Trial 0 is `params` unchanged. A tree-structured Parzen estimator (Bergstra et al. 2011),
    seeded by `params.seed`, chooses the others.

    Parameters
    ----------
    dataset : Dataset
        What is learned from.
    params : Params
        What each trial changes.
    trials : int
        How many choices are scored in all, earlier ones of `path` among them.
    path : Path or str, optional
        An SQLite file of trials. A search that was stopped continues from it and ends as it
        would have, a trial that was cut short included. Only one search at a time may use it.
    space : mapping, optional
        Optuna's distributions by parameter; `default_space` by default.
    jobs : int
        How many trials run at once; -1: one after the other, each on all of joblib's backend.
    scratch : Path, optional
        The folder in which the workers of a backend find what they need.
    progress : callable, optional
        Called after each trial with the number done, the number of all, and the best F1.

    Returns
    -------
    list of Trial
        The best first.

    Raises
    ------
    TagifaiError
        Optuna is not installed; fewer trials or jobs than one; or `path` holds something else,
        or trials of other data, parameters or space.
    """
    if trials < 1:
        raise TagifaiError(f"trials must be 1 or more, got {trials}")
    if jobs != ALL_WORKERS:
        check_jobs(jobs)
    space = default_space() if space is None else space
    study = _open_study(path, dataset, params, space)
    score = partial(_score_choice, dataset, params, jobs=jobs, scratch=scratch)
    _run_trials(study, score, params, space, trials, jobs, progress)
    found = [
        Trial(trial.number, dict(trial.params), float(trial.value or 0))
        for trial in _trials(study, "COMPLETE")
    ]
    return sorted(found, key=lambda one: (-one.f1, one.number))


def _run_trials(
    study: "Study",
    score: Callable[[Mapping[str, object]], float],
    params: Params,
    space: Space,
    trials: int,
    jobs: int,
    progress: Progress | None,
) -> None:
    # On a cluster each trial is spread itself; as many at once as without one would ask.
    at_once = max(1, jobs)
    # Trials that a stopped search left unfinished come first.
    cut_short = _trials(study, "RUNNING")
    with ExitStack() as stack:
        parallel = None
        if jobs != ALL_WORKERS:
            parallel = stack.enter_context(Parallel(n_jobs=jobs, return_as="generator"))
        while (left := trials - len(_trials(study, "COMPLETE"))) > 0:
            asked: Sequence[BaseTrial] = cut_short[:at_once] or [
                _ask(study, params, space) for _ in range(min(at_once, left))
            ]
            cut_short = cut_short[at_once:]
            choices = [one.params for one in asked]
            scores = (
                parallel(delayed(score)(choice) for choice in choices)
                if parallel is not None
                else map(score, choices)
            )
            for trial, f1 in zip(asked, scores, strict=True):
                study.tell(trial.number, f1)
                if progress:
                    done = len(_trials(study, "COMPLETE"))
                    progress(done, max(trials, done), f"best F1 {study.best_value:.3f}")


def score_params(
    dataset: Dataset, params: Params, jobs: int = 1, scratch: Path | None = None
) -> float:
    """Return the weighted F1 of train and validation projects, out of fold, in [0, 1].

    Thresholds too come from other projects than those they are applied to. `jobs` and `scratch`
    are those of `build_model`.
    """
    prepared = prepare(dataset, params.min_tag_freq)
    y_true = label_matrix(prepared)
    split, groups = split_prepared(dataset, prepared, y_true, params)
    rows = np.flatnonzero(split != "test")
    model = build_model(params, prepared.tags, dataset.tags, jobs, scratch)
    with threadpool_limits(limits=1):
        texts = [prepared.projects[i].text for i in rows]
        y_prob = model.score_out_of_fold(texts, y_true[rows], take(groups, rows))
    y_true = y_true[rows]
    y_pred = np.zeros_like(y_true)
    for part in stratify_folds(y_true, params.folds, params.seed, take(groups, rows)):
        others = np.setdiff1d(np.arange(len(y_true)), part)
        cut = model.choose_thresholds(y_true[others], y_prob[others])
        y_pred[part] = decide(y_prob[part], cut)
    # Undefined only where no tag is carried or predicted at all: then nothing was learned.
    return overall_metrics(y_true, y_pred).weighted.values["f1"] or 0.0


def _optuna() -> ModuleType:
    try:
        import optuna
    except ImportError:
        raise TagifaiError(f"the search needs Optuna: {install_command('optuna')}") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _open_study(path: Path | str | None, dataset: Dataset, params: Params, space: Space) -> "Study":
    optuna = _optuna()
    to_json = optuna.distributions.distribution_to_json
    asked = {
        "data": dataset.digest,
        "params": params.to_dict(),
        "space": {name: json.loads(to_json(kind)) for name, kind in space.items()},
    }
    try:
        study = optuna.create_study(
            storage=None if path is None else f"sqlite:///{path}",
            study_name=STUDY,
            direction="maximize",
            load_if_exists=True,
        )
        searched = study.user_attrs.get("asked")
    except Exception as error:  # SQLAlchemy's, for whatever else the file may be
        raise TagifaiError(f"{path}: no file of trials ({type(error).__name__})") from None
    if searched is None:
        study.set_user_attr("asked", asked)
    elif searched != json.loads(json.dumps(asked)):
        raise TagifaiError(
            f"{path}: holds trials of other data, parameters or space; choose another file or "
            f"remove it"
        )
    return study


def _trials(study: "Study", state: str) -> "list[FrozenTrial]":
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == state]


def _ask(study: "Study", params: Params, space: Space) -> "optuna.Trial":
    done = len(study.get_trials(deepcopy=False))
    # A seed for each trial: a search that was stopped chooses as one that was not.
    study.sampler = _optuna().samplers.TPESampler(seed=(params.seed + done) % 2**32)
    return study.ask(dict(space) if done else {})


def _score_choice(
    dataset: Dataset,
    params: Params,
    choice: Mapping[str, object],
    *,
    jobs: int,
    scratch: Path | None,
) -> float:
    # Trials that run at once have a process each.
    inner = ALL_WORKERS if jobs == ALL_WORKERS else 1
    try:
        return score_params(dataset, params.replaced(choice), inner, scratch)
    except TagifaiError:  # a choice at odds with itself, such as one without any feature
        if not choice:
            raise
        return 0.0
