"""The demonstration's labelled texts as a table, to try things on before one's own."""

from collections import Counter
from typing import TYPE_CHECKING

from tagifai.data import load_dataset
from tagifai.demonstration import find_demonstration
from tagifai.errors import TagifaiError

if TYPE_CHECKING:
    import pandas as pd


def load_demonstration(min_tag_freq: int = 1) -> "pd.DataFrame":
    """Return the labelled texts that come with the package: works of machine learning.

    They are public works (papers, libraries, courses, books), each with a title, a description
    written for this package, and its tags. No network is needed.

    Parameters
    ----------
    min_tag_freq : int
        Tags of fewer texts are left out; the texts stay.

    Returns
    -------
    DataFrame
        One row for each text: `id`, `text`, `tags` (a list of names in alphabetical order) and
        `split` ("train", "val" or "test"). Tags that the data excludes from learning are left
        out.

    Raises
    ------
    TagifaiError
        `min_tag_freq` is no whole number of 1 or more.

    Examples
    --------
    >>> demo = load_demonstration(min_tag_freq=100)
    >>> demo.columns.tolist(), sorted(set(demo["split"]))
    (['id', 'text', 'tags', 'split'], ['test', 'train', 'val'])
    """
    import pandas as pd

    if isinstance(min_tag_freq, bool) or not isinstance(min_tag_freq, int) or min_tag_freq < 1:
        raise TagifaiError(
            f"min_tag_freq: a whole number of 1 or more is needed, got {min_tag_freq!r}"
        )
    dataset = load_dataset(find_demonstration() / "data")
    counts = Counter(tag for project in dataset.projects for tag in set(project.tags))
    excluded = set(dataset.config.excluded)
    kept = {tag for tag, number in counts.items() if number >= min_tag_freq} - excluded
    rows = [
        (one.id, one.text, sorted(kept & set(one.tags)), dataset.splits[one.id])
        for one in dataset.projects
    ]
    return pd.DataFrame(rows, columns=["id", "text", "tags", "split"])
