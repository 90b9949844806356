"""See what a multi-label text classifier gets right and wrong, from a notebook or a script.

>>> import tagifai
>>> result = tagifai.evaluate([[1, 0], [0, 1]], [[0.9, 0.2], [0.1, 0.7]], tags=["cv", "nlp"])
>>> result.figure("micro", "f1").value
1.0
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"

# Imported when first asked for: `import tagifai` takes no time.
_PUBLIC = {
    "Comparison": "tagifai.api.comparing",
    "Evaluation": "tagifai.api.evaluating",
    "Predictions": "tagifai.predictions",
    "Session": "tagifai.api.session",
    "TagifaiCallback": "tagifai.api.callbacks",
    "TagifaiError": "tagifai.errors",
    "add_version": "tagifai.api.adding",
    "compare": "tagifai.api.comparing",
    "evaluate": "tagifai.api.evaluating",
    "label_issues": "tagifai.api.labels",
    "load_demonstration": "tagifai.api.demonstration",
    "show": "tagifai.api.showing",
}

if TYPE_CHECKING:
    from tagifai.api.adding import add_version
    from tagifai.api.callbacks import TagifaiCallback
    from tagifai.api.comparing import Comparison, compare
    from tagifai.api.demonstration import load_demonstration
    from tagifai.api.evaluating import Evaluation, evaluate
    from tagifai.api.labels import label_issues
    from tagifai.api.session import Session
    from tagifai.api.showing import show
    from tagifai.errors import TagifaiError
    from tagifai.predictions import Predictions

__all__ = [
    "Comparison",
    "Evaluation",
    "Predictions",
    "Session",
    "TagifaiCallback",
    "TagifaiError",
    "__version__",
    "add_version",
    "compare",
    "evaluate",
    "label_issues",
    "load_demonstration",
    "show",
]


if not TYPE_CHECKING:  # a type checker would take any name for one of the package's

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for."""
        if name not in _PUBLIC:
            raise AttributeError(f"module 'tagifai' has no attribute {name!r}")
        found: object = getattr(import_module(_PUBLIC[name]), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    """List the public names too, for completion in notebooks."""
    return sorted({*globals(), *__all__})
