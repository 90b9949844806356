"""240 projects whose counts are known by construction, strangers' texts among them."""

import random
from pathlib import Path

import orjson

from tagifai.data import load_dataset
from tagifai.models.params import Params
from tagifai.slices import Conditions, Slice
from tagifai.store.naming import WORKSPACE
from tagifai.store.sources import FolderSource
from tagifai.training.releases import version_files
from tagifai.training.train import train

NUM_PROJECTS = 240
FIRST_ID = 7000
HOSTILE_TAG = "<img src=x onerror=alert(1)>"
HOSTILE = (
    '<script>alert(1)</script><img src="http://outside.invalid/a.png" onerror="alert(1)"> '
    "![picture](http://outside.invalid/b.png) $\\frac{a$ {{value}} ${alert(1)}"
)
TEXTS = {
    "computer-vision": "vision images pixels camera photos lenses",
    "natural-language-processing": "language text sentences corpus grammar dialogue",
    "segmentation": "masks regions outlines contours boundaries areas",
    "transformers": "transformers encoder pretrained tokens decoder heads",
    "attention": "attention focus queries weights gaze salience",
    HOSTILE_TAG: "injection payload quoting escaping markup sanitiser",
}
WORDS = {tag: text.split() for tag, text in TEXTS.items()}
FILLER = "guide learn build simple project code tutorial paper fast open tool course"
# Projects of each tag: 120, 120, 80, 40, 30 and 24; then "rare" 1, "python" 12, "unlisted" 3.
SIMPLE = Params(
    min_tag_freq=20, folds=2, word_ngrams=1, char_ngrams=0, aliases="none", estimator="logistic",
    log_count_ratio=False, thresholds="fixed", calibration="none", C=1.0,
)  # fmt: skip
SLICES = {
    "short": Slice("short", "", Conditions(max_words=8)),
    "seen_words": Slice("seen_words", "", Conditions(all_of=("computer-vision", "transformers"))),
}
BETTER = Params(
    min_tag_freq=20, folds=2, char_ngrams=3, aliases="exact", C=1.0, threshold_smoothing=0.0
)


def tags_of(i: int) -> list[str]:
    rules = {
        "computer-vision": i % 2 == 1,
        "natural-language-processing": i % 2 == 0,
        "segmentation": i % 6 == 1,
        "transformers": i % 3 == 0,
        "attention": i % 8 == 3,
        HOSTILE_TAG: i % 10 == 7,
        "rare": i == 11,
        "python": i % 20 == 0,
        "unlisted": i % 80 == 0,
    }
    return [tag for tag, carried in rules.items() if carried]


def project(i: int) -> dict[str, object]:
    chance = random.Random(i)
    tags = tags_of(i)
    # Labels that texts don't bear out, so that a model errs on both sides.
    silent = {"transformers"} if i % 15 == 0 else {"attention"} if i % 5 == 0 else set()
    spoken = [tag for tag in tags if tag in WORDS and tag not in silent]
    spoken += ["transformers"] if i % 7 == 2 and "transformers" not in tags else []
    words = [word for tag in spoken for word in chance.sample(WORDS[tag], 3)]
    words += chance.sample(FILLER.split(), 4)
    chance.shuffle(words)
    hostile = f" {HOSTILE}" if i % 12 == 0 else ""
    return {
        "id": FIRST_ID + i,
        "title": " ".join(words[:3]).capitalize(),
        "description": " ".join(words[3:]) + hostile,
        "tags": tags,
        "url": f"http://outside.invalid/{i}",
    }


def write_data(folder: Path) -> None:
    folder.mkdir()
    projects = [project(i) for i in range(NUM_PROJECTS)]
    known = [{"tag": tag, "aliases": [], "parents": []} for tag in (*WORDS, "rare", "python")]
    known[0]["aliases"] = ["vision", HOSTILE]
    (folder / "projects.json").write_bytes(orjson.dumps(projects))
    (folder / "tags.json").write_bytes(orjson.dumps(known))
    (folder / "data.toml").write_text('excluded = ["python"]\n')


def write_versions(data: Path, models: Path) -> None:
    """Train two versions; the workspace is the first one once more."""
    dataset, source = load_dataset(data), FolderSource(models)
    for name, params in (("v0.1.0", SIMPLE), ("v0.2.0", BETTER)):
        trained = train(dataset, params, slices=SLICES)
        source.write(name, version_files(trained, dataset, name=name, notes=HOSTILE[:100]))
        if name == "v0.1.0":
            source.write(WORKSPACE, version_files(trained, dataset))
