"""Data folders of many sizes made of real projects: other ids, words shuffled within the texts."""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tagifai.data.config import CONFIG_FILE

SEED = 20


def enlarge(
    projects: Sequence[Mapping[str, Any]], times: int, seed: int = SEED
) -> Iterator[dict[str, Any]]:
    """Yield the projects `times` over: as they are, then with other ids and shuffled words.

    >>> [p["id"] for p in enlarge([{"id": 7, "title": "a b", "description": ""}], 2)]
    [7, '7-1']
    """
    chance = random.Random(seed)
    yield from map(dict, projects)
    for copy in range(1, times):
        for project in projects:
            yield {
                **project,
                "id": f"{project['id']}-{copy}",
                "title": _shuffled(project["title"], chance),
                "description": _shuffled(project["description"], chance),
            }


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read a JSON list of records."""
    found: list[dict[str, Any]] = orjson.loads(path.read_bytes())
    return found


def write_corpus(real: Path, folder: Path, times: int) -> Path:
    """Write a data folder with the projects of `real` `times` over, and its tags."""
    folder.mkdir(parents=True)
    projects = list(enlarge(read_records(real / "projects.json"), times))
    (folder / "projects.json").write_bytes(orjson.dumps(projects))
    for name in ("tags.json", CONFIG_FILE):
        if (real / name).is_file():
            (folder / name).write_bytes((real / name).read_bytes())
    return folder


def _shuffled(text: str, chance: random.Random) -> str:
    words = text.split()
    chance.shuffle(words)
    return " ".join(words)
