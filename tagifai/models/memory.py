"""Estimate the memory that a training needs, to refuse at once what does not suffice."""

from contextlib import suppress
from pathlib import Path

from tagifai.errors import TagifaiError
from tagifai.models.fold_features import TrainingFeatures

MB = 2**20
# A value of a matrix is counted in 8 bytes (number and column), taken in 12 by a fold, and copied
# by liblinear in 16; making a fold copies it twice more.
_BYTES_A_VALUE = 8 + 12 + 16 + 16
# Scores of each member, margins, probabilities, and copies of them in 64 bits for thresholds.
_BYTES_A_PAIR = 4 + 4 + 24
_BYTES_A_SCORE = 4
_BYTES_A_FEATURE = 200
_REST = 300 * MB


def check_memory(
    features: TrainingFeatures, num_tags: int, num_members: int, free: int | None = None
) -> None:
    """Refuse a training for which the memory that is free does not suffice.

    Parameters
    ----------
    features : TrainingFeatures
        The features of all folds.
    num_tags, num_members : int
        The number of tags to learn, and of models for each.
    free : int, optional
        The bytes that are free; by default what the system says, if it does.

    Raises
    ------
    TagifaiError
        More is needed than there is; the message says how much, and what needs less.
    """
    free = free_memory() if free is None else free
    needed = estimate_memory(features, num_tags, num_members)
    if free is not None and needed > free:
        raise TagifaiError(
            f"training would need about {needed // MB:,} MB of memory, and {free // MB:,} MB are "
            f"free; fewer features (--set char_ngrams=0, --set min_df=3) or fewer tags "
            f"(--set min_tag_freq=…) need less"
        )


def estimate_memory(features: TrainingFeatures, num_tags: int, num_members: int) -> int:
    """Return the bytes that a training in one process is likely to take at most."""
    pairs = features.num_texts * num_tags
    return (
        _BYTES_A_VALUE * features.num_values
        + _BYTES_A_FEATURE * features.num_features
        + (_BYTES_A_PAIR + _BYTES_A_SCORE * num_members) * pairs
        + _REST
    )


def free_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes of memory that are free, None where the system does not say.

    Parameters
    ----------
    root : Path
        Where Linux shows what it knows: of the machine, and of a container's limit.
    """
    found = []
    with suppress(OSError, KeyError, ValueError):
        lines = (root / "proc/meminfo").read_text("ascii").splitlines()
        sizes = dict(line.split(":", 1) for line in lines)
        found.append(int(sizes["MemAvailable"].split()[0]) * 1024)
    group = root / "sys/fs/cgroup"
    with suppress(OSError, ValueError):
        limit = int((group / "memory.max").read_text("ascii"))  # "max" where there is none
        found.append(limit - int((group / "memory.current").read_text("ascii")))
    return min(found, default=None)
