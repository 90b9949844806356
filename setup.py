"""Put the demonstration into the wheel, `data/` and releases of `model/`; describe it by README."""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
DATA = ("*.json", "*.toml", "*.md")
MODEL = "model.skops"
WITH_MODEL = 2  # releases; older ones have their figures and predictions alone
RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
HEADER = re.compile(r"\A---\n.*?\n---\n+", re.S)  # for Spaces
PICTURE = re.compile(r"^!\[[^\n]*\n+", re.M)
LOCAL_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:)([^)]+)\)")


def describe(readme: str) -> str:
    """Return a README for where its folder is not: without pictures, and files named, not linked.

    >>> describe("---\\nsdk: x\\n---\\n# A\\n\\n![B](b.png)\\n\\n[C](docs/c.md), [d.md](d.md)")
    '# A\\n\\nC (`docs/c.md`), `d.md`'
    """

    def name(link: re.Match[str]) -> str:
        text, target = link[1], link[2]
        return f"`{target}`" if text == target else f"{text} (`{target}`)"

    return LOCAL_LINK.sub(name, PICTURE.sub("", HEADER.sub("", readme)))


def releases(models: Path) -> list[Path]:
    """List the releases of a folder, the newest first."""
    numbers = {
        path: tuple(map(int, found.groups()))
        for path in models.iterdir()
        if (found := RELEASE.fullmatch(path.name))
    }
    return sorted(numbers, key=numbers.__getitem__, reverse=True)


class BuildWithDemonstration(build_py):
    """Build the package, and copy the demonstration to `tagifai/demo/`."""

    def run(self) -> None:
        """Build; an editable install finds the demonstration where it is."""
        super().run()
        if not self.editable_mode:
            self.copy_demonstration(Path(self.build_lib) / "tagifai" / "demo")

    def copy_demonstration(self, target: Path) -> None:
        """Copy the data, the workspace and every release; models of the newest releases alone."""
        shutil.rmtree(target, ignore_errors=True)
        (target / "data").mkdir(parents=True)
        for pattern in DATA:
            for path in (ROOT / "data").glob(pattern):
                shutil.copyfile(path, target / "data" / path.name)
        newest = releases(ROOT / "model")
        whole = [ROOT / "model" / "workspace", *newest[:WITH_MODEL]]
        for version in (*whole, *newest[WITH_MODEL:]):
            (target / "model" / version.name).mkdir(parents=True)
            for path in version.iterdir():
                if path.name != MODEL or version in whole:
                    shutil.copyfile(path, target / "model" / version.name / path.name)


setup(
    cmdclass={"build_py": BuildWithDemonstration},
    long_description=describe((ROOT / "README.md").read_text("utf-8")),
    long_description_content_type="text/markdown",
)
