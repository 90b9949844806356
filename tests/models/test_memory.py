import numpy as np
import pytest
from small_corpus import SMALL_PARAMS, TAGS, small_dataset

from tagifai.data import prepare
from tagifai.errors import TagifaiError
from tagifai.models.features import build_features
from tagifai.models.fold_features import TrainingFeatures
from tagifai.models.memory import MB, check_memory, estimate_memory, free_memory

PREPARED = prepare(small_dataset(), 10)
TEXTS = [project.text for project in PREPARED.projects]
PIPELINE = build_features(SMALL_PARAMS, PREPARED.tags, TAGS)
FEATURES = TrainingFeatures(PIPELINE, TEXTS, [np.arange(9)])


def test_what_does_not_suffice_is_refused_with_what_needs_less():
    needed = estimate_memory(FEATURES, 1_000, 2)
    check_memory(FEATURES, 1_000, 2, free=needed)
    with pytest.raises(TagifaiError, match=r"about 3\d\d MB of .*, and 1 MB are free; .*min_df"):
        check_memory(FEATURES, 1_000, 2, free=MB)


def test_more_texts_tags_and_members_need_more():
    alone = estimate_memory(FEATURES, 4, 1)
    more = TrainingFeatures(PIPELINE, TEXTS * 2, [np.arange(9)])
    assert estimate_memory(more, 4, 1) > alone
    assert estimate_memory(FEATURES, 8, 1) - alone == 4 * 32 * len(TEXTS) + 4 * 4 * len(TEXTS)
    assert estimate_memory(FEATURES, 4, 2) - alone == 4 * 4 * len(TEXTS)


def test_free_memory_is_what_machine_and_container_leave(tmp_path):
    assert free_memory(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:  9000 kB\nMemAvailable:  5000 kB\n")
    assert free_memory(tmp_path) == 5_000 * 1024
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("1000\n")
    assert free_memory(tmp_path) == 5_000 * 1024
    (group / "memory.max").write_text("3000000\n")
    assert free_memory(tmp_path) == 2_999_000


def test_this_machine_says_what_is_free():
    free = free_memory()
    assert free is None or free > MB
