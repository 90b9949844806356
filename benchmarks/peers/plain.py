"""The Data tab in Streamlit as a tutorial has it: top to bottom, everything anew at each rerun."""

import json
import os
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import streamlit as st

from benchmarks.straightforward import preprocess
from tagifai.data.config import load_config
from tagifai.text.languages import stopwords_of
from tagifai.text.preprocessing import FILTERS

FOLDER = Path(os.environ["BENCH_DATA"])
EXCLUDED = load_config(FOLDER).excluded
PAGE = 50

st.set_page_config(page_title="tagifai", layout="wide")
st.title("tagifai")

projects = json.loads((FOLDER / "projects.json").read_text("utf-8"))
tags = {tag["tag"]: tag for tag in json.loads((FOLDER / "tags.json").read_text("utf-8"))}
everything = Counter(tag for project in projects for tag in project["tags"])
counts = {tag: count for tag, count in everything.items() if tag in tags and tag not in EXCLUDED}
by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))

st.header("Tags by frequency")
min_tag_freq = st.slider(
    "Minimum number of projects of a tag",
    1,
    by_count[0][1] + 1,
    int(st.query_params.get("min_tag_freq", 30)),
)
kept = [row for row in by_count if row[1] >= min_tag_freq]
missed = [row for row in by_count if row[1] < min_tag_freq]
names = {tag for tag, _ in kept}
numbers = Counter(sum(tag in names for tag in project["tags"]) for project in projects)
keeping = len(projects) - numbers[0]
st.write(
    f"**{len(kept):,}** of {len(by_count):,} tags make the cut, and **{keeping:,}** of "
    f"{len(projects):,} projects keep at least one."
)
lists = {"Most common tags": kept[:5], "Just made the cut": kept[-5:], "Just missed": missed[:5]}
for column, (title, rows) in zip(st.columns(3), lists.items(), strict=True):
    with column:
        st.write(f"**{title}**")
        st.table(pd.DataFrame(rows, columns=["tag", "projects"]).set_index("tag"))

left, right = st.columns(2)
with left, st.container(key="tag-distribution"):
    figure, axes = plt.subplots(figsize=(10, 5))
    bars = axes.bar([tag for tag, _ in kept], [count for _, count in kept])
    axes.set_title("Projects of each tag")
    axes.tick_params(axis="x", rotation=90)
    st.pyplot(figure)
    st.caption(", ".join(str(int(bar.get_height())) for bar in bars))
with right:
    with st.container(key="tags-per-project"):
        most = max(numbers, default=0)
        figure, axes = plt.subplots(figsize=(10, 5))
        shown = range(most + 1) if kept else range(0)
        bars = axes.bar(shown, [numbers[n] for n in shown])
        axes.set_title("Tags on a project")
        st.pyplot(figure)
        st.caption(", ".join(str(int(bar.get_height())) for bar in bars))
    tag = st.selectbox(
        "Tag of the word cloud",
        sorted(names),
        index=sorted(names).index(kept[0][0]) if kept else None,
    )
    # As the app does: drawn when its tag changes, and else as it was.
    if tag and st.session_state.get("cloud_of") != tag:
        words = Counter(
            word
            for project in projects
            if tag in project["tags"]
            for word in set(preprocess(f"{project['title']} {project['description']}").split())
            if len(word) > 1
        ).most_common(80)
        st.session_state.cloud_of = tag
        st.session_state.cloud = " ".join(
            f'<span style="font-size:{0.75 + 1.75 * (count / words[0][1]) ** 0.6:.2f}rem">'
            f"{word}</span>"
            for word, count in words
        )
    if tag:
        st.html(st.session_state.cloud)
with st.expander("Excluded tags"):
    st.table({tag: everything[tag] for tag in EXCLUDED if tag in everything})

st.header("Projects")
left, right = st.columns(2)
left.json(projects[0])
chosen = right.selectbox("Tag", sorted(set(everything) | set(tags)))
right.json({**tags.get(chosen, {}), "num_projects": everything[chosen]})
searched, sorting, order, paging = st.columns([3, 1, 1, 1])
asked = searched.text_input("Search").casefold().split()
sort = sorting.selectbox("Sort by", ["file order", "id", "title", "description", "tags"])
descending = order.checkbox("Descending")
found = [
    project
    for project in projects
    if all(
        word
        in " ".join(
            (str(project["id"]), project["title"], project["description"], *project["tags"])
        ).casefold()
        for word in asked
    )
]
if sort == "id":
    found.sort(key=lambda project: (isinstance(project["id"], str), project["id"]))
elif sort == "title":
    found.sort(key=lambda project: project["title"].casefold())
elif sort != "file order":
    found.sort(key=lambda project: len(project[sort]))
if descending:
    found.reverse()
pages = max(1, -(-len(found) // PAGE))
page = paging.number_input("Page", 1, pages, 1)
with st.container(key="projects-table"):
    st.dataframe(pd.DataFrame(found[(page - 1) * PAGE : page * PAGE]), hide_index=True)
    st.caption(f"{len(found):,} projects; page {page:,} of {pages:,}")

st.header("Preprocessing")
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
