"""The Data tab in Streamlit as its best practice has it.

Data and an index of them are cached resources, shared by all sessions; each part that a control
moves is a fragment, rerun alone; plots are SVG strings; results that come again are cached.
"""

import os
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import streamlit as st

from benchmarks.straightforward import preprocess
from tagifai.data.config import load_config
from tagifai.text.languages import stopwords_of
from tagifai.text.preprocessing import FILTERS

FOLDER = Path(os.environ["BENCH_DATA"])
EXCLUDED = load_config(FOLDER).excluded
PAGE = 50
SORTS = {
    "id": lambda project: (isinstance(project["id"], str), project["id"]),
    "title": lambda project: project["title"].casefold(),
    "description": lambda project: len(project["description"]),
    "tags": lambda project: len(project["tags"]),
}


class Index:
    """Projects and tags, and what is looked up in them at each rerun."""

    def __init__(self, folder: Path) -> None:
        self.projects = orjson.loads((folder / "projects.json").read_bytes())
        listed = orjson.loads((folder / "tags.json").read_bytes())
        self.tags = {tag["tag"]: tag for tag in listed}
        self.everything = Counter(tag for project in self.projects for tag in project["tags"])
        counts = {
            tag: count
            for tag, count in self.everything.items()
            if tag in self.tags and tag not in EXCLUDED
        }
        self.by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        rank = {tag: place for place, (tag, _) in enumerate(self.by_count)}
        # A row for each (project, tag), the most common tags first.
        pairs = [
            (row, rank[tag])
            for row, project in enumerate(self.projects)
            for tag in project["tags"]
            if tag in rank
        ]
        self.pairs = pd.DataFrame(pairs, columns=["project", "rank"]).sort_values("rank")
        self.names = sorted(set(self.everything) | set(self.tags))
        self.by_tag: dict[str, list[dict[str, Any]]] = {}
        for project in self.projects:
            for tag in project["tags"]:
                self.by_tag.setdefault(tag, []).append(project)
        self.folded = [
            " ".join((str(p["id"]), p["title"], p["description"], *p["tags"])).casefold()
            for p in self.projects
        ]
        self.orders = {
            name: sorted(range(len(self.projects)), key=lambda row: key(self.projects[row]))
            for name, key in SORTS.items()
        }

    def count_tags_per_project(self, kept: int) -> list[tuple[int, int]]:
        last = int(self.pairs["rank"].searchsorted(kept))
        rows = self.pairs["project"].to_numpy()[:last]
        numbers = np.bincount(np.bincount(rows, minlength=len(self.projects)))
        return [(n, int(numbers[n])) for n in range(len(numbers))] if kept else []


@st.cache_resource
def load_index(folder: Path) -> Index:
    return Index(folder)


@st.cache_data
def draw_cloud(folder: Path, tag: str) -> str:
    words = Counter(
        word
        for project in load_index(folder).by_tag[tag]
        for word in set(preprocess(f"{project['title']} {project['description']}").split())
        if len(word) > 1
    ).most_common(80)
    return " ".join(
        f'<span style="font-size:{0.75 + 1.75 * (count / words[0][1]) ** 0.6:.2f}rem">{word}</span>'
        for word, count in words
    )


def draw_bars(rows: list[tuple[Any, int]]) -> str:
    """Draw horizontal bars with their labels and values as SVG, by hand."""
    most = max((value for _, value in rows), default=1)
    bars = "".join(
        f'<text x="240" y="{place * 22 + 15}" text-anchor="end">{escape(str(label))}</text>'
        f'<rect x="250" y="{place * 22 + 3}" width="{400 * value / most:.1f}" height="16" '
        f'fill="#2f6fde"/>'
        f'<text x="{256 + 400 * value / most:.1f}" y="{place * 22 + 15}">{value:,}</text>'
        for place, (label, value) in enumerate(rows)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{len(rows) * 22 + 2}" '
        f'font-family="sans-serif" font-size="12">{bars}</svg>'
    )


def show_bars(title: str, rows: list[tuple[Any, int]]) -> None:
    st.write(f"**{title}**")
    # An SVG that stands in st.html is taken out of it.
    st.image(draw_bars(rows), caption=", ".join(str(value) for _, value in rows))


@st.fragment
def show_frequencies() -> None:
    index = load_index(FOLDER)
    min_tag_freq = st.slider(
        "Minimum number of projects of a tag",
        1,
        index.by_count[0][1] + 1,
        int(st.query_params.get("min_tag_freq", 30)),
        key="min_tag_freq",
    )
    kept = [row for row in index.by_count if row[1] >= min_tag_freq]
    missed = index.by_count[len(kept) : len(kept) + 5]
    numbers = index.count_tags_per_project(len(kept))
    st.write(
        f"**{len(kept):,}** of {len(index.by_count):,} tags make the cut, and "
        f"**{sum(n for _, n in numbers[1:]):,}** of {len(index.projects):,} projects keep "
        "at least one."
    )
    lists = {"Most common tags": kept[:5], "Just made the cut": kept[-5:], "Just missed": missed}
    for column, (title, rows) in zip(st.columns(3), lists.items(), strict=True):
        with column:
            st.write(f"**{title}**")
            st.table(dict(rows))
    left, right = st.columns(2)
    with left, st.container(key="tag-distribution"):
        show_bars("Projects of each tag", kept)
    with right:
        with st.container(key="tags-per-project"):
            show_bars("Tags on a project", numbers)
        names = sorted(tag for tag, _ in kept)
        first = names.index(kept[0][0]) if kept else None
        tag = st.selectbox("Tag of the word cloud", names, index=first)
        if tag:
            st.html(draw_cloud(FOLDER, tag))


@st.fragment
def show_tag() -> None:
    index = load_index(FOLDER)
    left, right = st.columns(2)
    left.json(index.projects[0])
    chosen = right.selectbox("Tag", index.names)
    right.json({**index.tags.get(chosen, {}), "num_projects": index.everything[chosen]})


@st.fragment
def show_projects() -> None:
    index = load_index(FOLDER)
    searched, sorting, order, paging = st.columns([3, 1, 1, 1])
    words = searched.text_input("Search").casefold().split()
    sort = sorting.selectbox("Sort by", ["file order", *SORTS])
    descending = order.checkbox("Descending")
    found = index.orders.get(sort) or range(len(index.projects))
    if words:
        found = [row for row in found if all(word in index.folded[row] for word in words)]
    if descending:
        found = found[::-1]
    pages = max(1, -(-len(found) // PAGE))
    page = paging.number_input("Page", 1, pages, 1)
    with st.container(key="projects-table"):
        rows = [index.projects[row] for row in found[(page - 1) * PAGE : page * PAGE]]
        st.dataframe(pd.DataFrame(rows), hide_index=True)
        st.caption(f"{len(found):,} projects; page {page:,} of {pages:,}")


@st.fragment
def show_preprocessing() -> None:
    left, right = st.columns(2)
    with left:
        text = st.text_area("Text", "Conditional generation using Variational Autoencoders.")
        lower = st.checkbox("lower: to lower case", True)
        stem = st.checkbox("stem: words to their stems")
        filters = st.text_input("filters", FILTERS)
        stopwords = st.text_area("stopwords", " ".join(stopwords_of("english")))
    with right, st.container(key="preprocess-output"):
        st.text(
            preprocess(text, lower=lower, stem=stem, filters=filters, stopwords=stopwords.split()),
        )


st.set_page_config(page_title="tagifai", layout="wide")
st.title("tagifai")
st.header("Tags by frequency")
show_frequencies()
with st.expander("Excluded tags"):
    everything = load_index(FOLDER).everything
    st.table({tag: everything[tag] for tag in EXCLUDED if tag in everything})
st.header("Projects")
show_tag()
show_projects()
st.header("Preprocessing")
show_preprocessing()
