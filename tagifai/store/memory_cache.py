"""Keep a few loaded things in memory, each only for as long as its content stays the same."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class Kept:
    """The `most` last used values, each made once a stamp, whoever asks.

    >>> kept = Kept(most=2)
    >>> kept.get("square", 3, lambda: 3 * 3), kept.get("square", 3, lambda: 0)
    (9, 9)
    >>> kept.get("square", 4, lambda: 4 * 4)
    16
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, stamp: Hashable, make: Callable[[], Any]) -> Any:
        """Return the value kept for `key` under `stamp`, or make and keep it.

        An error of `make` is passed on, and nothing is kept of it.
        """
        found = self._find(key, stamp)
        if found is not None:
            return found[0]
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        # Two who ask at once wait for one making; others with other keys go on.
        with making:
            found = self._find(key, stamp)
            if found is not None:
                return found[0]
            try:
                value = make()
            except BaseException:
                # What strangers ask for in vain leaves nothing behind.
                with self._lock:
                    self._making.pop(key, None)
                raise
            with self._lock:
                self._values[key] = (stamp, value)
                self._values.move_to_end(key)
                while len(self._values) > self._most:
                    gone, _ = self._values.popitem(last=False)
                    self._making.pop(gone, None)
            return value

    def has(self, key: Hashable, stamp: Hashable) -> bool:
        """Tell whether `get` has the value without making it.

        >>> kept = Kept(most=2)
        >>> kept.has("square", 3), kept.get("square", 3, lambda: 9), kept.has("square", 3)
        (False, 9, True)
        """
        return self._find(key, stamp) is not None

    def _find(self, key: Hashable, stamp: Hashable) -> tuple[Any] | None:
        with self._lock:
            known = self._values.get(key)
            if known is None or known[0] != stamp:
                return None
            self._values.move_to_end(key)
            return (known[1],)
