"""Lower the default parameters for data on which the usual ones would take hours."""

from collections.abc import Collection
from dataclasses import dataclass

from tagifai.data import Dataset, candidate_tags, labelled_projects
from tagifai.models.params import Params

# Characters × tags from which data count as large: the usual parameters take about a minute then.
LARGE = 200_000_000
# What each fit costs whatever the number of tags, as if there were so many more.
_BESIDE_TAGS = 10
# Long texts have more different pairs of words than memory has room for.
_LONG_TEXT, _LONG_DATA = 10_000, 10_000_000
LOWERED: dict[str, object] = {
    "char_ngrams": 0,
    "log_count_ratio": False,
    "C": 1.0,
    "folds": 3,
    "tolerance": 0.5,
    "prune": 0.02,
}
"""Words alone, one model a tag, three folds: a tenth of the time, and hardly worse on much data."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """Parameters that suit the data, and what was changed for that.

    Attributes
    ----------
    params : Params
        What to train with.
    changed : mapping
        The parameters that were lowered, with their new values; empty for data of usual size.
    num_characters, num_tags : int
        How large the data are.
    """

    params: Params
    changed: dict[str, object]
    num_characters: int
    num_tags: int

    def describe(self) -> str:
        """Return in a sentence what was lowered; "" where nothing was.

        >>> Lowered(Params(), {"folds": 3}, 9_000_000, 300).describe()
        'large data (9,000,000 characters, 300 tags), so trained with folds=3 (--set overrides it)'
        """
        if not self.changed:
            return ""
        values = ", ".join(f"{name}={_shown(value)}" for name, value in self.changed.items())
        return (
            f"large data ({self.num_characters:,} characters, {self.num_tags:,} tags), so trained "
            f"with {values} (--set overrides it)"
        )


def lower_params(params: Params, given: Collection[str], dataset: Dataset) -> Lowered:
    """Return parameters that suit the size of the data.

    Parameters
    ----------
    params : Params
        Parameters, defaults among them.
    given : collection of str
        Those that somebody chose, which stay as they are.
    dataset : Dataset
        What is learned from.
    """
    lengths = [len(project.text) for project in labelled_projects(dataset)]
    counts = candidate_tags(dataset).values()
    num_tags, size = sum(count >= params.min_tag_freq for count in counts), sum(lengths)
    lowered: dict[str, object] = {}
    if size * (num_tags + _BESIDE_TAGS) >= LARGE:
        lowered |= LOWERED
        if size >= _LONG_DATA and size / max(1, len(lengths)) >= _LONG_TEXT:
            lowered["min_df"] = 2
    before = params.to_dict()
    changed = {
        name: value
        for name, value in lowered.items()
        if name not in given and value != before[name]
    }
    # Nothing else to read was chosen: then characters stay.
    if params.word_ngrams == 0:
        changed.pop("char_ngrams", None)
    return Lowered(params.replaced(changed), changed, size, num_tags)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"
