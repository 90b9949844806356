"""What pyproject.toml names, and the wheel that is built of the files in git."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from servers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def group(name: str) -> list[str]:
    """Return the packages of a dependency group."""
    return PROJECT["dependency-groups"][name]


def copy_files(folder: Path) -> Path:
    """Copy what a wheel may be built of: the repository's files, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def build_wheel(folder: Path) -> Path:
    """Build the wheel in a copy of the repository's files, with the setuptools that is here."""
    source = copy_files(folder / "built from")
    program = (
        "import sys; from setuptools.build_meta import build_wheel as b; print(b(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", program, folder], cwd=source, capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment_of(folder: Path, *extras: str, beside: tuple[str, ...] = ()) -> Path:
    """Make an environment with the app, its extras and what is `beside`; return its Python."""
    python = folder / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    wanted = f"{build_wheel(folder)}[{','.join(extras)}]"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wanted, *beside], check=True)
    return python


def run_in(python: Path, program: str, folder: Path) -> dict[str, Any]:
    """Run a program, offline, with a folder for its models; return what it prints last."""
    models, work = folder / "models", folder / "work"
    models.mkdir()
    work.mkdir()
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAGIFAI_", "PYTHON", "VIRTUAL_ENV", "HF_"))
    }
    variables |= {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "hub"),
    }
    done = subprocess.run(
        [python, "-c", program, models], cwd=work, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
