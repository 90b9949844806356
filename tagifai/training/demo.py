"""The demonstration's releases: five steps of an honest story, as parameters and notes."""

from tagifai.models.params import Params


def demo_params(base: Params | None = None) -> dict[str, tuple[Params, str]]:
    """Return each release's name, parameters and line of notes, in order.

    `base` holds what the releases have in common: the seed, `min_tag_freq`, the split.

    >>> list(demo_params())
    ['v0.1.0', 'v0.2.0', 'v0.3.0', 'v0.4.0', 'v0.5.0']
    """
    words = {
        "word_ngrams": 1,
        "char_ngrams": 0,
        # What stands in one project alone doubles a model's size and adds nothing here.
        "min_df": 2,
        "aliases": "none",
        "abbreviations": False,
        "estimator": "logistic",
        "class_weight": None,
        "C": 1.0,
        "log_count_ratio": False,
        "calibration": "none",
        "thresholds": "common",
    }
    balanced = {**words, "class_weight": "balanced", "C": 10.0}
    base = base or Params()
    characters = {
        **words,
        "word_ngrams": 2,
        "char_ngrams": 5,
        "estimator": "svc",
        "C": base.C,
        "calibration": "platt",
        "thresholds": "per-tag",
    }
    exact = {**characters, "aliases": "exact", "abbreviations": True, "log_count_ratio": True}
    fuzzy = {**exact, "aliases": "fuzzy"}
    story = {
        "v0.1.0": (words, "Words only: logistic regression, one threshold for all tags."),
        "v0.2.0": (balanced, "Balanced class weights, so that rare tags are predicted too."),
        "v0.3.0": (
            characters,
            "Characters beside words, calibrated probabilities, a threshold for each tag.",
        ),
        "v0.4.0": (
            exact,
            "Exact names, aliases and abbreviations of tags, averaged with a log-count-ratio twin: "
            "F1 rises, misspelt names are missed.",
        ),
        "v0.5.0": (fuzzy, "Names and aliases are recognised when misspelt."),
    }
    return {name: (base.replaced(changes), notes) for name, (changes, notes) in story.items()}


def demo_workspace(base: Params | None = None) -> tuple[Params, str]:
    """Return the parameters and notes of the workspace: what is being tried after the releases.

    >>> demo_workspace()[0].stem
    True
    """
    latest = list(demo_params(base).values())[-1][0]
    return latest.replaced({"stem": True}), "Being tried: words as their stems."
