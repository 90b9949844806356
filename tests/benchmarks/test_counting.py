"""The count that the slider's table is compared with holds the app's own rules."""

import dataclasses

import pytest

from benchmarks.rows.counting import check
from tagifai.data import Dataset, Project, Tag
from tagifai.data.config import DataConfig
from tagifai.data.frequency import build_frequency_table

PROJECTS = tuple(
    Project(str(number), "", "", tags)
    for number, tags in enumerate([("cv",), ("cv", "nlp"), ("nlp",), ("cv",), ()])
)


@pytest.mark.parametrize("untagged", ["negative", "unlabelled"])
def test_the_other_count_agrees_at_every_frequency(untagged):
    config = DataConfig(untagged=untagged)
    dataset = Dataset(PROJECTS, {tag: Tag(tag) for tag in ("cv", "nlp")}, "", config)
    table = build_frequency_table(dataset)
    check(table, dataset)
    wrong = dataclasses.replace(table, histogram=table.histogram + 1)
    with pytest.raises(ValueError, match="another count"):
        check(wrong, dataset)
