import pytest
from small_corpus import SMALL_PARAMS, TAGS, small_dataset

from tagifai.behavioral import BehavioralTest, Case
from tagifai.slices import Conditions, Slice
from tagifai.training.evaluation import cleaner_of, default_tests, measure, tags_by_classifier
from tagifai.training.train import train


def test_tests_come_from_the_learnt_tags_alone():
    tests = default_tests(["transformers"], TAGS)
    named = set().union(*(test.tags for test in tests if test.group.startswith("mft-")))
    assert named == {"transformers"}
    assert tests == default_tests(["transformers"], TAGS)


def test_behavior_is_judged_by_the_thresholds_given():
    dataset = small_dataset()
    trained = train(dataset, SMALL_PARAMS, tests=())
    test = BehavioralTest("MFT", "mine", (Case("camera sentences", ("computer-vision",)),))
    scores = [
        measure(
            tags_by_classifier(trained.model, trained.tags, thresholds),
            cleaner_of(trained.model),
            thresholds,
            trained.predictions,
            dataset.projects,
            [test],
        )["behavioral"]["score"]
        for thresholds in (dict.fromkeys(trained.tags, value) for value in (0.5, 1.0))
    ]
    assert scores == [1.0, 0.0]


def test_slices_are_counted_in_the_test_part():
    given = {
        "cv_transformers": Slice("", "", Conditions(("computer-vision", "transformers"))),
        "short_text": Slice("", "", Conditions(max_words=6)),
    }
    trained = train(small_dataset(), SMALL_PARAMS, tests=(), slices=given)
    slices = trained.performance["slices"]["class"]
    assert sorted(slices) == ["cv_transformers", "short_text"]
    test = trained.predictions.select("test")
    cv, tr = (test.tags.index(tag) for tag in ("computer-vision", "transformers"))
    both = int((test.y_true[:, cv] & test.y_true[:, tr]).sum())
    assert slices["cv_transformers"]["num_samples"] == both
    assert trained.performance["behavioral"]["num_samples"] == pytest.approx(0)


def test_saved_tests_are_scored_with_the_others():
    saved = BehavioralTest("MFT", "mine", (Case("camera photos", ("computer-vision",)),))
    trained = train(small_dataset(), SMALL_PARAMS, saved=[saved])
    assert trained.performance["behavioral"]["by_group"]["mine"]["num_samples"] == 1
    assert saved in default_tests(["transformers"], TAGS, [saved])
