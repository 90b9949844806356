"""Versions as MLflow runs and registered model versions, with a version's files as artifacts."""

import importlib
import os
import tempfile
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from tagifai.errors import TagifaiError, install_command, one_of, shorten
from tagifai.limits import Limits
from tagifai.pointers import refuse_pointer
from tagifai.store.naming import WORKSPACE, version_order
from tagifai.store.parsing import JsonObject, parse_object
from tagifai.store.sources import (
    FILES,
    check_files,
    check_new_name,
    combine_digests,
)

DEFAULT_NAME = "tagifai"
NAME_TAG = "tagifai.version"
SCHEMES = ("http://", "https://", "sqlite:///")
_PAGE = 1000
_MAX_PARAM = 500
_LOGGED = ("precision", "recall", "f1")

Returned = TypeVar("Returned")


@dataclass(frozen=True)
class _Run:
    run_id: str
    ended: int
    sizes: Mapping[str, int] = field(hash=False)


def _with_message(function: Callable[..., Returned]) -> Callable[..., Returned]:
    """Raise whatever MLflow raises as a TagifaiError with one line."""

    @wraps(function)
    def ask(self: "MlflowSource", *args: object) -> Returned:
        try:
            return function(self, *args)
        except TagifaiError:
            raise
        except Exception as error:  # MLflow lets through what its stores and HTTP raise
            said = shorten(" ".join(str(error).split()), 200)
            raise TagifaiError(f"{self.location}: {said}") from None

    return ask


class MlflowSource:
    """An MLflow server or database: `http://…`, `https://…` or `sqlite:///…`.

    After `#` may stand the name of the experiment and of the registered model, "tagifai" by
    default. A version is a finished run of that experiment, or a registered version of that
    model, with a performance.json among its artifacts. Its name is its tag `tagifai.version`,
    or else "v" and the registered number, or the run's name. A finished run counts as settled:
    artifacts that change in it later without a new size are not seen.
    """

    def __init__(self, uri: str, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        self.limits = limits
        self.uri, _, name = uri.partition("#")
        self.name = name or DEFAULT_NAME
        if not self.uri.startswith(SCHEMES):
            allowed = ", ".join(f"mlflow:{scheme}…" for scheme in SCHEMES)
            raise TagifaiError(f"mlflow:{shorten(uri)}: unknown kind of place; allowed: {allowed}")
        # Nothing here speaks to any host but the one that was named.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            client = importlib.import_module("mlflow").MlflowClient
        except ImportError:
            raise TagifaiError(f"mlflow is not installed: {install_command('mlflow')}") from None
        self._client = self._connect(client)
        self._runs: dict[str, _Run] = {}
        self._seen: dict[tuple[str, int], dict[str, int]] = {}
        self._digests: dict[tuple[str, int, str, int], str] = {}
        self._lock = threading.RLock()

    @property
    def location(self) -> str:
        """Where this is, for messages; a password is not repeated."""
        scheme, _, rest = self.uri.partition("://")
        return f"mlflow:{scheme}://{rest.rpartition('@')[2]}"

    @_with_message
    def names(self) -> list[str]:
        """List the versions in version order, the workspace last; the server is asked again."""
        with self._lock:
            found: dict[str, _Run] = {}
            for name, run in self._registered() + self._in_experiment():
                if any(run.run_id == known.run_id for known in found.values()):
                    continue
                files = self._artifacts(run)
                if "performance.json" not in files:
                    continue
                if name in found:
                    name = f"{name}-{run.run_id[:8]}"
                found[name] = _Run(run.run_id, run.ended, files)
            self._runs = found
            return sorted(found, key=version_order)

    @_with_message
    def read(self, name: str, filename: str) -> bytes | None:
        """Return an artifact's bytes, None where the run has no such artifact."""
        run = self._run(name, filename)
        if filename not in run.sizes:
            return None
        self.limits.file.check(run.sizes[filename], f"{name}/{filename}")
        with tempfile.TemporaryDirectory(prefix="tagifai-mlflow-") as folder:
            path = Path(self._client.download_artifacts(run.run_id, filename, folder))
            self.limits.file.check(path.stat().st_size, f"{name}/{filename}")
            content = path.read_bytes()
        refuse_pointer(content, f"{self.location}: {name}/{filename}")
        return content

    def stamp(self, name: str, filename: str) -> Hashable:
        """Return the run, its end and the artifact's size; None where there is none."""
        run = self._run(name, filename)
        size = run.sizes.get(filename)
        return None if size is None else (run.run_id, run.ended, size)

    def sizes(self, name: str) -> dict[str, int]:
        """Return the sizes of the files that there are, in bytes."""
        return dict(self._run(name).sizes)

    def fingerprint(self, name: str) -> str:
        """Return the digest of the artifacts' contents; each is fetched once."""
        run = self._run(name)
        digests = []
        for filename, size in run.sizes.items():
            key = (run.run_id, run.ended, filename, size)
            if key not in self._digests:
                content = self.read(name, filename) or b""
                self._digests[key] = sha256(content).hexdigest()
            digests.append((filename, self._digests[key]))
        return combine_digests(digests)

    @_with_message
    def write(self, name: str, files: Mapping[str, bytes]) -> None:
        """Log the files to a new run and, but for the workspace, register it."""
        check_new_name(name)
        check_files(files, self.limits)
        replaced = self._runs.get(name) if name in self.names() else None
        if replaced is not None and name != WORKSPACE:
            raise self._taken(name)
        experiment = self._client.get_experiment_by_name(self.name)
        experiment_id = experiment.experiment_id if experiment else self._create_experiment()
        run = self._client.create_run(experiment_id, run_name=name)
        run_id = run.info.run_id
        try:
            with tempfile.TemporaryDirectory(prefix="tagifai-mlflow-") as folder:
                for filename, content in files.items():
                    (Path(folder) / filename).write_bytes(content)
                self._client.log_artifacts(run_id, folder)
            self._log_summary(run_id, files)
            self._client.set_tag(run_id, NAME_TAG, name)
            self._client.set_terminated(run_id)
            if name != WORKSPACE:
                self._register(name, run_id, run.info.artifact_uri)
        except BaseException:
            # Only finished runs are versions: half of one is never listed.
            self._client.delete_run(run_id)
            raise
        if replaced is not None:
            self._client.delete_run(replaced.run_id)

    def check_writable(self, name: str) -> None:
        """Refuse a name that `write` would refuse; only the server knows whether it takes runs."""
        check_new_name(name)
        if name != WORKSPACE and name in self.names():
            raise self._taken(name)

    def why_none(self) -> str:
        """Return why no run and no registered model is a version."""
        return (
            f"no finished run of the experiment {self.name!r} and no registered version of the "
            f"model {self.name!r} has a performance.json; #NAME after the address names others"
        )

    def _taken(self, name: str) -> TagifaiError:
        return TagifaiError(
            f"version {name!r} exists in {self.location}; a release is never changed"
        )

    def _connect(self, client: Callable[..., Any]) -> Any:
        try:
            return client(tracking_uri=self.uri, registry_uri=self.uri)
        except Exception as error:
            raise TagifaiError(f"{self.location}: {shorten(str(error), 200)}") from None

    def _run(self, name: str, filename: str | None = None) -> _Run:
        if filename is not None and filename not in FILES:
            raise one_of("version file", filename, FILES)
        with self._lock:
            if name not in self._runs:
                names = self.names()
                if name not in self._runs:
                    raise one_of("version", name, names)
            return self._runs[name]

    def _registered(self) -> list[tuple[str, _Run]]:
        quoted = self.name.replace("'", "")
        found = self._pages(self._client.search_model_versions, f"name = '{quoted}'")
        runs = []
        for one in sorted(found, key=lambda one: int(one.version)):
            if one.run_id:
                run = self._client.get_run(one.run_id)
                if run.info.status == "FINISHED" and run.info.lifecycle_stage == "active":
                    name = one.tags.get(NAME_TAG) or f"v{one.version}"
                    runs.append((name, _Run(one.run_id, run.info.end_time or 0, {})))
        return runs

    def _in_experiment(self) -> list[tuple[str, _Run]]:
        experiment = self._client.get_experiment_by_name(self.name)
        if experiment is None:
            return []

        def search(filter_string: str, max_results: int, page_token: str | None) -> Any:
            return self._client.search_runs(
                [experiment.experiment_id],
                filter_string,
                max_results=max_results,
                page_token=page_token,
            )

        return [
            (
                run.data.tags.get(NAME_TAG) or run.info.run_name or run.info.run_id,
                _Run(run.info.run_id, run.info.end_time or 0, {}),
            )
            for run in self._pages(search, "attributes.status = 'FINISHED'")
        ]

    def _pages(self, search: Callable[..., Any], filter_string: str) -> list[Any]:
        found: list[Any] = []
        token = None
        while True:
            page = search(filter_string, max_results=_PAGE, page_token=token)
            found += page
            token = page.token
            if not token:
                return found

    def _artifacts(self, run: _Run) -> dict[str, int]:
        key = (run.run_id, run.ended)
        if key not in self._seen:
            self._seen[key] = {
                one.path: int(one.file_size or 0)
                for one in self._client.list_artifacts(run.run_id)
                if not one.is_dir and one.path in FILES
            }
        return self._seen[key]

    def _create_experiment(self) -> str:
        location = None
        if self.uri.startswith("sqlite:///"):
            # Otherwise MLflow puts artifacts wherever the program happens to be started.
            path = Path(self.uri.removeprefix("sqlite:///")).absolute()
            location = path.with_name(f"{path.name}.artifacts").as_uri()
        return str(self._client.create_experiment(self.name, artifact_location=location))

    def _register(self, name: str, run_id: str, artifact_uri: str) -> None:
        try:
            self._client.create_registered_model(self.name)
        except Exception as error:
            if getattr(error, "error_code", None) != "RESOURCE_ALREADY_EXISTS":
                raise
        self._client.create_model_version(self.name, artifact_uri, run_id, {NAME_TAG: name})

    def _log_summary(self, run_id: str, files: Mapping[str, bytes]) -> None:
        """Show parameters and overall figures in MLflow's own tables."""
        params = _parse(files.get("params.json"))
        for key, value in params.items():
            self._client.log_param(run_id, key, str(value)[:_MAX_PARAM])
        overall = _parse(files.get("performance.json")).get("overall")
        for metric in _LOGGED:
            value = overall.get(metric) if isinstance(overall, dict) else None
            if isinstance(value, int | float):
                self._client.log_metric(run_id, metric, float(value))


def _parse(content: bytes | None) -> JsonObject:
    try:
        return parse_object(content or b"{}", "")
    except TagifaiError:
        return {}
