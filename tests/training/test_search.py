import sqlite3

import optuna
import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.models.params import Params
from tagifai.training.search import default_space, optimize, score_params

QUICK = SMALL_PARAMS.replaced({"char_ngrams": 0, "log_count_ratio": False, "aliases": "none"})
SPACE = {
    "C": optuna.distributions.FloatDistribution(0.01, 1.0, log=True),
    "word_ngrams": optuna.distributions.CategoricalDistribution((1, 2)),
}
DATASET = small_dataset(80)


@pytest.fixture(scope="module")
def whole():
    return optimize(DATASET, QUICK, trials=4, space=SPACE)


def test_trials_come_best_first_with_the_given_parameters_among_them(whole):
    assert [trial.f1 for trial in whole] == sorted((t.f1 for t in whole), reverse=True)
    chosen = {trial.number: trial.params for trial in whole}
    assert sorted(chosen) == [0, 1, 2, 3]
    assert chosen.pop(0) == {}
    assert all(set(params) == set(SPACE) for params in chosen.values())
    best = whole[0]
    assert score_params(DATASET, QUICK.replaced(best.params)) == best.f1


def test_a_stopped_search_goes_on_and_ends_as_it_would_have(whole, tmp_path):
    path = tmp_path / "trials.sqlite"
    seen = []

    def stop_after_two(done, total, what):
        seen.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimize(DATASET, QUICK, trials=4, space=SPACE, path=path, progress=stop_after_two)
    # As a program leaves it that is killed while it tries the third.
    study = optuna.load_study(study_name="tagifai", storage=f"sqlite:///{path}")
    study.sampler = optuna.samplers.TPESampler(seed=QUICK.seed + 2)
    assert study.ask(SPACE).number == 2
    again = optimize(
        DATASET,
        QUICK,
        trials=4,
        space=SPACE,
        path=path,
        progress=lambda done, total, what: seen.append((done, total)),
    )
    assert again == whole
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert optimize(DATASET, QUICK, trials=2, space=SPACE, path=path) == whole


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "trials.sqlite"
    path.write_text("no database, but long enough to be looked at\n" * 40)
    with pytest.raises(TagifaiError, match="no file of trials"):
        optimize(DATASET, QUICK, trials=1, space=SPACE, path=path)
    path.unlink()
    sqlite3.connect(path).close()
    optimize(DATASET, QUICK, trials=1, space=SPACE, path=path)
    for other in (
        {"dataset": small_dataset(90)},
        {"params": QUICK.replaced({"stem": True})},
        {"space": {"C": SPACE["C"]}},
    ):
        asked = {"dataset": DATASET, "params": QUICK, "space": SPACE, **other}
        with pytest.raises(TagifaiError, match="of other data, parameters or space"):
            optimize(asked.pop("dataset"), asked.pop("params"), trials=1, path=path, **asked)


def test_every_choice_of_the_default_space_is_a_parameter():
    for name, kind in default_space().items():
        values = getattr(kind, "choices", None) or (kind.low, kind.high)
        for value in values:
            assert getattr(Params().replaced({name: value}), name) == value


def test_no_trial_is_no_search():
    with pytest.raises(TagifaiError, match="trials must be 1 or more, got 0"):
        optimize(DATASET, QUICK, trials=0)
