from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagifai.store.naming import is_version, latest_version, version_order

# Semantic Versioning 2.0, clause 11.
SPEC = [
    "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
    "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
]  # fmt: skip


@pytest.mark.parametrize(
    "ordered",
    [
        SPEC,
        [f"v{name}" for name in SPEC],
        ["1.0.0", "2.0.0", "2.1.0", "2.1.1"],
        ["v1.0.0-preview.1", "v1.0.0-rc.2", "v1.0.0-rc.10", "v1.0.0-snapshot", "v1.0.0"],
        ["v0.9.0", "v0.10.0", "v1", "2021-03-12", "2021-03-30", "workspace"],
        ["latest", "main", "v0.1.0", "workspace"],
        ["run-2", "run-10", "v0.0.1-alpha"],
        ["1.2", "v1.3", "1.10", "V2"],
        ["v1.9.9", "v2", "v2.0.1", "v2.1", "v2.1.0.1", "v3-rc.1", "v3"],
        ["2023.12.31", "2024.1.9", "2024.10.1", "2024.10.1.1"],
        ["2024-09", "2024-10-01", "2024-10-02-rc.1", "2024-10-02"],
        ["1.0a1", "1.0b1", "1.0rc1", "1.0rc2", "1.0rc10", "1.0", "1.0.post1", "1.1.dev3", "1.1"],
        # Digits beside letters are one word to the specification, and words sort by ASCII.
        ["v1.0.0-RC1", "v1.0.0-rc1", "v1.0.0-rc10", "v1.0.0-rc2"],
        ["v1.0.0-9", "v1.0.0-10", "v1.0.0--", "v1.0.0-0a"],
        ["v1.0.0", "v1.0.0+5", "v1.0.0+20", "v1.0.1"],
        ["v1.0.0-rc.1+zzz", "v1.0.0-rc.2+aaa", "v1.0.0+a", "v1.0.1-0+b"],
    ],
)  # fmt: skip
def test_names_are_ordered_by_semantic_versioning(ordered):
    assert sorted(sorted(ordered), key=version_order) == ordered


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1.0.0", True), ("v1", True), ("V1.2", True), ("2024.10.1", True), ("2024-10-01", True),
        ("v1.0.0-rc.1+build.7", True), ("1.0.0rc1", True), ("v1.0.0.1", True),
        ("workspace", False), ("latest", False), ("v", False), ("", False), ("bert", False),
        ("run-2", False), ("v1.x", False), ("v1.0.0-", False), ("v1..2", False),
        ("release-1.0.0", False), ("1.0.0 ", False), ("v1.0.0\n", False), ("v\u0661.0.0", False),
        ("1." * 200 + "0", False),
    ],
)  # fmt: skip
def test_what_is_a_version_number(name, expected):
    assert is_version(name) is expected


@pytest.mark.parametrize(
    ("names", "latest"),
    [
        (["v0.9.0", "v0.10.0", "workspace"], "v0.10.0"),
        (["v1.0.0-preview.1", "v1.0.0", "zebra"], "v1.0.0"),
        (["v1.0.0", "v1.1.0-rc.1"], "v1.1.0-rc.1"),
        (["zebra", "workspace"], "workspace"),
        (["ant", "zebra"], "ant"),
        ([], None),
    ],
)
def test_the_latest_is_a_version_number_or_else_the_workspace_or_the_youngest(names, latest):
    created = {"ant": "2026-05-01", "zebra": "2026-04-01"}.get
    for order in permutations(names):
        assert latest_version(order, created=lambda name: created(name, "")) == latest


def test_the_latest_suits():
    names = ["bert", "v1.0.0", "v1.1.0", "workspace"]
    for suits, latest in (("v1.0.0", "v1.0.0"), ("bert", "bert"), ("gone", None)):
        assert latest_version(names, suits=lambda name, one=suits: name == one) == latest


identifiers = st.lists(
    st.from_regex(r"(0|[1-9][0-9]{0,3}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]{0,4})", fullmatch=True),
    max_size=3,
)
numbers = st.tuples(*[st.integers(0, 12)] * 3)


@st.composite
def semantic(draw):
    before, after = draw(identifiers), draw(identifiers)
    return (
        ".".join(map(str, draw(numbers)))
        + ("-" + ".".join(before) if before else "")
        + ("+" + ".".join(after) if after else "")
    )


def precedence(a, b):
    """Compare two versions as clause 11 says it, step by step: -1, 0 or 1."""
    (a, _, _), (b, _, _) = a.partition("+"), b.partition("+")
    (core_a, _, pre_a), (core_b, _, pre_b) = a.partition("-"), b.partition("-")
    for x, y in zip(map(int, core_a.split(".")), map(int, core_b.split(".")), strict=True):
        if x != y:
            return 1 if x > y else -1
    if not pre_a or not pre_b:
        return bool(pre_b) - bool(pre_a)
    for x, y in zip(pre_a.split("."), pre_b.split("."), strict=False):
        if x == y:
            continue
        if x.isdigit() and y.isdigit():
            return 1 if int(x) > int(y) else -1
        if x.isdigit() != y.isdigit():
            return -1 if x.isdigit() else 1
        return 1 if x > y else -1
    return (pre_a.count(".") > pre_b.count(".")) - (pre_a.count(".") < pre_b.count("."))


@given(semantic(), semantic())
def test_the_order_is_that_of_the_specification(a, b):
    compared = precedence(a, b)
    if compared:
        assert (version_order(a) > version_order(b)) == (compared > 0)
        assert (version_order(f"v{a}") > version_order(b)) == (compared > 0)


names = st.one_of(
    semantic(),
    st.text(max_size=12),
    st.text("v0123456789.-+rcabdevpost_", max_size=10),
    st.sampled_from(["workspace", "2024-10-01", "1.0rc1", "v1", "latest"]),
)


@given(st.lists(names, max_size=8))
def test_the_order_is_total_and_the_same_from_wherever_it_starts(some):
    ordered = sorted(some, key=version_order)
    assert ordered == sorted(sorted(some), key=version_order)
    for one, other in pairwise(ordered):
        assert (version_order(one) < version_order(other)) != (one == other)
    groups = [2 if name == "workspace" else 1 if is_version(name) else 0 for name in ordered]
    assert groups == sorted(groups)
