"""Measure how the code is built, beside its targets: `just house`."""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.ways import Way, follow_comparison, follow_training

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tagifai"
LONG_FUNCTION = 60
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Row:
    """One property of the code: what is counted, how often it is found, and at most how often."""

    what: str
    found: int
    target: int

    @property
    def met(self) -> bool:
        """Check whether the count stays within its target."""
        return self.found <= self.target


class House:
    """The package's source, read once."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.files = sorted((root / "tagifai").rglob("*.py"))

    @cached_property
    def texts(self) -> dict[Path, str]:
        """The text of each file."""
        return {path: path.read_text("utf-8") for path in self.files}

    @cached_property
    def trees(self) -> dict[Path, ast.Module]:
        """The syntax tree of each file."""
        return {path: ast.parse(text) for path, text in self.texts.items()}

    @cached_property
    def modules(self) -> dict[str, Path]:
        """The file of each module."""
        return {self.name_of(path): path for path in self.files}

    @cached_property
    def layers(self) -> list[list[str]]:
        """The layers that the import contract names, from the top down."""
        settings = tomllib.loads((self.root / "pyproject.toml").read_text("utf-8"))
        contracts = settings.get("tool", {}).get("importlinter", {}).get("contracts", [])
        for contract in contracts:
            if contract["type"] == "layers":
                return [re.split(r"\s*[|:]\s*", layer) for layer in contract["layers"]]
        return []

    def name_of(self, path: Path) -> str:
        """Name the module of a file."""
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    def nodes(self) -> Iterator[ast.AST]:
        """Walk every node of every file."""
        for tree in self.trees.values():
            yield from ast.walk(tree)

    def functions(self) -> Iterator[Function]:
        """Walk every function and method."""
        for node in self.nodes():
            if isinstance(node, Function):
                yield node

    def imports(self) -> Iterator[tuple[str, str]]:
        """Yield (module, imported module) within the package."""
        for path, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module:
                    for alias in node.names:
                        whole = f"{node.module}.{alias.name}"
                        target = whole if whole in self.modules else node.module
                        if target in self.modules:
                            yield self.name_of(path), target


def count_upward_imports(house: House) -> int:
    """Count the pairs of modules whose import runs to a layer above; -1 without a contract."""
    rank = {
        name if name.startswith("tagifai") else f"tagifai.{name}": number
        for number, layer in enumerate(house.layers)
        for name in layer
    }
    if not rank:
        return -1

    def layer_of(module: str) -> int | None:
        while module:
            if module in rank:
                return rank[module]
            module = module.rpartition(".")[0]
        return None

    pairs = {(layer_of(a), layer_of(b), a, b) for a, b in house.imports()}
    return sum(x is not None and y is not None and y < x for x, y, _, _ in pairs)


def count_any(house: House) -> int:
    """Count the uses of the name Any."""
    return sum(isinstance(node, ast.Name) and node.id == "Any" for node in house.nodes())


def count_dict_returns(house: House) -> int:
    """Count the functions whose answer is a dict of anything, or a list of such."""
    return sum(
        "dict[str, Any]" in ast.unparse(function.returns)
        for function in house.functions()
        if function.returns is not None
    )


def count_long_functions(house: House) -> int:
    """Count the functions of more than `LONG_FUNCTION` lines, their docstrings not counted.

    A public function whose every argument is described is not harder to read for it.
    """
    return sum(count_lines(function) > LONG_FUNCTION for function in house.functions())


def count_lines(function: Function) -> int:
    """Count the lines of a function without those of its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def count_text(pattern: str) -> Callable[[House], int]:
    """Build a count of the matches of a regular expression in all files."""
    return lambda house: sum(len(re.findall(pattern, text)) for text in house.texts.values())


def count_fillers(house: House) -> int:
    """Count the lists filled with one value again and again, as in `[""] * 11`."""
    return sum(
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and isinstance(node.left, ast.List)
        and isinstance(node.right, ast.Constant)
        for tree in (t for p, t in house.trees.items() if "ui" in p.parts)
        for node in ast.walk(tree)
    )


def count_event_buses(house: House) -> int:
    """Count the hidden text boxes whose change sets off an event of the page.

    A box that is only read, or that carries a file or what the address names to the page's own
    scripts, is none: a `gr.State` cannot do that.
    """
    made = r"(?:gr\.Textbox\(\s*visible=\"hidden\"\)|field\(default_factory=_hidden\))"
    return sum(
        f".{name}.change" in text
        for path, text in house.texts.items()
        if "ui" in path.parts
        for name in re.findall(rf"(\w+)(?:: gr\.Textbox)? = {made}", text)
    )


def count_tickets(house: House) -> int:
    """Count the clocks that are read in the page to make a value differ from the one before."""
    return sum(text.count("time_ns()") for path, text in house.texts.items() if "ui" in path.parts)


def count_globals_replaced(house: House) -> int:
    """Count the browser's own functions that scripts of the page replace."""
    names = "fetch|structuredClone|requestAnimationFrame|gradio_config"
    pattern = rf"(?:window|globalThis)\.(?:{names})\s*=(?!=)"
    scripts = sorted((house.root / "tagifai").rglob("*.js"))
    return sum(len(re.findall(pattern, path.read_text("utf-8"))) for path in scripts)


def count_fixes(house: House) -> int:
    """Count the modules of workarounds for Gradio."""
    folder = house.root / "tagifai" / "ui" / "gradio_fixes"
    return len([path for path in folder.glob("*.py") if path.name != "__init__.py"])


COUNTS: tuple[tuple[str, Callable[[House], int], int], ...] = (
    ("imports that run up the layers", count_upward_imports, 0),
    ("layers", lambda house: len(house.layers), 12),
    ("uses of Any", count_any, 150),
    ("functions that return dict[str, Any]", count_dict_returns, 15),
    (f"functions of more than {LONG_FUNCTION} lines", count_long_functions, 3),
    ("lists of fillers in the page", count_fillers, 0),
    ("gr.skip()", count_text(r"gr\.skip\(\)"), 10),
    ("hidden text boxes as event buses", count_event_buses, 3),
    ("time_ns tickets", count_tickets, 0),
    ("fmt: skip", count_text(r"# fmt: skip"), 20),
    ("workarounds for Gradio", count_fixes, 8),
    ("browser functions replaced", count_globals_replaced, 0),
)


KINDS = ("stations", "rooms", "returns", "names")
# Returns and names: about half of what a reader had to follow before the code was simplified.
# Stations and rooms: no more than now; `benchmarks.ways` says why half would be worse.
WAYS: tuple[tuple[str, Callable[[], Way], tuple[int, int, int, int]], ...] = (
    ("two versions to a verdict", follow_comparison, (25, 10, 7, 34)),
    ("projects.json to a version", follow_training, (47, 20, 11, 60)),
)


def measure(house: House) -> list[Row]:
    """Count every property of `COUNTS`."""
    return [Row(what, count(house), target) for what, count, target in COUNTS]


def measure_ways() -> list[Row]:
    """Measure each way of `WAYS`: its stations, rooms, returns and names."""
    rows = []
    for what, follow, targets in WAYS:
        way = follow()
        found = (len(way.stations), way.num_rooms, way.num_returns, len(way.names))
        rows += [
            Row(f"{what}: {kind}", number, target)
            for kind, number, target in zip(KINDS, found, targets, strict=True)
        ]
    return rows


def main() -> int:
    """Print the table; return 3 where a target is missed."""
    rows = [*measure(House()), *measure_ways()]
    width = max(len(row.what) for row in rows)
    print(f"{'':{width}}  found  at most")
    for row in rows:
        print(f"{row.what:{width}}  {row.found:5}  {row.target:7}{'' if row.met else '  missed'}")
    return 0 if all(row.met for row in rows) else 3


if __name__ == "__main__":
    sys.exit(main())
