import numpy as np
import pytest

from tagifai.metrics.calibration_check import check_calibration
from tagifai.predictions import Predictions
from tagifai.ui.inspection_view import show_calibration


@pytest.mark.parametrize(
    ("prob", "kind"), [(0.5, "good"), (0.9, "warning")], ids=["calibrated", "not calibrated"]
)
def test_the_calibration_note_has_its_reference_once(prob, kind):
    half = np.arange(200)[:, None] % 2
    checked = check_calibration(
        Predictions.of(range(200), ["test"] * 200, ["a"], half, np.full((200, 1), prob))
    )
    shown = show_calibration(checked)
    assert f'class="notice {kind}"' in shown
    assert shown.count("Guo et al.") == shown.count("https://arxiv.org/abs/1706.04599") == 1
