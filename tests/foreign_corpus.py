"""Corpora in other languages, as small as `small_corpus`: tags can be told from the texts."""

import numpy as np

from tagifai.data import Dataset, Project, Tag
from tagifai.data.config import DataConfig

GERMAN = {
    "küche": "Kuchen Brote Suppen Gemüse Öfen Gewürze",
    "garten": "Bäume Blumen Beete Wiesen Hecken Rosen",
    "straße": "Häuser Brücken Plätze Ampeln Tunnel Züge",
}
CHINESE = {
    "厨房": "面包 蔬菜 汤 蛋糕 香料 水果",
    "花园": "树木 花朵 草地 玫瑰 篱笆 果树",
    "街道": "房屋 桥梁 广场 隧道 火车 汽车",
}
CONFIGS = {
    "german": (GERMAN, " ", ["und", "die", "mit", "den", "für", "über", "das", "ist", "nicht"]),
    "chinese": (CHINESE, "", ["我们", "的", "和", "在", "可以", "对于"]),
}


def foreign_dataset(language: str, n: int = 120, seed: int = 0) -> Dataset:
    words, between, filler = CONFIGS[language]
    rng = np.random.default_rng(seed)
    names = sorted(words)
    projects = []
    for i in range(n):
        tags = sorted({names[i % 3], *([names[(i + 1) % 3]] if rng.random() < 0.3 else [])})
        drawn = [str(word) for tag in tags for word in rng.choice(words[tag].split(), 3)]
        drawn += [str(word) for word in rng.choice(filler, 4)]
        rng.shuffle(drawn)
        stop = "。" if language == "chinese" else "."
        title, text = between.join(drawn[:3]), between.join(drawn[3:]) + stop
        projects.append(Project(str(i), title, text, tuple(tags)))
    tags_of = {name: Tag(name) for name in names}
    return Dataset(
        tuple(projects), tags_of, f"{language}-{n}-{seed}", DataConfig(language=language)
    )
