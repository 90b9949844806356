import time

import pytest

from tagifai.models.predictor import CheckedPredictor
from tagifai.services.patience import PATIENT, Ask, TooSlow


class Tagger:
    tags = ("cv",)
    remote = False

    def predict_proba(self, texts):
        return [[0.5]] * len(texts)


def test_only_what_is_known_to_be_quick_is_asked_in_a_hurry():
    predictor = CheckedPredictor(Tagger())
    PATIENT.check(predictor, 10**6)
    PATIENT.check(None, 1)
    with pytest.raises(TooSlow):  # nobody knows how long it takes
        Ask.at_once(60).check(predictor, 1)
    predictor.predict_proba(["text"])
    Ask.at_once(60).check(predictor, 1)
    with pytest.raises(TooSlow):
        Ask.at_once(60).check(None, 1)
    with pytest.raises(TooSlow):
        Ask(until=time.monotonic() - 1).check(predictor, 1)


def test_a_server_is_never_asked_in_a_hurry():
    tagger = Tagger()
    tagger.remote = True
    predictor = CheckedPredictor(tagger)
    predictor.predict_proba(["text"])
    with pytest.raises(TooSlow):
        Ask.at_once(60).check(predictor, 1)
    PATIENT.check(predictor, 1)


def test_time_grows_with_texts_and_many_at_once_are_quicker():
    predictor = CheckedPredictor(Tagger())
    assert predictor.expected_seconds(1) is None
    predictor._note_pace(1, 0.5)
    assert predictor.expected_seconds(4) == 2.0
    predictor._note_pace(100, 1.0)
    assert predictor.expected_seconds(1) == 0.5
    assert predictor.expected_seconds(200) == 2.0
