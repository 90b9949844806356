"""Labels that are probably wrong, found in arrays."""

from typing import TYPE_CHECKING

from tagifai.api.inputs import read_probabilities, take_column
from tagifai.api.material import read_material
from tagifai.data import Project
from tagifai.errors import TagifaiError, one_of
from tagifai.label_errors.label_issues import KINDS, RANKS
from tagifai.predictions import Predictions
from tagifai.text.languages import DEFAULT_LANGUAGE, find_language

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "row",
    "tag",
    "kind",
    "score",
    "probability",
    "neighbour_share",
    "named",
    "y_true",
    "text",
)
MOST = 1_000


def label_issues(
    texts: object,
    y_true: object,
    y_prob: object,
    *,
    tags: object = None,
    ids: object = None,
    data: object = None,
    kind: str | None = None,
    rank: str = "evidence",
    most: int = MOST,
    language: str = DEFAULT_LANGUAGE,
) -> "pd.DataFrame":
    """Rank (text, tag) pairs whose label may be missing or wrong, the likeliest errors first.

    The probabilities must come from models that did not see the text: out of fold, as by
    ``cross_val_predict(…, method="predict_proba")``, or of a held-out set. A model that learned
    the wrong labels agrees with them, and this cannot be seen from the arrays.

    Parameters
    ----------
    texts, y_true : list or array
        The labelled texts; see `show`.
    y_prob : array (n_texts, n_tags)
        Out-of-fold probabilities.
    tags, ids, data : optional
        As for `show`.
    kind : {"missing", "wrong"}, optional
        Which errors; by default both, in turn.
    rank : {"evidence", "probability"}
        What the order is made of: everything that speaks for an error (names of tags in the
        text, similar texts, tags that come together), or the probability alone.
    most : int
        How many rows of each kind to return.
    language : str
        The language of the texts.

    Returns
    -------
    DataFrame
        One row for each pair: `row` (place in `texts`), `id` where `ids` were given, `tag`,
        `kind`, `score` (how likely the text has the tag, by everything that is known, in [0, 1];
        high for missing labels, low for wrong ones), `probability`, `neighbour_share` (of similar
        texts that have the tag), `named` (the name of the tag that stands in the text), `y_true`
        (the tags that it has) and `text`.

    Raises
    ------
    TagifaiError
        Something does not fit: the message names the argument and both shapes.

    Examples
    --------
    >>> texts = ["a cat sleeps", "a cat eats", "a cat plays", "a dog barks"] * 5
    >>> y_true = [[1], [1], [1], [0]] * 4 + [[1], [1], [0], [0]]
    >>> y_prob = [[0.9], [0.9], [0.9], [0.1]] * 5
    >>> label_issues(texts, y_true, y_prob, tags=["cat"], kind="missing")["row"].tolist()[0]
    18
    """
    if kind is not None and kind not in KINDS:
        raise one_of("kind of label error", kind, KINDS)
    if rank not in RANKS:
        raise one_of("rank", rank, RANKS)
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise TagifaiError(f"most: a whole number of 1 or more is needed, got {most!r}")
    language = find_language(language)
    material = read_material(texts, y_true, tags=tags, ids=ids, data=data)
    prob = read_probabilities(
        take_column(y_prob, data, "y_prob"),
        "y_prob",
        len(material.texts),
        material.tags,
        ordered=material.ordered,
    )
    names = material.tags
    projects = {
        one: Project(one, "", text, tuple(names[column] for column in truth.nonzero()[0]))
        for one, text, truth in zip(material.ids, material.texts, material.y_true, strict=True)
    }
    split = ["test"] * len(projects)
    predictions = Predictions.of(material.ids, split, names, material.y_true, prob)
    return _tabulate(predictions, projects, kind, rank, most, language, ids is not None)


def _tabulate(
    predictions: Predictions,
    projects: dict[str, Project],
    kind: str | None,
    rank: str,
    most: int,
    language: str,
    has_ids: bool,
) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    from tagifai.label_errors.label_issues import describe_issues, issue_pairs, suspect_labels

    found = suspect_labels(predictions, projects, {}, language)
    kinds = KINDS if kind is None else (kind,)
    pairs = np.concatenate([issue_pairs(found, one, rank=rank)[:most] for one in kinds])
    issues = describe_issues(found, pairs, projects, {}, language)
    rows = [
        {
            "row": predictions.row_of[issue.id],
            "id": issue.id,
            **{name: getattr(issue, name) for name in COLUMNS[1:-2]},
            "y_true": list(issue.y_true),
            "text": projects[issue.id].text,
        }
        for issue in issues
    ]
    columns = [COLUMNS[0], *(["id"] if has_ids else []), *COLUMNS[1:]]
    return pd.DataFrame(rows, columns=columns)
