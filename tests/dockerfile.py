"""Read the Dockerfile: enough of its grammar for the one that is here."""

import json
import re

from servers import ROOT


def instructions() -> list[tuple[str, str]]:
    """List (instruction, its words), continued lines joined, comments left out."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def stages() -> list[list[tuple[str, str]]]:
    """List the instructions of each stage."""
    found: list[list[tuple[str, str]]] = []
    for name, words in instructions():
        if name == "FROM":
            found.append([])
        found[-1].append((name, words))
    return found


def values(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [words for instruction, words in stage if instruction == name]


def environment(stage: list[tuple[str, str]]) -> dict[str, str]:
    return dict(pair.split("=", 1) for words in values(stage, "ENV") for pair in words.split())


def command(stage: list[tuple[str, str]], name: str = "CMD") -> list[str]:
    """Return the words of CMD, or of the command that HEALTHCHECK runs."""
    (words,) = values(stage, name)
    return json.loads(words.partition("CMD ")[2] if name == "HEALTHCHECK" else words)
