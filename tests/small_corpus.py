"""A corpus small enough to train on in a second, whose tags can be told from the texts."""

import numpy as np

from tagifai.data import Dataset, Project, Tag
from tagifai.models.params import Params

TAGS = {
    "computer-vision": Tag("computer-vision", ("vision",), ()),
    "segmentation": Tag("segmentation", (), ("computer-vision",)),
    "natural-language-processing": Tag("natural-language-processing", ("nlp",), ()),
    "transformers": Tag("transformers", (), ()),
}
WORDS = {
    "computer-vision": "computer vision images pixels camera photos",
    "segmentation": "segmentation masks regions outlines",
    "natural-language-processing": "natural language processing text sentences corpus",
    "transformers": "transformers attention pretrained encoder",
}
FILLER = ["guide", "learn", "build", "simple", "project", "code", "tutorial", "paper", "fast"]


def small_dataset(n: int = 160, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    projects = []
    for i in range(n):
        first = "computer-vision" if i % 2 else "natural-language-processing"
        tags = [first]
        if first == "computer-vision" and rng.random() < 0.5:
            tags.append("segmentation")
        if rng.random() < 0.4:
            tags.append("transformers")
        words = [str(w) for tag in tags for w in rng.choice(WORDS[tag].split(), 3)]
        words += [str(w) for w in rng.choice(FILLER, 5)]
        rng.shuffle(words)
        projects.append(Project(str(i), " ".join(words[:3]), " ".join(words[3:]), tuple(tags)))
    return Dataset(tuple(projects), TAGS, f"small-{n}-{seed}")


SMALL_PARAMS = Params(min_tag_freq=10, folds=3)
