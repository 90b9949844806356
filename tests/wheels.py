"""What pyproject.toml names, and the wheel that is built of the files in git."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from servers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def group(name: str) -> list[str]:
    """Return the packages of a dependency group."""
    return PROJECT["dependency-groups"][name]


def build_wheel(folder: Path) -> Path:
    """Build the wheel in a copy of the repository's files, with the setuptools that is here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    source = folder / "source"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    program = (
        "import sys; from setuptools.build_meta import build_wheel as b; print(b(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", program, folder], cwd=source, capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel
