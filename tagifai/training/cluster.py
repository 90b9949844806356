"""Spread work over the workers of a Dask cluster, on this machine or on many.

Tasks are given paths and small numbers, and read what they need from a folder that all machines
share: a task whose worker is lost can then be done by another, and data travel once.
"""

import logging
import pydoc
import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from joblib import parallel_config

import tagifai
from tagifai.errors import TagifaiError, counted, install_command, shorten
from tagifai.models import ALL_WORKERS, check_jobs
from tagifai.store.cache import digest_code

if TYPE_CHECKING:
    from distributed import Client, Future

Task = TypeVar("Task")
Result = TypeVar("Result")
SECONDS_TO_ANSWER = 15
"""How long a scheduler, and its first worker, may take to answer."""
RETRIES = 5
"""How often a task is done again whose worker was lost."""
_ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://[^/\s]+:\d+")
_LOCAL = re.compile(r"local:(\d{1,3})")
_PACKAGES = ("numpy", "scipy", "scikit-learn")


@dataclass(frozen=True, slots=True)
class Spread:
    """Where work is done.

    Attributes
    ----------
    jobs : int
        As joblib takes it: processes of this machine, or -1 for all of a cluster's workers.
    scratch : Path or None
        The folder in which workers find what they need; None: that of temporary files.
    client : Client or None
        The connection to a cluster.
    """

    jobs: int = 1
    scratch: Path | None = None
    client: "Client | None" = None

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Do tasks on the cluster, or here without one, and yield their results in order.

        A task whose worker is lost is done again by another. Where no worker comes back, an
        error says so.
        """
        if self.client is None:
            yield from map(function, tasks)
            return
        # A few at a time: a scheduler need not hold what nobody does yet.
        ahead = 4 * max(1, len(self.client.scheduler_info(n_workers=-1)["workers"]))
        waiting: deque[Future] = deque()
        rest = iter(tasks)
        while True:
            for task in islice(rest, ahead - len(waiting)):
                waiting.append(self.client.submit(function, task, pure=False, retries=RETRIES))
            if not waiting:
                return
            try:
                yield waiting.popleft().result()
            except Exception as error:
                self.client.cancel(list(waiting))
                if isinstance(error, TagifaiError):
                    raise
                what = shorten(_first_line(error), 200)
                raise TagifaiError(f"--cluster: a task failed on its workers ({what})") from None


@contextmanager
def open_spread(address: str, jobs: int = 1, folder: Path | None = None) -> Iterator[Spread]:
    """Connect to a cluster while work is done, so that joblib spreads it over the workers.

    Parameters
    ----------
    address : str
        A Dask scheduler, as in "tcp://10.0.0.5:8786"; "local:N" for N workers on this machine;
        "" for no cluster.
    jobs : int
        The number of processes where there is no cluster.
    folder : Path, optional
        A folder that all machines share; that of temporary files by default.

    Raises
    ------
    TagifaiError
        Dask is not installed, the address is none, no scheduler or worker answers, a worker has
        other code or packages than this process, or the folder cannot be written.
    """
    check_jobs(jobs)
    if not address:
        yield Spread(jobs)
        return
    with ExitStack() as stack:
        client = _connect(address, stack)
        _check_workers(client, address)
        try:
            made = tempfile.TemporaryDirectory(prefix="tagifai-cluster-", dir=folder)
        except OSError as error:
            where = folder or tempfile.gettempdir()
            raise TagifaiError(f"{where}: cannot be written ({error.strerror or error})") from None
        scratch = Path(stack.enter_context(made))
        stack.enter_context(parallel_config("dask", client=client, retries=RETRIES))
        yield Spread(ALL_WORKERS, scratch, client)


def _connect(address: str, stack: ExitStack) -> "Client":
    local = _LOCAL.fullmatch(address)
    if not (_ADDRESS.fullmatch(address) or (local and int(local[1]))):
        raise TagifaiError(
            f"--cluster: the address of a Dask scheduler, as in tcp://HOST:8786, or local:N for "
            f"N workers on this machine is needed, got {shorten(address)!r}"
        )
    distributed = _distributed()
    if local is not None:
        options = {"processes": True, "dashboard_address": None, "host": "127.0.0.1"}
        cluster = distributed.LocalCluster(
            n_workers=int(local[1]), threads_per_worker=1, silence_logs=logging.ERROR, **options
        )
        address = stack.enter_context(cluster).scheduler_address
    try:
        client = stack.enter_context(
            distributed.Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        )
    except (OSError, ValueError, TimeoutError) as error:
        raise TagifaiError(
            f"--cluster {address}: no scheduler answers ({shorten(_first_line(error), 120)})"
        ) from None
    try:
        client.wait_for_workers(1, timeout=SECONDS_TO_ANSWER)
    except TimeoutError:
        raise TagifaiError(
            f"--cluster {address}: its scheduler has no worker after {SECONDS_TO_ANSWER} s; start "
            f"some: dask worker {address}"
        ) from None
    return client


def _distributed() -> ModuleType:
    try:
        import distributed
    except ImportError:
        raise TagifaiError(f"--cluster needs Dask: {install_command('dask')}") from None
    # What it logs of lost workers and slow loops is told by results, or by an error.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    return distributed


def _check_workers(client: "Client", address: str) -> None:
    """Refuse workers whose results could differ: those of other code or other packages."""
    here = describe_code()
    # By a function of Python's own first: a worker may have no such module of ours.
    versions = client.run(pydoc.locate, "tagifai.__version__")
    own = tagifai.__version__
    for worker, found in versions.items():
        if found != own:
            what = f"tagifai {found}" if isinstance(found, str) else "no tagifai"
            raise TagifaiError(
                f"--cluster {address}: worker {worker} has {what}, and this is {own}"
            )
    try:
        described = client.run(describe_code)
    except Exception as error:  # whatever other code fails with
        raise TagifaiError(
            f"--cluster {address}: its workers have another tagifai {own} "
            f"({shorten(_first_line(error), 120)})"
        ) from None
    for worker, found in described.items():
        for name, value in here.items():
            if found.get(name) != value:
                raise TagifaiError(
                    f"--cluster {address}: worker {worker} has {name} {found.get(name)}, and this "
                    f"is {value}"
                )


def describe_code() -> dict[str, str]:
    """Return what results may depend on: our code, and the packages that compute."""
    return {
        **{package: version(package) for package in _PACKAGES},
        "tagifai's code": digest_code()[:12],
    }


def describe_workers(spread: Spread) -> str:
    """Return how many workers a cluster has, "" without one."""
    if spread.client is None:
        return ""
    return counted(len(spread.client.scheduler_info(n_workers=-1)["workers"]), "worker")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
