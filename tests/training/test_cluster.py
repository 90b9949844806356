import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import orjson
import pytest
from small_corpus import SMALL_PARAMS, small_dataset

import tagifai
from tagifai.errors import TagifaiError
from tagifai.models.persistence import load_model
from tagifai.training.cluster import Spread, describe_workers, open_spread
from tagifai.training.repetition import repeat
from tagifai.training.train import train

pytest.importorskip("distributed")

ROOT = Path(__file__).parents[2]
DATASET = small_dataset()


@contextmanager
def dask(*words, path=ROOT, log=None):
    """Run a program of Dask until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + words[0], *map(str, words[1:])],
        stdout=log or subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(path)},
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def wait_for(read, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := read():
            return found
        time.sleep(0.05)
    raise TimeoutError


def worker(address, folder, **options):
    return dask(
        "dask_worker", address, "--nthreads", 1, "--no-dashboard", "--no-nanny",
        "--local-directory", folder, "--host", "127.0.0.1", **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """Run a scheduler; return its address and a folder of its own."""
    folder = tmp_path_factory.mktemp("dask")
    with ExitStack() as stack:
        log = stack.enter_context((folder / "scheduler.log").open("wb"))
        command = ("dask_scheduler", "--host", "127.0.0.1", "--port", 0, "--no-dashboard")
        stack.enter_context(dask(*command, log=log))
        pattern = re.compile(r"Scheduler at:\s+(tcp://\S+)")
        found = wait_for(lambda: pattern.search((folder / "scheduler.log").read_text()))
        yield found[1], folder


@pytest.fixture(scope="module")
def workers(scheduler):
    """Run two workers; return their processes, with the scheduler's address."""
    address, folder = scheduler
    with ExitStack() as stack:
        processes = [stack.enter_context(worker(address, folder / str(k))) for k in range(2)]
        with open_spread(address) as spread:
            spread.client.wait_for_workers(2, timeout=60)
        yield address, processes


@pytest.fixture(scope="module")
def alone():
    return train(DATASET, SMALL_PARAMS, tests=())


def check_same(trained, alone):
    np.testing.assert_array_equal(trained.model.coef_, alone.model.coef_)
    assert trained.predictions.to_bytes() == alone.predictions.to_bytes()
    assert trained.thresholds == alone.thresholds
    assert trained.performance == alone.performance


@pytest.mark.long
def test_a_training_on_two_workers_is_the_same_to_the_last_bit(workers, alone, tmp_path):
    address, _ = workers
    with open_spread(address, folder=tmp_path) as spread:
        assert describe_workers(spread) == "2 workers"
        assert spread.scratch.parent == tmp_path
        options = {"jobs": spread.jobs, "scratch": spread.scratch, "tests": ()}
        check_same(train(DATASET, SMALL_PARAMS, **options), alone)
        repeated = repeat(DATASET, SMALL_PARAMS, [0], jobs=spread.jobs, scratch=spread.scratch)
    assert repeated.mean["f1"] == alone.performance["overall"]["f1"]
    # Nothing is left behind.
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_search_on_workers_finds_what_one_process_finds(workers, tmp_path):
    pytest.importorskip("optuna")
    from tagifai.training.search import optimize

    address, _ = workers
    plain = optimize(DATASET, SMALL_PARAMS, trials=2)
    with open_spread(address) as spread:
        spread_out = optimize(
            DATASET, SMALL_PARAMS, trials=2, jobs=spread.jobs, scratch=spread.scratch
        )
    assert spread_out == plain


@pytest.mark.long
def test_a_worker_that_is_killed_changes_nothing_but_time(scheduler, workers, alone):
    address, folder = scheduler
    with worker(address, folder / "doomed") as doomed, open_spread(address) as spread:
        spread.client.wait_for_workers(3, timeout=60)
        killed = []

        def kill(done, total, what):
            if not killed:
                doomed.send_signal(signal.SIGKILL)
                killed.append(done)

        trained = train(
            DATASET, SMALL_PARAMS, jobs=spread.jobs, scratch=spread.scratch, tests=(),
            progress=kill,
        )  # fmt: skip
        assert killed
        assert doomed.wait(20) == -signal.SIGKILL
    check_same(trained, alone)


@pytest.mark.long
def test_a_worker_of_another_version_is_refused(scheduler, tmp_path):
    address, folder = scheduler
    (tmp_path / "tagifai").mkdir()
    (tmp_path / "tagifai" / "__init__.py").write_text('__version__ = "0.0.7"\n')
    with worker(address, folder / "old", path=tmp_path) as process:
        pattern = rf"worker tcp://\S+ has tagifai 0\.0\.7, and this is {tagifai.__version__}"

        def refused():
            assert process.poll() is None
            try:
                with open_spread(address):
                    return None
            except TagifaiError as error:
                return error

        error = wait_for(refused)
        assert re.search(pattern, str(error)), error


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:9", r"--cluster tcp://127.0.0.1:9: no scheduler answers \(.+\)$"),
        ("somewhere", r"tcp://HOST:8786, or local:N for N workers .*, got 'somewhere'"),
        ("local:0", "got 'local:0'"),
        ("tcp://host", "got 'tcp://host'"),
    ],
)
def test_a_cluster_that_is_not_there_is_told_in_one_line(address, message, monkeypatch):
    monkeypatch.setattr("tagifai.training.cluster.SECONDS_TO_ANSWER", 2)
    with pytest.raises(TagifaiError, match=message) as caught, open_spread(address):
        pass
    assert "\n" not in str(caught.value)


def test_without_a_cluster_jobs_are_processes_of_this_machine():
    with open_spread("", jobs=3) as spread:
        assert spread == Spread(3)
        assert describe_workers(spread) == ""
    with pytest.raises(TagifaiError, match="jobs must be 1 or more, got -1"), open_spread("", -1):
        pass


@pytest.mark.long
def test_the_command_trains_the_same_version_on_workers_of_its_own(tmp_path):
    rows = [
        {"id": p.id, "title": p.title, "description": p.description, "tags": list(p.tags)}
        for p in DATASET.projects
    ]
    (tmp_path / "projects.json").write_bytes(orjson.dumps(rows))
    settings = [f"--set={k}={v}" for k, v in (("min_tag_freq", 10), ("folds", 3))]
    for name, options in (("one", []), ("many", ["--cluster", "local:2"])):
        command = ["-m", "tagifai", "train", "--data", tmp_path, "--models", tmp_path / name]
        done = subprocess.run(
            [sys.executable, *command, *settings, *options],
            cwd=ROOT, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert "cluster local:2: 2 workers" in done.stderr
    first, second = (tmp_path / name / "workspace" for name in ("one", "many"))
    # A model's file has the time at which it was written in it.
    for file in first.iterdir():
        if file.name not in ("version.json", "model.skops"):
            assert file.read_bytes() == (second / file.name).read_bytes(), file.name
    models = [load_model(folder / "model.skops") for folder in (first, second)]
    np.testing.assert_array_equal(models[0].coef_, models[1].coef_)
    assert models[0].features_.named_steps.keys() == models[1].features_.named_steps.keys()


def test_a_scheduler_that_is_not_there_is_told_by_the_command(tmp_path):
    rows = [{"id": 1, "title": "a", "description": "b", "tags": []}]
    (tmp_path / "projects.json").write_bytes(orjson.dumps(rows))
    done = subprocess.run(
        [
            sys.executable, "-c",
            "from tagifai.training import cluster; cluster.SECONDS_TO_ANSWER = 2; "
            "from tagifai.cli.parser import main; raise SystemExit(main())",
            "train", "--data", tmp_path, "--models", tmp_path / "m",
            "--cluster", "tcp://127.0.0.1:9",
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert "--cluster tcp://127.0.0.1:9: no scheduler answers" in done.stderr
    assert "Traceback" not in done.stderr
