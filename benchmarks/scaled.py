"""Made-up data of any size with the skew of real data: Zipf tags, texts of a corpus's own words."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.corpora import read_records

SEED = 24
LABELS = 4.0
"""Tags that a project has on average."""
WORDS = 30
"""Words that a text has at the median, besides those that its tags bring."""
SPLITS = ("train", "val", "test")
SHARES = (0.7, 0.1, 0.2)
_CHUNK = 20_000
_TOPIC = 8
_PLAIN = re.compile(r"[a-z]{3,20}")
# The commonest words belong to no tag.
_COMMON = 150


@dataclass(frozen=True, eq=False)
class Scale:
    """What made-up data are like.

    Attributes
    ----------
    words : tuple of str
        The words of texts, then each tag's name as a phrase.
    chances : array of shape (n_words,)
        How often each word is drawn; 0 for names.
    tags : tuple of str
        The tags, the most frequent first.
    tag_chances : array of shape (n_tags,)
        How often each tag is drawn.
    topics : int array of shape (n_tags, 8)
        The words that a text of each tag is likely to have, the tag's name among them.
    num_projects : int
        How many projects there are.
    words_per_text : int
        Words of a text at the median, besides those that its tags bring.
    seed : int
        Of all that is drawn.
    """

    words: tuple[str, ...]
    chances: np.ndarray
    tags: tuple[str, ...]
    tag_chances: np.ndarray
    topics: np.ndarray
    num_projects: int
    words_per_text: int = WORDS
    seed: int = SEED


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some projects: their first number, their tags' columns by row, and their splits."""

    first: int
    columns: list[np.ndarray]
    split: np.ndarray


def plan(
    real: Path,
    num_projects: int,
    num_tags: int,
    *,
    words_per_text: int = WORDS,
    seed: int = SEED,
) -> Scale:
    """Plan data of any size, with the words of the projects in the folder `real`.

    Tags are as rare as in large folksonomies: their frequency falls as 1 / (rank + 5).
    """
    counts: Counter[str] = Counter()
    for project in read_records(real / "projects.json"):
        counts.update(f"{project['title']} {project['description']}".split())
    words = [word for word, _ in counts.most_common()]
    plain = [word for word in words if _PLAIN.fullmatch(word)][_COMMON:]
    rng = np.random.default_rng(seed)
    tags = _names(plain, num_tags, rng)
    place = {word: number for number, word in enumerate(words)}
    numbers = np.array([place[word] for word in plain])
    topics = rng.choice(numbers, (num_tags, _TOPIC))
    topics[:, 0] = len(words) + np.arange(num_tags)
    chances = np.array([counts[word] for word in words], float)
    tag_chances = 1 / np.arange(5, num_tags + 5)
    return Scale(
        (*words, *(tag.replace("-", " ") for tag in tags)),
        np.concatenate([chances / chances.sum(), np.zeros(num_tags)]),
        tags,
        tag_chances / tag_chances.sum(),
        topics,
        num_projects,
        words_per_text,
        seed,
    )


def _names(plain: Sequence[str], number: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Name tags by two words each, no two alike."""
    found: dict[str, None] = {}
    while len(found) < number:
        first, second = rng.choice(len(plain), 2, replace=False)
        found[f"{plain[first]}-{plain[second]}"] = None
    return tuple(found)


def chunks(scale: Scale) -> Iterator[Chunk]:
    """Draw the tags and the split of all projects; the same plan draws the same."""
    for first in range(0, scale.num_projects, _CHUNK):
        size = min(_CHUNK, scale.num_projects - first)
        rng = np.random.default_rng([scale.seed, 1, first])
        number = 1 + rng.poisson(LABELS - 1, size)
        drawn = _draw(rng, scale.tag_chances, int(number.sum()))
        columns = [np.unique(own) for own in np.split(drawn, np.cumsum(number)[:-1])]
        yield Chunk(first, columns, rng.choice(SPLITS, size, p=SHARES))


def texts(scale: Scale, chunk: Chunk) -> list[str]:
    """Write the texts of a chunk: common words, and words of each project's tags among them."""
    rng = np.random.default_rng([scale.seed, 2, chunk.first])
    size = len(chunk.columns)
    lengths = np.clip(scale.words_per_text * rng.lognormal(0, 0.5, size), 4, None).astype(int)
    base = _draw(rng, scale.chances, int(lengths.sum()))
    numbers = np.array([len(own) for own in chunk.columns])
    tags = np.concatenate(chunk.columns)
    # Of a tag in seven the text says nothing.
    spoken = rng.integers(1, 4, len(tags)) * (rng.random(len(tags)) < 6 / 7)
    topical = scale.topics[np.repeat(tags, spoken), rng.integers(0, _TOPIC, int(spoken.sum()))]
    rows = np.concatenate(
        [
            np.repeat(np.arange(size), lengths),
            np.repeat(np.repeat(np.arange(size), numbers), spoken),
        ]
    )
    order = np.lexsort((rng.random(len(rows)), rows))
    vocabulary = np.array(scale.words, dtype=object)
    words = vocabulary[np.concatenate([base, topical])[order]].tolist()
    ends = np.cumsum(np.bincount(rows, minlength=size)).tolist()
    return [" ".join(words[a:b]) for a, b in zip([0, *ends], ends, strict=False)]


def records(scale: Scale) -> Iterator[dict[str, Any]]:
    """Yield the projects: id, title, description, tags and split."""
    for chunk in chunks(scale):
        for row, text in enumerate(texts(scale, chunk)):
            title, description = _halves(text)
            yield {
                "id": str(chunk.first + row),
                "title": title,
                "description": description,
                "tags": [scale.tags[column] for column in chunk.columns[row]],
                "split": str(chunk.split[row]),
            }


def write_data(scale: Scale, folder: Path, *, parts: int = 0, split: bool = True) -> Path:
    """Write a data folder: `projects.parquet`, and `tags.json`.

    Parameters
    ----------
    scale : Scale
        What to write.
    folder : Path
        A new folder.
    parts : int
        Into so many Parquet files of a folder `projects.parquet`; 0 for one file.
    split : bool
        Whether the data state each project's split.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    folder.mkdir(parents=True)
    names = pyarrow.array(scale.tags)
    place = folder / "projects.parquet"
    writer, written = None, 0
    per_part = -(-scale.num_projects // parts) if parts else scale.num_projects
    if parts:
        place.mkdir()
    for chunk in chunks(scale):
        halves = [_halves(text) for text in texts(scale, chunk)]
        columns = {
            "id": pyarrow.array([str(chunk.first + row) for row in range(len(halves))]),
            "title": pyarrow.array([title for title, _ in halves]),
            "description": pyarrow.array([description for _, description in halves]),
            "tags": _lists(names.take(pyarrow.array(np.concatenate(chunk.columns))), chunk.columns),
        }
        if split:
            columns["split"] = pyarrow.array(chunk.split.tolist())
        table = pyarrow.table(columns)
        if writer is None or (parts and chunk.first >= written * per_part):
            if writer is not None:
                writer.close()
            file = place / f"part-{written:05}.parquet" if parts else place
            writer = parquet.ParquetWriter(file, table.schema, compression="zstd")
            written += 1
        writer.write_table(table)
    if writer is not None:
        writer.close()
    (folder / "tags.json").write_bytes(orjson.dumps([{"tag": tag} for tag in scale.tags]))
    return folder


def scored(scale: Scale, chunk: Chunk, most: int, version: int = 0) -> tuple[np.ndarray, ...]:
    """Draw a version's probabilities of a chunk: row ends, columns and values of its `most` tags.

    Of a project's own tags four in five are likely, of the others a few; the rest of the `most`
    are frequent tags with small probabilities.
    """
    rng = np.random.default_rng([scale.seed, 3, chunk.first, version])
    size, num_tags = len(chunk.columns), len(scale.tags)
    most = min(most, num_tags)
    own = np.concatenate(chunk.columns)
    if most == num_tags:
        drawn = np.tile(np.arange(num_tags), size)
    else:
        drawn = _draw(rng, scale.tag_chances, size * 2 * most)
    rows = np.concatenate(
        [
            np.repeat(np.arange(size), [len(some) for some in chunk.columns]),
            np.repeat(np.arange(size), len(drawn) // size),
        ]
    )
    likely = rng.random(len(own)) < 0.8
    high = np.where(likely, rng.beta(5, 2, len(own)), rng.beta(1, 8, len(own)))
    low = np.minimum(rng.beta(0.25, 8, len(drawn)), 0.999)
    values = np.concatenate([high, low]).astype(np.float32)
    # What comes twice in a row counts once, as it comes first: a project's own tags do.
    pairs, place = np.unique(rows * num_tags + np.concatenate([own, drawn]), return_index=True)
    rows = pairs // num_tags
    in_turn = np.lexsort((place, rows))
    rank = np.empty(len(rows), np.intp)
    rank[in_turn] = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = rank < most
    ends = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=size))])
    return ends, (pairs % num_tags)[kept], values[place[kept]]


def write_predictions(scale: Scale, path: Path, most: int = 50, version: int = 0) -> Path:
    """Write a file of probabilities as people bring them: lists of tags and of numbers by row."""
    import pyarrow
    import pyarrow.parquet as parquet

    names, writer = pyarrow.array(scale.tags), None
    for chunk in chunks(scale):
        ends, columns, values = scored(scale, chunk, most, version)
        offsets = pyarrow.array(ends.astype(np.int32))
        table = pyarrow.table(
            {
                "id": [str(chunk.first + row) for row in range(len(chunk.columns))],
                "split": chunk.split.tolist(),
                "tags": pyarrow.ListArray.from_arrays(offsets, names.take(pyarrow.array(columns))),
                "probabilities": pyarrow.ListArray.from_arrays(offsets, pyarrow.array(values)),
            }
        )
        writer = writer or parquet.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return path


def skew(counts: Mapping[str, int] | Sequence[int]) -> float:
    """Return the share of all labels that the most frequent tenth of the tags has.

    >>> skew([90] + [1] * 9)
    0.9090909090909091
    """
    numbers = sorted(counts.values() if isinstance(counts, Mapping) else counts, reverse=True)
    return sum(numbers[: max(1, len(numbers) // 10)]) / max(1, sum(numbers))


def _draw(rng: np.random.Generator, chances: np.ndarray, size: int) -> np.ndarray:
    """Draw numbers with replacement, each with its chance."""
    return np.minimum(
        np.searchsorted(np.cumsum(chances), rng.random(size), side="right"), len(chances) - 1
    )


def _halves(text: str) -> tuple[str, str]:
    """Cut a text into a title of a few words and the rest."""
    words = text.split(" ", 6)
    return " ".join(words[:6]), " ".join(words[6:])


def _lists(values: Any, rows: Sequence[np.ndarray]) -> Any:
    import pyarrow

    ends = np.cumsum([0, *(len(own) for own in rows)]).astype(np.int32)
    return pyarrow.ListArray.from_arrays(pyarrow.array(ends), values)
