import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.data import CONFIG_FILE, load_dataset
from tagifai.data.download import MADE_WITH_ML_CONFIG
from tagifai.store.naming import WORKSPACE
from tagifai.store.sources import FolderSource
from tagifai.training.releases import version_files
from tagifai.training.train import train
from tagifai.ui.gradio_fixes.type_stubs import leave_as_installed

leave_as_installed()
ROOT = Path(__file__).parent.parent
REAL_DATA = Path(
    os.environ.get("TAGIFAI_REALDATA", ROOT.parent / "shared" / "datasets" / "madewithml")
)
# What trains in a moment: words alone.
QUICK = {
    "folds": 2,
    "word_ngrams": 1,
    "char_ngrams": 0,
    "aliases": "none",
    "estimator": "logistic",
    "log_count_ratio": False,
}

# Tests that are run where an option of that name asks for them.
OPTIONAL = {
    "fresh": "makes an environment anew: `just fresh`",
    "long": "takes many seconds: `just long`",
}
# Files of tests that take longest.
LONG = {"test_serving.py", "test_live.py", "test_training.py", "test_tables.py", "test_reviews.py"}
LONG_IN_BROWSER = [
    "test_label_errors.py", "test_any_page.py", "test_links.py", "test_version_journeys.py",
    "test_inference.py", "test_space.py", "test_loading.py",
]  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fresh", action="store_true", help="run what makes an environment anew")
    parser.addoption("--long", action="store_true", help="run what takes many seconds too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for name, reason in OPTIONAL.items():
        if not config.getoption(f"--{name}"):
            for item in items:
                if item.get_closest_marker(name):
                    item.add_marker(pytest.mark.skip(reason=reason))
    items.sort(key=turn)


def turn(item: pytest.Item) -> int:
    """Return a test's turn: what takes long early, so that no worker is left with it alone.

    Browser tests come last, because Playwright keeps an event loop running, in which
    asyncio.run refuses to work; so no file has both.
    """
    name = item.path.name
    if "browser" in item.path.relative_to(ROOT).parts:
        return 2 + (LONG_IN_BROWSER.index(name) if name in LONG_IN_BROWSER else 99)
    return 0 if name in LONG else 1


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the Made With ML projects, beside the `data.toml` that `data download` writes."""
    if not (REAL_DATA / "projects.json").is_file():
        pytest.skip(
            f"no Made With ML projects in {REAL_DATA}; set TAGIFAI_REALDATA to their folder"
        )
    folder = tmp_path_factory.mktemp("realdata")
    for name in ("projects.json", "tags.json"):
        shutil.copyfile(REAL_DATA / name, folder / name)
    (folder / CONFIG_FILE).write_text(MADE_WITH_ML_CONFIG)
    return folder


@pytest.fixture(scope="session")
def embedded_data() -> Path:
    return ROOT / "data"


@pytest.fixture(scope="session")
def small_data(tmp_path_factory) -> Path:
    """A data folder of 80 projects with 4 tags."""
    folder = tmp_path_factory.mktemp("small") / "data"
    folder.mkdir()
    dataset = small_dataset(80)
    projects = [
        {"id": p.id, "title": p.title, "description": p.description, "tags": p.tags}
        for p in dataset.projects
    ]
    (folder / "projects.json").write_text(json.dumps(projects))
    (folder / "tags.json").write_text(json.dumps([asdict(t) for t in dataset.tags.values()]))
    return folder


@pytest.fixture(scope="session")
def small_models(small_data) -> Path:
    """Two releases and a workspace equal to the second, trained on `small_data`. Only read it."""
    dataset, source = load_dataset(small_data), FolderSource(small_data.parent / "model")
    fixed = {**QUICK, "C": 1.0, "calibration": "none", "thresholds": "fixed"}
    first = train(dataset, SMALL_PARAMS.replaced(fixed))
    second = train(dataset, SMALL_PARAMS.replaced({**QUICK, "C": 10.0}))
    source.write("v0.1.0", version_files(first, dataset, name="v0.1.0", notes="The first."))
    source.write("v0.2.0", version_files(second, dataset, name="v0.2.0", notes="The second."))
    source.write(WORKSPACE, version_files(second, dataset))
    return source.path
