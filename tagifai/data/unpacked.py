"""Bound what files unpack to: a small file can hold gigabytes of one text, repeated."""

from pathlib import Path
from typing import Any

import numpy as np

from tagifai.errors import TagifaiError

SMALL = 256 * 2**20
"""Bytes that any file may unpack to."""
RATIO = 100
"""How many times their own size files may unpack to, where that is more."""

_OFFSET, _VIEW = 4, 16


class Unpacked:
    """The bytes that some files have unpacked to so far.

    Parameters
    ----------
    num_bytes : int
        The size of the files as they are stored.
    """

    def __init__(self, num_bytes: int) -> None:
        self.num_bytes = 0
        self._stored = num_bytes
        self._most = max(SMALL, RATIO * num_bytes)

    @classmethod
    def of(cls, *paths: Path) -> "Unpacked":
        """Begin to count for files."""
        return cls(sum(path.stat().st_size for path in paths))

    def add(self, num_bytes: int, where: str) -> None:
        """Count bytes before they are unpacked.

        Raises
        ------
        TagifaiError
            It would be too many; the message starts with `where`.
        """
        self.check(num_bytes, where)
        self.num_bytes += num_bytes

    def check(self, num_bytes: int, where: str) -> None:
        """Refuse bytes that are still to come, and that would be too many.

        Raises
        ------
        TagifaiError
            They are; the message starts with `where`.
        """
        if self.num_bytes + num_bytes > self._most:
            raise TagifaiError(
                f"{where}: unpacks to more than {self._most:,} bytes, {self._stored:,} bytes as "
                f"stored; at most {RATIO} times their size is read, or {SMALL:,} bytes"
            )


def unpacked_size(array: Any) -> int:
    """Return how many bytes an Arrow array or record batch takes once nothing in it is shared.

    Values of dictionaries and of runs count as often as they occur.

    >>> import pyarrow
    >>> unpacked_size(pyarrow.array(["abc", "abc"]).dictionary_encode()) >= 6
    True
    """
    import pyarrow as pa

    if isinstance(array, pa.RecordBatch):
        return sum(map(unpacked_size, array.columns))
    return int(_sizes(array).sum())


def _sizes(array: Any) -> Any:
    """Return the bytes of each value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _sizes(array.storage)
    if pa.types.is_dictionary(kind):
        # The last is that of a missing value.
        sizes = np.append(_sizes(array.dictionary), _OFFSET)
        indices = pc.fill_null(array.indices.cast(pa.int64()), len(sizes) - 1)
        return sizes[indices.to_numpy(zero_copy_only=False)]
    if pa.types.is_run_end_encoded(kind):
        ends = np.asarray(array.run_ends).astype(np.int64)
        ends = np.clip(ends - array.offset, 0, len(array))
        return np.repeat(_sizes(array.values), np.diff(ends, prepend=0))
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        # Each view is its length and three more numbers.
        views = np.frombuffer(array.buffers()[1] or b"", np.int32)[:: _VIEW // 4]
        return views[array.offset :][: len(array)].astype(np.int64) + _OFFSET
    if any(check(kind) for check in _texts()):
        lengths = pc.fill_null(pc.binary_length(array), 0)
        return lengths.to_numpy(zero_copy_only=False).astype(np.int64) + _OFFSET
    if pa.types.is_struct(kind):
        parts = [_sizes(part) for part in array.flatten()]
        return sum(parts, np.zeros(len(array), np.int64))
    if any(check(kind) for check in _lists()):
        within = np.concatenate([[0], np.cumsum(_sizes(array.flatten()))])
        lengths = pc.fill_null(pc.list_value_length(array), 0)
        ends = np.cumsum(lengths.to_numpy(zero_copy_only=False).astype(np.int64))
        return np.diff(within[ends], prepend=0) + _OFFSET
    if pa.types.is_map(kind):
        return _sizes(array.cast(pa.list_(pa.struct([kind.key_field, kind.item_field]))))
    return np.full(len(array), max(1, array.nbytes // max(1, len(array))), np.int64)


def _texts() -> tuple[Any, ...]:
    from pyarrow import types

    return types.is_string, types.is_large_string, types.is_binary, types.is_large_binary


def _lists() -> tuple[Any, ...]:
    from pyarrow import types

    return types.is_list, types.is_large_list, types.is_fixed_size_list
