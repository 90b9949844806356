"""Who may import whom; the house is described in CONTRIBUTING.md."""

import ast
import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from wheels import PROJECT

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tagifai"
# Libraries that only these modules may import.
KEPT_TO = {
    "gradio": ("tagifai.ui.*", "gradio_app"),
    "starlette": ("tagifai.ui.*",),
    "fastapi": ("tagifai.ui.*",),
    "uvicorn": ("tagifai.ui.*",),
    "mcp": ("tagifai.ui.*",),
    "huggingface_hub": (
        "tagifai.services.review_repository",
        "tagifai.hub",
        "tagifai.data.hub",
        "tagifai.store.hub_source",
        "tagifai.models.adapters.hub",
    ),
    "matplotlib": ("tagifai.plots",),
    "joblib.Memory": ("tagifai.store.cache",),
    "joblib.memory": ("tagifai.store.cache",),
    "skops": ("tagifai.models.persistence", "tagifai.models.adapters.*"),
    "rich": ("tagifai.cli.terminal",),
    "mlflow": ("tagifai.store.mlflow_source",),
    "optuna": ("tagifai.training.search",),
    "distributed": ("tagifai.training.cluster",),
}
# What is there in a notebook, and is asked for nowhere else.
BY_NOTEBOOKS = {"IPython", "google"}
# Modules that put others together; what they put together doesn't know them.
COMPOSITION = {
    "tagifai.__main__": (),
    "tagifai.cli.parser": ("tagifai.__main__",),
    "tagifai.cli.answers": ("tagifai.cli.parser", "tagifai.cli.*_commands", "tagifai.cli.serving"),
    "tagifai.cli.data_commands": ("tagifai.cli.parser",),
    "tagifai.cli.report_commands": ("tagifai.cli.parser",),
    "tagifai.cli.review_commands": ("tagifai.cli.parser",),
    "tagifai.cli.serving": ("tagifai.cli.parser",),
    "tagifai.cli.text_commands": ("tagifai.cli.parser",),
    "tagifai.cli.training_commands": ("tagifai.cli.parser",),
    "tagifai.cli.version_commands": ("tagifai.cli.parser",),
    "tagifai.cli.terminal": ("tagifai.cli.*",),
    "tagifai.services.app": ("tagifai.ui.*", "tagifai.api.*", "tagifai.cli.serving", "gradio_app"),
    "tagifai.ui*": ("tagifai.ui.*", "tagifai.api.*", "tagifai.cli.serving", "gradio_app"),
    "gradio_app": (),
}
# What reads files, learns or predicts comes to a tab as an argument of `build`.
WHAT_TABS_ARE_GIVEN = (
    "tagifai.*.load_*", "tagifai.*.open_*", "tagifai.*.train", "tagifai.*.predict_*",
    "tagifai.*.compare", "tagifai.*Source", "tagifai.*Store",
    "tagifai.store.cache*", "tagifai.models*",
)  # fmt: skip
# Importing gradio_app makes `demo`, as Spaces and the command `gradio` expect.
PROGRAMS = {"gradio_app", "tagifai.__main__"}
# What starts at once: commands, and the page, whose only weight is Gradio's.
LIGHT = (
    "errors", "settings", "data", "store.versions", "store.cache", "cli.parser",
    "services.versions", "services.reviews", "services.app", "ui.app", "ui.server.serving",
)  # fmt: skip
HEAVY = ("sklearn", "gradio", "matplotlib", "nltk", "scipy")
# What may compare probabilities: the one decision, and the bins of the calibration error.
DECIDES = ("tagifai.predictions", "tagifai.metrics.calibration*")
READERS = {"open", "read_text", "read_bytes", "load", "loads", "print", "mkdir", "getenv", "run"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


TREES = {
    name_of(path): ast.parse(path.read_text("utf-8"))
    for path in (*sorted(PACKAGE.rglob("*.py")), ROOT / "gradio_app.py")
}


def imports_of(tree: ast.AST) -> set[str]:
    """List what is imported anywhere in a module, functions included, as dotted names."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {f"{node.value.id}.{node.attr}"} & set(KEPT_TO)
    return found


IMPORTS = {name: imports_of(tree) for name, tree in TREES.items()}


def among(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def importers_of(what: str) -> set[str]:
    return {
        module
        for module, names in IMPORTS.items()
        for name in names
        if fnmatch(name, what) or fnmatch(name, f"{what}.*")
    }


def own_imports(module: str) -> set[str]:
    """List the modules of ours that a module imports: the longest known part of each name."""
    parts = {name: name.rpartition(".")[0] for name in IMPORTS[module]}
    known = {name if name in TREES else parent for name, parent in parts.items()}
    return {name for name in known if name in TREES and name not in ("tagifai", module)}


def run_python(program: str) -> object:
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("library", KEPT_TO)
def test_a_library_is_imported_only_where_it_belongs(library):
    astray = {name for name in importers_of(library) if not among(name, KEPT_TO[library])}
    assert astray == set()


@pytest.mark.parametrize("module", COMPOSITION)
def test_what_is_composed_does_not_know_what_composes(module):
    allowed = (*COMPOSITION[module], module)
    assert {name for name in importers_of(module) if not among(name, allowed)} == set()


def test_no_module_imports_itself_by_way_of_others():
    graph = {name: own_imports(name) for name in TREES}
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("tagifai.errors") < order.index("tagifai.data")
    assert order.index("tagifai.data") < order.index("tagifai.services.app")


def test_tabs_are_given_their_functions():
    tabs = {name: tree for name, tree in TREES.items() if among(name, ("tagifai.ui*",))}
    reached = {
        (tab, name) for tab in tabs for name in IMPORTS[tab] if among(name, WHAT_TABS_ARE_GIVEN)
    }
    # A desk may be named as the type of an argument, never made.
    made = {
        (tab, node.func.id)
        for tab, tree in tabs.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id.endswith(("Desk", "Service", "Services"))
    }
    assert (reached, made) == (set(), set())


def test_probabilities_meet_thresholds_in_one_place():
    """`decide` alone compares them: elsewhere another precision would decide otherwise."""
    told = re.compile(r"prob|threshold|cut(s|off)?$", re.IGNORECASE)
    trees = TREES | {
        f"benchmarks.{path.stem}": ast.parse(path.read_text("utf-8"))
        for path in (ROOT / "benchmarks").rglob("*.py")
    }
    found = {
        (module, ast.unparse(node))
        for module, tree in trees.items()
        if not among(module, DECIDES)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Gt | ast.GtE | ast.Lt | ast.LtE) for one in node.ops)
        # A bound that is written down, as in `0 <= threshold <= 1`, decides nothing.
        and len(sides := [s for s in (node.left, *node.comparators) if not is_fixed(s)]) > 1
        and any(told.search(word) for side in sides for word in words_of(side))
    }
    assert found == set()


def is_fixed(node: ast.AST) -> bool:
    """Check for a written number, or a length, which is none of a probability."""
    measured = isinstance(node, ast.Call) and ast.unparse(node.func) == "len"
    return isinstance(node, ast.Constant) or measured


def words_of(node: ast.AST) -> set[str]:
    """List the names, attributes and keys that an expression reads."""
    return {
        str(getattr(part, name))
        for part in ast.walk(node)
        for name in ("id", "attr", "value")
        if isinstance(getattr(part, name, None), str)
    }


@pytest.mark.parametrize("module", sorted(set(TREES) - PROGRAMS))
def test_importing_does_nothing(module):
    for statement in TREES[module].body:
        defines = isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if defines or docstring:
            continue
        assert not isinstance(statement, ast.Expr), ast.unparse(statement)
        called = {
            getattr(node.func, "attr", getattr(node.func, "id", ""))
            for node in ast.walk(statement)
            if isinstance(node, ast.Call)
        }
        assert called & READERS == set(), ast.unparse(statement)
    assert [node.names for node in ast.walk(TREES[module]) if isinstance(node, ast.Global)] == []


@pytest.fixture(scope="module")
def importing():
    """Import everything in another process; tell what is loaded by then, and what was done."""
    # matplotlib, which only plots imports, keeps a folder of fonts of its own.
    others = (*PROGRAMS, "tagifai.plots", "tagifai.ui*")
    modules = [name for name in TREES if not among(name, others)]
    return run_python(f"""
import importlib, json, sys, tempfile
tempfile.gettempdir()  # which tries, once, where it may write
seen, found, stubs = [], {{}}, []
def watch(event, arguments):
    if event in ("socket.connect", "subprocess.Popen", "os.mkdir", "os.rename", "os.remove"):
        seen.append([event, repr(arguments)])
    if event == "open" and arguments[1] and set(str(arguments[1])) & set("wax+"):
        seen.append([event, repr(arguments)])
    if event == "open" and str(arguments[0]).endswith(".pyi"):
        stubs.append(arguments[0])
sys.addaudithook(watch)
from tagifai.ui.gradio_fixes.type_stubs import leave_as_installed
leave_as_installed()
for name in {LIGHT!r}:
    importlib.import_module("tagifai." + name)
    found[name] = [heavy for heavy in {HEAVY!r} if heavy in sys.modules]
for name in {modules!r}:
    importlib.import_module(name)
print(json.dumps([seen, found, stubs]))
""")


@pytest.mark.long
def test_importing_writes_nothing_and_asks_nobody(importing):
    seen, _, _ = importing
    assert seen == []


@pytest.mark.long
def test_light_modules_stay_light(importing):
    _, loaded, stubs = importing
    assert stubs == []  # which Gradio would read, and write anew
    assert loaded == {name: ["gradio"] * name.startswith("ui.") for name in LIGHT}


def test_what_is_imported_is_named_in_the_metadata():
    extras = PROJECT["project"]["optional-dependencies"]
    lines = [line for name, some in extras.items() if name != "dev" for line in some]
    pinned = {
        canonicalize_name(Requirement(line).name)
        for line in (*PROJECT["project"]["dependencies"], *lines)
    }
    distributions = packages_distributions()
    roots = {name.partition(".")[0] for names in IMPORTS.values() for name in names}
    third = roots - sys.stdlib_module_names - {"tagifai"} - BY_NOTEBOOKS
    unpinned = {
        name
        for name in third
        if not {d.lower().replace("_", "-") for d in distributions.get(name, [name])} & pinned
    }
    assert "numpy" in third
    assert unpinned == set()
