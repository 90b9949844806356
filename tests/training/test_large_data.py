import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from small_corpus import small_dataset

from tagifai.data import Dataset, Project
from tagifai.models.params import Params
from tagifai.training import large_data
from tagifai.training.large_data import LOWERED, lower_params

ROOT = Path(__file__).parents[2]


def dataset_of(num_texts: int, length: int, num_tags: int) -> Dataset:
    """Return texts of which each tag has 30 or more."""
    text = "a" * length
    projects = [
        Project(str(row), "", text, tuple(f"tag-{k}" for k in range(num_tags)))
        for row in range(num_texts)
    ]
    return Dataset(tuple(projects), {}, "digest")


def test_data_of_usual_size_are_trained_as_ever():
    for dataset in (small_dataset(), dataset_of(2_000, 1_000, 40)):
        lowered = lower_params(Params(), (), dataset)
        assert lowered.params == Params()
        assert lowered.describe() == ""


def test_large_data_lower_what_costs_most_and_say_so():
    lowered = lower_params(Params(), (), dataset_of(100, 20_000, 300))
    assert lowered.params == Params().replaced(LOWERED)
    assert lowered.describe() == (
        "large data (2,000,000 characters, 300 tags), so trained with char_ngrams=0, "
        "log_count_ratio=false, C=1.0, folds=3, tolerance=0.5, prune=0.02 (--set overrides it)"
    )


def test_what_was_chosen_stays():
    dataset = dataset_of(100, 20_000, 300)
    lowered = lower_params(Params(), {"folds", "C"}, dataset)
    assert (lowered.params.folds, lowered.params.C) == (5, 0.3)
    assert lowered.params.char_ngrams == 0
    params = Params().replaced({"word_ngrams": 0})
    assert lower_params(params, {"word_ngrams"}, dataset).params.char_ngrams == 5
    assert lower_params(params.replaced({"folds": 3}), set(LOWERED), dataset).changed == {}


def test_long_texts_leave_out_what_only_one_text_has():
    long = lower_params(Params(), (), dataset_of(400, 40_000, 10)).params
    assert (long.min_df, long.char_ngrams) == (2, 0)
    assert lower_params(Params(), (), dataset_of(20_000, 800, 10)).params.min_df == 1


@pytest.mark.parametrize("given", [[], ["--set", "folds=4"]])
def test_the_command_says_and_records_it(tmp_path, given):
    # What counts as large is set low, so that the test need not train for minutes.
    rows = [
        {"id": p.id, "title": p.title, "description": p.description, "tags": list(p.tags)}
        for p in small_dataset().projects
    ]
    (tmp_path / "projects.json").write_bytes(orjson.dumps(rows))
    program = (
        "import sys; from tagifai.training import large_data; large_data.LARGE = 1_000; "
        "from tagifai.cli.parser import main; sys.exit(main())"
    )
    command = ["train", "--data", tmp_path, "--models", tmp_path / "m", "--set=min_tag_freq=10"]
    done = subprocess.run(
        [sys.executable, "-c", program, *command, *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    folds = 4 if given else 3
    assert "so trained with char_ngrams=0, log_count_ratio=false" in done.stderr
    assert ("folds=3" in done.stderr) == (not given)
    params = orjson.loads((tmp_path / "m/workspace/params.json").read_bytes())
    assert params == Params(min_tag_freq=10).replaced({**LOWERED, "folds": folds}).to_dict()
    assert large_data.LARGE == 200_000_000
