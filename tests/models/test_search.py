import json

import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.models.search import optimize, score_params

QUICK = SMALL_PARAMS.replaced({"char_ngrams": 0, "log_count_ratio": False, "aliases": "none"})
SPACE = {"C": (0.01, 0.1, 1.0), "word_ngrams": (1, 2)}
DATASET = small_dataset(80)


def untimed(trials):
    return [{**trial, "seconds": 0} for trial in trials]


def test_trials_are_repeatable_and_best_first(tmp_path):
    first = optimize(DATASET, QUICK, trials=4, space=SPACE)
    assert untimed(first) == untimed(optimize(DATASET, QUICK, trials=4, space=SPACE))
    assert [trial["f1"] for trial in first] == sorted((t["f1"] for t in first), reverse=True)
    assert sorted(trial["number"] for trial in first) == [0, 1, 2, 3]
    assert next(trial["params"] for trial in first if trial["number"] == 0) == {}
    best = first[0]
    assert score_params(DATASET, QUICK.replaced(best["params"])) == best["f1"]


def test_a_stopped_search_goes_on(tmp_path):
    path = tmp_path / "trials.jsonl"
    whole = optimize(DATASET, QUICK, trials=4, space=SPACE, path=path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]) + lines[2][:30])
    seen = []
    again = optimize(
        DATASET,
        QUICK,
        trials=4,
        space=SPACE,
        path=path,
        progress=lambda done, total, what: seen.append((done, total)),
    )
    assert untimed(again) == untimed(whole)
    assert seen == [(3, 4), (4, 4)]
    assert len(path.read_text().splitlines()) == 4


def test_more_trials_continue_fewer(tmp_path):
    path = tmp_path / "trials.jsonl"
    optimize(DATASET, QUICK, trials=2, space=SPACE, path=path)
    optimize(DATASET, QUICK, trials=3, space=SPACE, path=path)
    numbers = [json.loads(line)["number"] for line in path.read_text().splitlines()]
    assert numbers == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"number": 0}\n{}\n', "row 1 is no trial"),
        ('{"number": 0, "params": {}, "f1": 1, "seconds": 1, "data": "x", "base": {}}\n', "other"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, text, message):
    path = tmp_path / "trials.jsonl"
    path.write_text(text)
    with pytest.raises(TagifaiError, match=message):
        optimize(DATASET, QUICK, trials=2, space=SPACE, path=path)


def test_a_space_smaller_than_the_trials_is_tried_whole():
    found = optimize(DATASET, QUICK, trials=10, space={"C": (0.1, 1.0)})
    assert len(found) == 3
