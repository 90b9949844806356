"""Environments made anew, as a Space and as the Dockerfile make them: `just fresh`, minutes."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from urllib.request import urlopen

import pytest
import yaml
from dockerfile import command, environment, stages, values
from servers import ROOT, free_port

pytestmark = pytest.mark.fresh
SECONDS_TO_FIRST_PAGE = 20
# What Spaces add to the requirements, in the version that the README's header names.
SDK = re.search(r"^sdk_version: (.+)$", (ROOT / "README.md").read_text("utf-8"), re.M)[1]
OF_SPACES = (f"gradio[oauth,mcp]=={SDK}", "uvicorn>=0.14.0", "websockets>=10.4", "spaces")


def wait_for(url, process, seconds=300):
    """Return the seconds until an address answers."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        assert process.poll() is None
        try:
            with urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                answer.read()
                return time.monotonic() - started
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} did not answer within {seconds} s")


def bare(**variables):
    """Return the environment of a machine that knows nothing of this one's Python."""
    kept = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("TAGIFAI_", "PYTHON", "VIRTUAL_ENV"))
    }  # fmt: skip
    return {**kept, **variables}


def test_a_space_shows_its_first_page_in_time(tmp_path):
    """Installed as Spaces do, in one call with packages of their own; the second start is timed."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "-r", ROOT / "requirements.txt", *OF_SPACES],
        check=True,
    )
    seconds, processor = [], []
    for _ in range(2):
        before = getrusage(RUSAGE_CHILDREN)
        port = free_port()
        space = {"SYSTEM": "spaces", "SPACE_ID": "ann/tags", "TAGIFAI_PORT": str(port)}
        started = subprocess.Popen(
            [python, "gradio_app.py", "--cache-dir", tmp_path / "cache"],
            cwd=ROOT,
            env=bare(**space),
        )
        try:
            seconds.append(wait_for(f"http://127.0.0.1:{port}/", started))
        finally:
            started.terminate()
            started.wait(20)
        after = getrusage(RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        processor.append(used)
    for what, measured in (("", seconds), (" of a processor", processor)):
        told = ", ".join(f"{one:.1f}" for one in measured)
        sys.stdout.write(f"seconds{what} to the first page: {told}\n")
    assert min(seconds) <= SECONDS_TO_FIRST_PAGE


def test_the_dockerfiles_steps_make_what_both_services_need(tmp_path):
    """Its steps run here, in folders of the test's own; who it runs as is left to an engine."""
    build, image = stages()
    context, app, venv = tmp_path / "build", tmp_path / "app", tmp_path / "opt" / "tagifai"

    def moved(text):
        return text.replace("/opt/tagifai", str(venv)).replace("/app", str(app))

    context.mkdir()
    for words in values(build, "COPY"):
        for name in words.split()[:-1]:
            shutil.copy(ROOT / name, context)
    tools = tmp_path / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True)
    for step in values(build, "RUN"):
        path = {"PATH": f"{tools / 'bin'}:{os.environ['PATH']}"}
        subprocess.run(["bash", "-euc", moved(step)], cwd=context, env=bare(**path), check=True)
    assert not list(venv.rglob("site-packages/pip"))

    for folder in re.findall(r"/app/\w+", " ".join(values(image, "RUN"))):
        Path(moved(folder)).mkdir(parents=True)
    for words in values(image, "COPY"):
        *sources, target = words.split()
        if sources[0].startswith("--from"):
            continue
        for name in sources:
            source, to = ROOT / name, app / target
            if source.is_dir():
                left_out = shutil.ignore_patterns("__pycache__", "reviews.sqlite*")
                shutil.copytree(source, to, ignore=left_out)
            else:
                shutil.copy(source, to)

    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    for service in (command(image), services["api"]["command"]):
        port = str(free_port())
        variables = {name: moved(value) for name, value in environment(image).items()}
        variables |= {"TAGIFAI_PORT": port, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
        started = subprocess.Popen(
            [venv / "bin" / "python", *service[1:]], cwd=app, env=bare(**variables)
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/", started)
            asked = [venv / "bin" / "python", *command(image, "HEALTHCHECK")[1:]]
            healthy = subprocess.run(asked, env=bare(**variables))
            assert healthy.returncode == 0
        finally:
            started.terminate()
            assert started.wait(20) == 0
        dead = subprocess.run(asked, env=bare(**variables), capture_output=True)
        assert dead.returncode != 0
