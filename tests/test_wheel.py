"""The wheel: what is in it, and what it does in an environment of its own (`just fresh`)."""

import json
import os
import re
import subprocess
import sys
import time
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest
from servers import ROOT, free_port
from wheels import PROJECT, build_wheel, copy_files

from tagifai import __version__
from tagifai.store.naming import version_order

MAX_BYTES = 15_000_000
SECONDS_TO_ANSWER = 15
# Refuses what leaves this machine, and notes it.
OFFLINE = """
import os, sys
def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        if not str(arguments[1][0]).startswith(("127.", "::1", "localhost")):
            with open(os.environ["ASKED"], "a") as asked:
                print(arguments[1], file=asked)
            raise OSError("offline")
sys.addaudithook(watch)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def names(wheel) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel):
    with ZipFile(wheel) as archive:
        return message_from_bytes(archive.read(f"tagifai-{__version__}.dist-info/METADATA"))


def test_it_is_small_and_holds_the_package_alone(wheel, names):
    assert wheel.stat().st_size < MAX_BYTES
    outside = ("tagifai/", f"tagifai-{__version__}.dist-info/")
    assert {name for name in names if not name.startswith(outside)} == set()
    assert {
        name for name in names if re.search(r"test_|conftest|sqlite|__pycache__", name)
    } == set()


def test_it_has_every_file_of_the_package(names):
    tracked = subprocess.run(
        ["git", "ls-files", "tagifai"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = {name for name in tracked.stdout.splitlines() if (ROOT / name).exists()}
    assert {"tagifai/py.typed", "tagifai/ui/style.css", "tagifai/text/languages.txt"} <= files
    left_out = {name for name in files - names if not name.endswith("stopwords/README.md")}
    assert left_out == set()


def test_the_demonstration_in_it_is_the_repositorys(wheel, names):
    demo = {name for name in names if name.startswith("tagifai/demo/")}
    with ZipFile(wheel) as archive:
        for name in demo:
            assert archive.read(name) == (ROOT / name.removeprefix("tagifai/demo/")).read_bytes()
    tracked = subprocess.run(
        ["git", "ls-files", "data", "model"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    missing = set(tracked.stdout.splitlines()) - {n.removeprefix("tagifai/demo/") for n in demo}
    assert {Path(name).name for name in missing} <= {"model.skops"}
    *_, second, newest, workspace = sorted(
        (path.name for path in (ROOT / "model").iterdir()), key=version_order
    )
    whole = {Path(name).parent.name for name in demo if name.endswith("/model.skops")}
    assert whole == {second, newest, workspace}


def test_its_metadata_states_ranges_and_extras(wheel):
    told = metadata(wheel)
    assert told["Version"] == __version__
    assert told["Requires-Python"] == ">=3.11"
    for python in ("3.11", "3.12", "3.13"):
        assert f"Programming Language :: Python :: {python}" in told.get_all("Classifier")
    extras = {"mcp", "mlflow", "optuna", "transformers", "setfit", "spacy", "onnx", "dev"}
    assert extras <= set(told.get_all("Provides-Extra"))
    needed = told.get_all("Requires-Dist")
    assert [line for line in needed if "==" in line.partition(";")[0]] == []
    assert [line for line in needed if ">=" not in line and not line.startswith("tagifai[")] == []


def test_its_description_is_the_readme_without_what_only_the_repository_shows(wheel):
    told = metadata(wheel)
    assert told["Description-Content-Type"].startswith("text/markdown")
    text = told.get_payload()
    assert text.startswith("# tagifai\n\nA dashboard for multi-label text classifiers")
    assert "Bring your data (`docs/data.md`)" in text
    assert [target for target in re.findall(r"\]\(([^)]*)\)", text) if "://" not in target] == []
    assert "![" not in text
    assert "sdk_version" not in text


def test_the_range_of_python_is_tested():
    workflow = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    assert 'python: ["3.11", "3.12", "3.13"]' in workflow
    assert PROJECT["project"]["requires-python"] == ">=3.11"


def installed(folder: Path, *beside: str, wheel: Path) -> Path:
    """Make an environment of the wheel, `beside` other packages; return its programs' folder."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    programs = folder / "bin"
    pip = [programs / "python", "-m", "pip", "install", "--quiet", wheel, *beside]
    subprocess.run(pip, check=True)
    return programs


def outside(home: Path) -> dict[str, str]:
    """Return variables of somebody who knows nothing of this repository, and is offline."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAGIFAI_", "PYTHON", "VIRTUAL_ENV", "HF_", "XDG_"))
    }
    site = home.parent / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(OFFLINE)
    return {
        **kept,
        "HOME": str(home),
        "PYTHONPATH": str(site),
        "ASKED": str(home.parent / "asked"),
    }


# Asks an address from within the network of a process, and prints the answer.
ASK = """
import sys
from urllib.request import ProxyHandler, Request, build_opener
url, *data = sys.argv[1:]
given = Request(url, data[0].encode() if data else None, {"Content-Type": "application/json"})
print(build_opener(ProxyHandler({})).open(given, timeout=60).read().decode())
"""
# A network of its own, in which there is nothing but this machine.
ALONE = ["unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def can_be_alone() -> bool:
    """Check whether a program can have a network of its own: on Linux, as root."""
    try:
        return subprocess.run([*ALONE, "true"], capture_output=True).returncode == 0
    except OSError:
        return False


def look_at_the_demonstration(programs: Path, folder: Path) -> str:
    """Start `tagifai` in an empty folder, ask for the page and the versions; return its output.

    There is no network but the machine's own, where the system lets a program have that.
    """
    home, empty = folder / "home", folder / "empty"
    for made in (home, empty):
        made.mkdir()
    alone = can_be_alone()
    port, variables = free_port(), outside(home)
    started = subprocess.Popen(
        [*(ALONE if alone else []), programs / "tagifai", "--port", str(port)],
        cwd=empty, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    beside = ["nsenter", "--target", str(started.pid), "--net", "--"] if alone else []

    def ask(path: str, data: str = "") -> str:
        words = [*beside, sys.executable, "-c", ASK, f"http://127.0.0.1:{port}{path}"]
        done = subprocess.run([*words, *filter(None, [data])], capture_output=True, text=True)
        if done.returncode:
            raise ConnectionError(done.stderr)
        return done.stdout

    begun = time.monotonic()
    try:
        while True:
            assert started.poll() is None, started.stdout.read()
            try:
                assert "tab-inspection" in ask("/")
                break
            except ConnectionError:
                assert time.monotonic() - begun < SECONDS_TO_ANSWER
                time.sleep(0.05)
        sys.stdout.write(f"seconds to the first page: {time.monotonic() - begun:.1f}\n")
        assert json.loads(ask("/health")) == {"status": "ok", "version": __version__}
        call = "/gradio_api/call/list_versions"
        event = json.loads(ask(call, '{"data": []}'))["event_id"]
        assert "v0.5.0" in ask(f"{call}/{event}")
    finally:
        started.terminate()
        output, _ = started.communicate(timeout=30)
    assert list(empty.iterdir()) == []
    assert not (folder / "asked").exists(), (folder / "asked").read_text()
    assert f"saved in {home}" in output
    return output


@pytest.mark.fresh
def test_installed_alone_it_shows_the_demonstration(wheel, tmp_path):
    programs = installed(tmp_path / "venv", wheel=wheel)
    done = subprocess.run(
        [programs / "tagifai", "--help"], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.startswith("usage: tagifai ")
    assert "start the dashboard" in done.stdout
    subprocess.run([programs / "python", "-m", "pip", "check"], check=True)
    assert "this is the demonstration" in look_at_the_demonstration(programs, tmp_path)


@pytest.mark.fresh
def test_it_installs_beside_packages_of_before(wheel, tmp_path):
    """Beside numpy 1 and pandas 2; scikit-learn has had one major version for years."""
    older = ("numpy<2", "pandas<3", "scikit-learn<1.8")
    programs = installed(tmp_path / "venv", *older, wheel=wheel)
    subprocess.run([programs / "python", "-m", "pip", "check"], check=True)
    look_at_the_demonstration(programs, tmp_path)
    demo = tmp_path / "venv" / "lib"
    (demo,) = demo.glob("python*/site-packages/tagifai/demo")
    words = ["predict", "Fine-tuning BERT", "--json", "--data", demo / "data"]
    done = subprocess.run(
        [programs / "tagifai", *words, "--models", demo / "model"],
        capture_output=True, text=True, cwd=tmp_path, env=outside(tmp_path / "home"), check=True,
    )  # fmt: skip
    assert "bert" in json.loads(done.stdout)["predictions"][0]["tags"]


def install(folder: Path, *words: str | Path) -> Path:
    """Make an environment with uv, from what is named; return its Python."""
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    uv = [sys.executable, "-m", "uv", "pip"]
    subprocess.run([*uv, "install", "--quiet", "--python", python, *words], check=True)
    subprocess.run([*uv, "check", "--quiet", "--python", python], check=True)
    return python


@pytest.mark.fresh
def test_uv_builds_both_archives(tmp_path):
    """The wheel is made from the source archive, so that archive has all that it takes."""
    copied = copy_files(tmp_path / "source")
    words = [sys.executable, "-m", "uv", "build", "--quiet", "--out-dir", tmp_path / "dist"]
    subprocess.run(words, cwd=copied, check=True)
    archive, wheel = sorted(tmp_path.glob("dist/tagifai-*"), key=lambda path: path.suffix)
    assert (archive.name, wheel.name) == (
        f"tagifai-{__version__}.tar.gz", f"tagifai-{__version__}-py3-none-any.whl"
    )  # fmt: skip
    assert wheel.stat().st_size < MAX_BYTES
    with ZipFile(wheel) as built, ZipFile(build_wheel(tmp_path)) as direct:
        assert sorted(built.namelist()) == sorted(direct.namelist())


EXTRAS = {
    "dask": "dask, distributed",
    "docs": "furo, myst_parser, sphinx",
    "examples": "wordllama",
    "mcp": "mcp",
    "mlflow": "mlflow",
    "onnx": "onnxruntime, tokenizers",
    "optuna": "optuna",
}
HEAVY = {
    "setfit": "sentence_transformers, setfit",
    "spacy": "spacy",
    "transformers": "safetensors, torch, transformers",
}


def test_every_extra_is_tried():
    named = set(PROJECT["project"]["optional-dependencies"])
    assert named == {*EXTRAS, *HEAVY, "dev"}


@pytest.mark.fresh
@pytest.mark.parametrize("extras", [EXTRAS, HEAVY], ids=["light", "heavy"])
def test_extras_install_together_and_import(wheel, tmp_path, extras):
    python = install(tmp_path / "venv", f"tagifai[{','.join(extras)}] @ {wheel.as_uri()}")
    program = "\n".join(f"import {names}" for names in extras.values())
    subprocess.run([python, "-c", f"{program}\nimport tagifai.ui.app"], cwd=tmp_path, check=True)


@pytest.mark.fresh
def test_a_program_beside_the_wheel_is_checked_against_its_types(wheel, tmp_path):
    python = install(tmp_path / "venv", wheel, "mypy", "pandas-stubs")
    (tmp_path / "program.py").write_text(
        "import tagifai\nreveal_type(tagifai.compare('a', 'b').verdict)\n"
    )
    done = subprocess.run(
        [python, "-m", "mypy", "--strict", "program.py"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert 'note: Revealed type is "str | None"' in done.stdout.replace(
        "Union[str, None]", "str | None"
    )
    assert "Success" in done.stdout
