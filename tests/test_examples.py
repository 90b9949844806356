"""The notebooks of examples/, run as a reader does: in order, in a folder of their own."""

import ast
import os
from pathlib import Path

import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parents[1]
BOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
# What a notebook needs that cannot be beside the oldest packages that tagifai itself allows.
NEEDS_NUMPY_2 = {"2_embeddings"}
LONGEST_LINE = 100


def read(path):
    return nbformat.read(path, as_version=4)


def test_there_are_some():
    assert [book.stem for book in BOOKS] == ["1_scikit_learn", "2_embeddings", "3_language_model"]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_they_are_kept_without_outputs(path):
    """What a run prints depends on versions of packages; a reader makes it anew."""
    book = read(path)
    nbformat.validate(book)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    for cell in book.cells:
        assert not cell.metadata
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert max(map(len, cell.source.splitlines())) <= LONGEST_LINE


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_their_text_explains_what_the_code_does(path):
    book = read(path)
    assert book.cells[0].cell_type == "markdown"
    assert book.cells[0].source.startswith("# ")
    kinds = [cell.cell_type for cell in book.cells]
    # No more than two cells of code follow each other without a word.
    assert "code code code" not in " ".join(kinds)
    imported = {
        alias.name.partition(".")[0]
        for cell in book.cells
        if cell.cell_type == "code"
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module)])
    }
    assert "tagifai" in imported
    assert imported & {"requests", "urllib", "datasets", "huggingface_hub"} == set()


def run(path, folder):
    """Execute a notebook in an empty folder, offline; return its cells as they came out."""
    nbclient = pytest.importorskip("nbclient")
    home = folder / "home"
    home.mkdir()
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TAGIFAI_")},
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(home),
        "HF_HUB_OFFLINE": "1",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://x:9"),
        **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost"),
    }
    work = folder / "work"
    work.mkdir()
    book = read(path)
    client = nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(work)}}
    )
    with client.setup_kernel(env=variables):
        for number, cell in enumerate(book.cells):
            client.execute_cell(cell, number)
    assert list(work.iterdir()) == []
    return [cell for cell in book.cells if cell.cell_type == "code"]


@pytest.mark.long
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_they_run(path, tmp_path):
    if path.stem in NEEDS_NUMPY_2 and np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("needs numpy 2")
    cells = run(path, tmp_path)
    outputs = [output for cell in cells for output in cell.outputs]
    assert [one for one in outputs if one.output_type == "error"] == []
    warned = [one.text for one in outputs if one.get("name") == "stderr"]
    assert warned == []
    frames = [one for one in outputs if "<iframe" in one.get("data", {}).get("text/html", "")]
    assert len(frames) == 1
