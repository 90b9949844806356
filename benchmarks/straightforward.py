"""The straightforward forms of what the app does faster: the same answers, no pains taken."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tagifai.text.classes import char_class, expand_classes
from tagifai.text.languages import stopwords_of
from tagifai.text.normalization import plain_form, special_pattern
from tagifai.text.preprocessing import FILTERS, LINKS
from tagifai.text.segmentation import space_words, unspaced_pattern


def preprocess(
    text: str,
    *,
    lower: bool = True,
    stem: bool = False,
    filters: str = FILTERS,
    stopwords: Sequence[str] | None = None,
) -> str:
    """Preprocess as the app does, with patterns compiled in each call and each word stemmed anew.

    >>> preprocess("Don't miss https://example.org/a: You and I, state-of-the-art!")
    'miss state art'
    >>> preprocess("Reading Graph Embeddings", lower=False, stem=True)
    'Read Graph Embed'
    """
    stopwords = stopwords_of("english") if stopwords is None else stopwords
    text = unicodedata.normalize("NFC", re.sub(special_pattern().pattern, plain_form, text))
    if lower:
        text = unicodedata.normalize("NFC", text.replace("İ", "i").lower())
    text = re.compile(LINKS, re.IGNORECASE).sub(" ", text)
    words = [word for word in stopwords if "'" not in word]
    others = sorted((word for word in stopwords if "'" in word), key=len, reverse=True)
    if others:
        parts = "|".join(others).replace("'", "['\u2019]")
        text = re.compile(rf"(?<!\w)(?:{parts})(?!\w)", re.IGNORECASE).sub(" ", text)
    if filters:
        text = re.compile(expand_classes(filters)).sub(" ", text)
    text = re.sub(unspaced_pattern().pattern, space_words, text)
    if words:
        word = rf"[\w{char_class('M')}]"
        text = re.compile(rf"(?<!{word})(?:{'|'.join(words)})(?!{word})", re.IGNORECASE).sub(
            " ", text
        )
    if stem:
        stemmer = _stemmer()
        return " ".join(stemmer.stem(word, to_lowercase=False) for word in text.split())
    return " ".join(text.split())


@cache
def _stemmer() -> Any:
    from nltk.stem import PorterStemmer

    return PorterStemmer()


def read_performance(path: Path) -> dict[str, Any]:
    """Read a version's key metrics by way of `json_normalize`, as notebooks do."""
    import json

    import pandas as pd

    row = pd.json_normalize(json.loads(path.read_text("utf-8"))).iloc[0]
    return {
        "overall f1": row.get("overall.f1"),
        "overall precision": row.get("overall.precision"),
        "overall recall": row.get("overall.recall"),
        "slices f1": row.get("slices.overall.f1"),
        "slices precision": row.get("slices.overall.precision"),
        "slices recall": row.get("slices.overall.recall"),
    }


def bootstrap_f1(
    y_true: np.ndarray, y_pred_a: np.ndarray, y_pred_b: np.ndarray, draws: np.ndarray
) -> np.ndarray:
    """Score B − A by scikit-learn's metric on each draw of projects; (draws, tags)."""
    from sklearn.metrics import f1_score

    def scores(y_pred: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return f1_score(y_true[rows], y_pred[rows], average=None, zero_division=np.nan)

    return np.array([scores(y_pred_b, rows) - scores(y_pred_a, rows) for rows in draws])
