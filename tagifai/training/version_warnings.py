"""What a version's figures should not be taken for: found when it is made, saved with it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tagifai.data import Dataset
from tagifai.data.leakage import MUCH, Leakage
from tagifai.errors import counted
from tagifai.metrics.rates import compare_with_rates
from tagifai.predictions import Predictions
from tagifai.training.in_sample import measure_train_gap

NO_BETTER = "no_better_than_rates"
TRAIN_EXCEEDS_TEST = "train_exceeds_test"
VAL_EXCEEDS_TEST = "val_exceeds_test"
SOFTMAX = "rows_sum_to_one"
SPLIT_DRAWN = "split_drawn"
NOT_TUNED = "thresholds_not_tuned"
DECISIONS_ONLY = "decisions_only"
OTHER_SPLITS = "other_splits"
LEAKAGE = "near_duplicates"
OTHER = "other"
# Those that follow from probabilities and thresholds alone.
OF_THRESHOLDS = (NO_BETTER, TRAIN_EXCEEDS_TEST)


@dataclass(frozen=True, slots=True)
class VersionWarning:
    """A warning as `version.json` holds it.

    Attributes
    ----------
    kind : str
        What other programs recognise it by, such as "no_better_than_rates".
    message : str
        The warning in a sentence, with its numbers.
    """

    kind: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return asdict(self)


def find_warnings(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    dataset: Dataset | None = None,
    leakage: Leakage | None = None,
) -> list[VersionWarning]:
    """Return everything that a version's figures should not be taken for.

    Parameters
    ----------
    predictions : Predictions
        The version's predictions.
    thresholds : mapping
        By tag, the probability from which it is predicted.
    dataset : Dataset, optional
        The data; without it, other splits are not looked for.
    leakage : Leakage, optional
        Near-duplicates between train and test; without it, they are not warned of.
    """
    gap = measure_train_gap(predictions, thresholds)
    rates = compare_with_rates(predictions, predictions.decide(thresholds))
    found = {
        NO_BETTER: rates.describe() if rates else "",
        TRAIN_EXCEEDS_TEST: gap.describe(predictions.out_of_fold) if gap else "",
        OTHER_SPLITS: _describe_other_splits(predictions, dataset) if dataset else "",
        LEAKAGE: _describe_leakage(leakage) if leakage else "",
    }
    return [VersionWarning(kind, message) for kind, message in found.items() if message]


def renew_warnings(
    before: list[VersionWarning], found: list[VersionWarning]
) -> list[VersionWarning]:
    """Replace the warnings that depend on thresholds by those that were found; keep the others."""
    others = [one for one in before if one.kind not in OF_THRESHOLDS]
    return [*(one for one in found if one.kind in OF_THRESHOLDS), *others]


def read_warnings(found: object) -> list[VersionWarning]:
    """Read the warnings of `version.json`, whoever wrote it; anything else is passed over.

    >>> read_warnings(["train far exceeds test", 7])
    [VersionWarning(kind='other', message='train far exceeds test')]
    """
    warnings = []
    for one in found if isinstance(found, list) else ():
        kind, message = (
            (one.get("kind", OTHER), one.get("message"))
            if isinstance(one, Mapping)
            else (OTHER, one)
        )
        if isinstance(kind, str) and isinstance(message, str) and message:
            warnings.append(VersionWarning(kind, message))
    return warnings


def _describe_leakage(leakage: Leakage) -> str:
    if leakage.share < MUCH:
        return ""
    return (
        f"{leakage.describe()}: figures on test flatter; a column group, or `data split`, keeps "
        f"such projects together"
    )


def _describe_other_splits(predictions: Predictions, dataset: Dataset) -> str:
    stated = dataset.splits
    number = sum(
        one in stated and stated[one] != split
        for one, split in zip(predictions.ids, predictions.split.tolist(), strict=True)
    )
    if not number:
        return ""
    verb = "is" if number == 1 else "are"
    return (
        f"{counted(number, 'project')} {verb} in another split here than the data states, so other "
        f"versions are tested on other projects"
    )
