"""Commands about texts: predict and preprocess."""

import argparse
import sys

from tagifai.cli.answers import Answer, data_folder, open_versions
from tagifai.cli.terminal import print_table, print_text
from tagifai.data.validation import replace_surrogates


def predict(options: argparse.Namespace) -> Answer:
    """Predict the tags of texts given as arguments, or as lines of standard input."""
    versions = open_versions(options)
    given = options.texts or [line.rstrip("\n") for line in sys.stdin]
    texts = [replace_surrogates(text) for text in given]
    name = options.version or versions.latest("predictor")
    predictions = list(zip(texts, versions.predict(name, texts), strict=True))
    rows = [
        {"text": text, "tags": ", ".join(one.tags) or "none", "note": one.reason or ""}
        for text, one in predictions
    ]
    answers = [{"text": text, **one.to_dict()} for text, one in predictions]
    columns = {"text": "text", "tags": "predicted tags", "note": "note"}
    return Answer(
        {"version": name, "predictions": answers},
        lambda: print_table(rows, columns, title=name),
    )


def preprocess(options: argparse.Namespace) -> Answer:
    """Show what the classifier reads of a text."""
    from tagifai.data.config import load_config
    from tagifai.text.preprocessing import FILTERS, preprocess_text

    text = sys.stdin.read() if options.text is None else options.text
    cleaned = preprocess_text(
        replace_surrogates(text),
        lower=not options.no_lower,
        stem=options.stem,
        filters=FILTERS if options.filters is None else options.filters,
        stopwords=None if options.stopwords is None else options.stopwords.split(),
        language=options.language or load_config(data_folder(options)).language,
    )
    return Answer({"preprocessed": cleaned}, lambda: print_text(cleaned))
