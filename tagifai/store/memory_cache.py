"""Cache a few values in memory, each for as long as the content that it follows from stays."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

Value = TypeVar("Value")


class MemoryCache:
    """The last used values; each is made once per stamp, however many ask at once.

    >>> cache = MemoryCache(max_items=2)
    >>> cache.get("square", 3, lambda: 3 * 3), cache.get("square", 3, lambda: 0)
    (9, 9)
    >>> cache.get("square", 4, lambda: 4 * 4)
    16
    """

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._values: OrderedDict[Hashable, tuple[Hashable, object]] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, stamp: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value that is cached for `key` under `stamp`, or make and cache it.

        Parameters
        ----------
        key : hashable
            What is asked for; it has one value at a time.
        stamp : hashable
            What the value follows from; under another stamp it is made again.
        make : callable
            Returns the value. An error that it raises is passed on, and nothing is cached.
        """
        found = self._find(key, stamp)
        if found is not None:
            return cast(Value, found[0])
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        # Two who ask at once wait for one making; those with other keys go on.
        with making:
            found = self._find(key, stamp)
            if found is not None:
                return cast(Value, found[0])
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
                while len(self._values) > self._max_items:
                    oldest, _ = self._values.popitem(last=False)
                    self._making.pop(oldest, None)
            return value

    def has(self, key: Hashable, stamp: Hashable) -> bool:
        """Check whether `get` returns the value without making it.

        >>> cache = MemoryCache(max_items=2)
        >>> cache.has("square", 3), cache.get("square", 3, lambda: 9), cache.has("square", 3)
        (False, 9, True)
        """
        return self._find(key, stamp) is not None

    def _find(self, key: Hashable, stamp: Hashable) -> tuple[object] | None:
        with self._lock:
            known = self._values.get(key)
            if known is None or known[0] != stamp:
                return None
            self._values.move_to_end(key)
            return (known[1],)
