import json

import pytest

from tagifai.data import Dataset, Project, Tag, load_dataset
from tagifai.data.check import (
    RULES,
    Spread,
    check_dataset,
    count_dataset,
    format_report,
    report_to_dict,
)
from tagifai.data.config import DataConfig

TAGS = {
    "nlp": Tag("nlp", ("language processing",)),
    "parsing": Tag("parsing", parents=("nlp",)),
    "python": Tag("python"),
}
SOUND = Dataset(
    (
        Project("1", "Alpha", "Trees from sentences.", ("parsing", "nlp"), {"kind": "paper"}),
        Project("2", "Beta", "Language processing in one script.", ("nlp",), {"kind": "tool"}),
        Project("3", "Gamma", "Snakes and ladders of packaging", ("python",), {"kind": "tool"}),
    ),
    TAGS,
    "",
    DataConfig(excluded=("python",)),
)
BROKEN = Dataset(
    (
        Project("1", "Alpha", "This work shows how Alpha speeds up nlp.", ("nlp", "x"), {}),
        Project("2", "Beta", "This work shows how Beta speeds up parsing.", ("parsing",), {}),
        Project("3", "Alpha!", "This work shows how Alpha speeds up nlp.", ("nlp",), {}),
        Project("4", "a b c d e f g h NLP", "", (*"abcdefgh", "NLP"), {}),
        Project("4 ", "Silent", "", (), {}),
    ),
    {
        "nlp": Tag("nlp", ("text",), ("parsing", "missing")),
        "parsing": Tag("parsing", ("Text",), ("nlp",)),
        "unused": Tag("unused"),
    },
    "",
    DataConfig(excluded=("gone",)),
)


def test_without_a_label_no_share_of_them_is_told():
    bare = Dataset((Project("1", "Alpha", "Trees.", ()),), TAGS, "")
    assert count_dataset(bare).unsaid is None
    report = check_dataset(bare)
    assert "– of the labels are not said by name in the text" in format_report(report)
    assert report_to_dict(report)["counts"]["unsaid"] is None


def test_counts():
    counts = count_dataset(SOUND, min_tag_freq=1)

    assert (counts.projects, counts.tags_in_file, counts.tags_used, counts.labels) == (3, 3, 3, 4)
    assert counts.frequent_tags == 2  # python is excluded by name
    assert counts.unsaid == 0.75
    assert counts.tags_per_project == Spread(1, 4 / 3, 2)
    assert counts.words_per_description == Spread(3, pytest.approx(13 / 3), 5)
    assert counts.kinds == (("tool", 2), ("paper", 1))
    assert counts.most_common == (("nlp", 2), ("parsing", 1), ("python", 1))
    assert counts.rare_tags == ()
    assert count_dataset(SOUND, min_tag_freq=2).rare_tags == (("parsing", 1), ("python", 1))


def test_nothing_is_counted_in_nothing():
    report = check_dataset(Dataset((), {}, ""))

    assert report.counts.tags_per_project == Spread(0, 0.0, 0)
    assert report.findings == ()


def test_a_sound_data_set_breaks_no_rule():
    report = check_dataset(SOUND)

    assert report.findings == ()
    assert report_to_dict(report)["passed"] is True
    assert format_report(report).endswith(f"{len(RULES)} of {len(RULES)} rules kept")


def test_each_broken_rule_is_found_once_and_in_order():
    found = {finding.rule: finding for finding in check_dataset(BROKEN).findings}

    assert list(found) == [
        "unknown-tag",
        "unused-tag",
        "idle-exclusion",
        "missing-parent",
        "parent-cycle",
        "ambiguous-alias",
        "tag-spelling",
        "tags-per-project",
        "empty-description",
        "same-id",
        "same-title",
        "near-duplicate",
        "shared-frame",
        "common-frame",
        "common-opening",
        "said-tags",
    ]
    assert list(found) == list(RULES)
    assert found["near-duplicate"].cases[0].ids == ("3", "1")
    assert found["shared-frame"].cases[0].ids == ("1", "2", "3")
    assert found["shared-frame"].cases[0].note == "3 projects: this work shows how … speeds up …"
    assert found["common-opening"].cases[0].note == "3 projects: this work shows how"
    assert found["idle-exclusion"].cases[0].tags == ("gone",)
    assert found["tag-spelling"].cases[0].tags == ("nlp", "NLP")
    assert found["tag-spelling"].cases[0].note == "'nlp' 2 projects, 'NLP' 1 project"
    assert found["tags-per-project"].cases[0].ids == ("4",)
    assert found["same-id"].cases[0].ids == ("4", "4 ")
    assert found["said-tags"].cases[0].note == "7.7% of the labels"


def test_a_report_is_json():
    report = report_to_dict(check_dataset(BROKEN))
    read = json.loads(json.dumps(report, allow_nan=False))

    assert read["passed"] is False
    assert read["counts"]["tags_per_project"] == {"min": 0, "mean": 2.6, "max": 9}
    assert (read["counts"]["untagged"], read["counts"]["untagged_are"]) == (1, "negative")
    assert read["counts"]["excluded"] == [["gone", 0]]
    assert [tag for tag, _ in read["counts"]["unlisted"]] == ["NLP", *"abcdefgh", "x"]
    assert read["findings"][1] == {
        "rule": "unused-tag",
        "message": "tags of the file without a project: 1",
        "count": 1,
        "cases": [{"ids": [], "tags": ["unused"], "note": ""}],
    }


def test_a_report_reads_on_a_terminal():
    lines = format_report(check_dataset(BROKEN)).splitlines()

    assert lines[0] == "5 projects, 13 labels, 0 to 9 tags a project, 2.60 on average"
    assert "excluded by data.toml: gone 0" in lines
    assert (
        "not in the tag file, so not learned: "
        "NLP 1, a 1, b 1, c 1, d 1, e 1, f 1, g 1, h 1, x 1" in lines
    )
    assert "1 project without a tag: a negative of every tag" in lines
    assert "BROKEN  same-title: no title comes twice" in lines
    assert lines[lines.index("BROKEN  same-title: no title comes twice") + 1 :][:2] == [
        "        titles that come several times: 1",
        "          Alpha; ids 1, 3",
    ]
    assert lines[-1] == "0 of 16 rules kept"


def test_untagged_projects_are_counted_as_the_data_say():
    projects = tuple(Project(str(k), f"t{k}", f"word{k}", ()) for k in range(3))
    as_negatives = format_report(check_dataset(Dataset(projects, {}, "")))
    config = DataConfig(untagged="unlabelled")
    left_out = format_report(check_dataset(Dataset(projects, {}, "", config)))

    assert "3 projects without a tag: negatives of every tag\n" in as_negatives
    assert "3 unlabelled projects are left out of training, test and every figure\n" in left_out


def test_what_is_not_shown_is_counted():
    projects = tuple(Project(str(k), f"t{k}", "", ()) for k in range(25))
    lines = format_report(check_dataset(Dataset(projects, {}, ""))).splitlines()

    assert "        projects without: 25" in lines
    assert "          and 5 more" in lines


def test_progress_rises_to_the_whole_once():
    told = []
    check_dataset(BROKEN, lambda *arguments: told.append(arguments))

    done = [step[0] for step in told]
    assert done == sorted(done)
    assert done[0] == 0
    assert done.count(100) == 1
    assert done[-1] == 100
    assert {step[1] for step in told} == {100}


def test_the_embedded_data_keep_every_rule(embedded_data):
    dataset = load_dataset(embedded_data)
    report = check_dataset(dataset)

    assert [finding.message for finding in report.findings] == []
    assert report.counts.projects >= 1500
    assert report.counts.tags_in_file >= 120
    assert report.counts.frequent_tags >= 34
    assert len(report.counts.rare_tags) >= 24


@pytest.mark.realdata
def test_the_made_with_ml_projects_do_not(real_data):
    report = check_dataset(load_dataset(real_data))

    counts = report.counts
    assert (counts.projects, counts.tags_in_file, counts.tags_used) == (2032, 400, 2527)
    assert (counts.frequent_tags, counts.labels) == (34, 15172)
    found = {finding.rule: finding.count for finding in report.findings}
    assert found["near-duplicate"] == 21
    assert found["missing-parent"] == 7
    assert "ambiguous-alias" not in found
