"""How much memory is there, and whether what is about to be read would fit."""

import os
from pathlib import Path

from tagifai.errors import TagifaiError

MB = 2**20
_CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


def available_memory() -> int | None:
    """Return the bytes that this process may still take; None where the system does not say.

    This is the least of what is free on the machine, in its container, and under the limit of the
    address space (`ulimit -v`).
    """
    found = [_free(), _in_container(), _in_address_space()]
    return min((one for one in found if one is not None), default=None)


def require_memory(num_bytes: int, what: str) -> None:
    """Refuse work that would not fit, before it starts.

    Parameters
    ----------
    num_bytes : int
        How much the work is estimated to need.
    what : str
        What needs it; the message starts with it.

    Raises
    ------
    TagifaiError
        Less is available.
    """
    available = available_memory()
    if available is not None and num_bytes > available:
        raise TagifaiError(
            f"{what}: needs about {num_bytes / MB:,.0f} MB of memory, and {available / MB:,.0f} MB "
            "are free; close other programs, take a larger machine, or fewer projects"
        )


def _free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(1024 * int(one.split()[1]) for one in lines if one.startswith("MemAvailable"))
    except (OSError, ValueError, StopIteration):
        try:
            return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            return None


def _in_container() -> int | None:
    for most, used in _CGROUPS:
        try:
            stated = int(most.read_text("ascii")) - int(used.read_text("ascii"))
            return max(0, stated + _reclaimable(used.with_name("memory.stat")))
        except (OSError, ValueError):  # no limit is written as "max"
            continue
    return None


def _reclaimable(path: Path) -> int:
    """Return the bytes of files that a container's memory holds only while nobody needs it."""
    try:
        lines = path.read_text("ascii").splitlines()
    except OSError:
        return 0
    return sum(int(one.split()[1]) for one in lines if one.startswith("inactive_file "))


def _in_address_space() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):
        return most
    return max(0, most - pages * resource.getpagesize())
