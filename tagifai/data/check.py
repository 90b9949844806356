"""Check a data set: count what it holds, and find the rules that it breaks."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from tagifai.data import Dataset, Project, candidate_tags, count_tags, rules
from tagifai.data.frames import (
    SharedFrame,
    common_frames,
    common_openings,
    sentences_read,
    shared_frames,
    split_sentences,
)
from tagifai.data.left_out import describe_unlabelled, find_left_out, name_counts
from tagifai.data.rules import Case, Finding, finding
from tagifai.data.validation import Record
from tagifai.errors import counted, shorten
from tagifai.text.segmentation import space_text

MIN_TAG_FREQ = 30
LISTED = 10

RULES = {
    "unknown-tag": "each tag of a project stands in the tag file",
    "unused-tag": "each tag of the tag file has a project",
    "idle-exclusion": "each tag that data.toml excludes has a project",
    "missing-parent": "each parent is a tag of the file",
    "parent-cycle": "no tag is above itself",
    "ambiguous-alias": "no name or alias stands for two tags",
    "tag-spelling": "no tags differ by case, spaces, hyphens, underscores or Unicode form alone",
    "tags-per-project": f"at most {rules.MOST_TAGS} tags a project",
    "empty-description": "each project has a description",
    "same-id": "no ids differ by Unicode form or blanks alone",
    "same-title": "no title comes twice",
    "near-duplicate": f"no two texts are alike (cosine of word TF-IDF below {rules.SIMILAR})",
    "shared-frame": "no two descriptions share a sentence with names swapped",
    "common-frame": "no pattern of function words is made out of all proportion",
    "common-opening": "no four first words are shared by more than 1 % of the projects",
    "said-tags": "at least a third of the labels are not said by name in the text",
}

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Spread:
    """The least, the mean and the most of some numbers; all 0 where there is none."""

    min: int
    mean: float
    max: int


@dataclass(frozen=True)
class Counts:
    """What a data set holds.

    A label is one (project, tag) pair. `frequent_tags` are those a classifier may learn
    (in the tag file, not excluded by name) with `min_tag_freq` projects or more;
    `rare_tags` holds (tag, projects) of every tag in use that has fewer. `excluded` and
    `unlisted` hold (tag, projects) of those that are never learned: see `LeftOut`. `untagged`
    counts the projects without any tag, which are `untagged_are`, "negative" or "unlabelled".
    `unsaid` is the share of labels whose text has neither the tag nor an alias of it, 0 to 1;
    None without a label.
    """

    projects: int
    untagged: int
    untagged_are: str
    tags_in_file: int
    tags_used: int
    min_tag_freq: int
    frequent_tags: int
    labels: int
    unsaid: float | None
    tags_per_project: Spread
    words_per_description: Spread
    kinds: tuple[tuple[str, int], ...]
    most_common: tuple[tuple[str, int], ...]
    rare_tags: tuple[tuple[str, int], ...]
    excluded: tuple[tuple[str, int], ...]
    unlisted: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Cut:
    """Of so many projects, whose descriptions are long, the first `sentences` were read."""

    projects: int
    sentences: int


@dataclass(frozen=True)
class Report:
    """Counts of a data set and the rules of `RULES` that it breaks, in their order.

    `cut` says what was not read for shared sentences and common patterns, if something was not.
    """

    counts: Counts
    findings: tuple[Finding, ...]
    cut: Cut | None = None


def check_dataset(dataset: Dataset, progress: Progress | None = None) -> Report:
    """Count what a data set holds, and check every rule of `RULES` on it.

    Parameters
    ----------
    dataset : Dataset
        The data.
    progress : callable, optional
        Called with the percents done, 100, and what is being done.
    """
    projects = dataset.projects

    def advance_from(start: int, end: int, what: str) -> Callable[[float], None]:
        def advance(share: float) -> None:
            if progress is not None:
                progress(start + int((end - start) * share), 100, what)

        return advance

    near = advance_from(0, 30, "near-duplicates")
    frames = advance_from(30, 90, "shared sentences")
    rest = advance_from(90, 100, "common patterns")
    near(0)
    counts = count_dataset(dataset)
    said = []
    if counts.unsaid is not None and counts.unsaid < rules.UNSAID:
        said.append(Case(note=f"{counts.unsaid:.1%} of the labels"))
    tags, language = dataset.tags, dataset.config.language
    cases = [
        ("unknown-tag", "tags of projects that the tag file lacks", rules.unknown_tags(dataset)),
        ("unused-tag", "tags of the file without a project", rules.unused_tags(dataset)),
        ("idle-exclusion", "excluded tags that no project carries", rules.idle_exclusions(dataset)),
        ("missing-parent", "parents that are no tags", rules.missing_parents(tags)),
        ("parent-cycle", "sets of tags above themselves", rules.parent_cycles(tags)),
        ("ambiguous-alias", "names that stand for several tags", rules.ambiguous_aliases(tags)),
        ("tag-spelling", "tags written in several ways", rules.tag_spellings(dataset)),
        ("tags-per-project", "projects with more", rules.tag_numbers(projects)),
        ("empty-description", "projects without", rules.empty_descriptions(projects)),
        ("same-id", "ids that look the same", rules.same_ids(projects)),
        ("same-title", "titles that come several times", rules.same_titles(projects)),
        ("near-duplicate", "projects like an earlier one", rules.near_duplicates(projects, near)),
    ]
    near(1)
    shared = shared_frames(projects, tags, frames, language)
    frames(1)
    cases += [
        ("shared-frame", "sentences of several projects", _frame_cases(projects, shared)),
        (
            "common-frame",
            "such patterns",
            _frame_cases(projects, common_frames(projects, tags, language)),
        ),
        ("common-opening", "such openings", _frame_cases(projects, common_openings(projects))),
        ("said-tags", "shares below a third", said),
    ]
    rest(1)
    findings = tuple(found for case in cases for found in finding(*case))
    return Report(counts, findings, _find_cut(projects))


def _find_cut(projects: Sequence[Project]) -> Cut | None:
    most = sentences_read(len(projects))
    num_cut = sum(len(split_sentences(p.description, most + 1)) > most for p in projects)
    return Cut(num_cut, most) if num_cut else None


def _frame_cases(projects: Sequence[Project], found: Iterable[SharedFrame]) -> list[Case]:
    return [
        Case(
            tuple(projects[k].id for k in shared.projects),
            note=f"{len(shared.projects):,} projects: {shorten(shared.frame, 120)}",
        )
        for shared in found
    ]


def _count_words(project: Project) -> int:
    return len(space_text(project.description).split())


def count_dataset(dataset: Dataset, min_tag_freq: int = MIN_TAG_FREQ) -> Counts:
    """Count projects, tags, labels and words of a data set."""
    projects = dataset.projects
    used = count_tags(projects)
    frequent = {tag for tag, n in candidate_tags(dataset).items() if n >= min_tag_freq}
    labels = sum(used.values())
    left_out = find_left_out(dataset)
    kinds = Counter(str(project.extra["kind"]) for project in projects if "kind" in project.extra)
    return Counts(
        projects=len(projects),
        untagged=sum(not project.tags for project in projects),
        untagged_are=dataset.config.untagged,
        tags_in_file=len(dataset.tags),
        tags_used=len(used),
        min_tag_freq=min_tag_freq,
        frequent_tags=len(frequent),
        labels=labels,
        unsaid=rules.count_unsaid(dataset) / labels if labels else None,
        tags_per_project=_spread([len(project.tags) for project in projects]),
        words_per_description=_spread([_count_words(project) for project in projects]),
        kinds=tuple(kinds.most_common()),
        most_common=tuple(used.items())[:LISTED],
        rare_tags=tuple((tag, n) for tag, n in used.items() if n < min_tag_freq),
        excluded=tuple(left_out.excluded.items()),
        unlisted=tuple(left_out.unlisted.items()),
    )


def report_to_dict(report: Report) -> Record:
    """Return the report as JSON can hold it, with the text of each rule."""
    found = {**asdict(report), "rules": dict(RULES), "passed": not report.findings}
    if report.cut is None:
        del found["cut"]
    return found


def format_report(report: Report) -> str:
    """Format the report for a terminal: the counts, then each rule, kept or broken."""
    c = report.counts
    tags, words = c.tags_per_project, c.words_per_description
    lines = [
        f"{c.projects:,} projects, {c.labels:,} labels, {tags.min} to {tags.max} tags a project, "
        f"{tags.mean:.2f} on average",
        f"{c.tags_in_file:,} tags in the file, {c.tags_used:,} used; {c.frequent_tags:,} to learn "
        f"({c.min_tag_freq} projects or more), {len(c.rare_tags):,} rarer",
        f"{words.min} to {words.max} words a description, {words.mean:.1f} on average",
        f"{'–' if c.unsaid is None else f'{c.unsaid:.1%}'} of the labels are not said by name in "
        f"the text",
        f"most common: {_listed(c.most_common)}",
        f"rarer, at most: {_listed(c.rare_tags[:LISTED])}",
    ]
    if c.excluded:
        lines.append(f"excluded by data.toml: {name_counts(dict(c.excluded))}")
    if c.unlisted:
        lines.append(f"not in the tag file, so not learned: {name_counts(dict(c.unlisted))}")
    if c.untagged:
        lines.append(_untagged(c))
    if c.kinds:
        lines.append(f"kinds: {_listed(c.kinds)}")
    broken = {found.rule: found for found in report.findings}
    lines.append("")
    for rule, demand in RULES.items():
        lines.append(f"{'BROKEN' if rule in broken else 'ok':8}{rule}: {demand}")
        if rule in broken:
            lines += _explained(broken[rule])
    if report.cut:
        lines += ["", _describe_cut(report.cut)]
    kept = len(RULES) - len(broken)
    lines += ["", f"{kept} of {len(RULES)} rules kept"]
    return "\n".join(lines)


def _describe_cut(cut: Cut) -> str:
    whose = counted(cut.projects, "description")
    return f"shared-frame and common-frame read the first {cut.sentences:,} sentences of {whose}"


def _untagged(counts: Counts) -> str:
    if counts.untagged_are == "unlabelled":
        return f"{describe_unlabelled(counts.untagged)} of training, test and every figure"
    what = "negatives" if counts.untagged > 1 else "a negative"
    return f"{counted(counts.untagged, 'project')} without a tag: {what} of every tag"


def _explained(found: Finding) -> list[str]:
    lines = [f"{'':8}{found.message}"]
    for case in found.cases:
        parts = [case.note, ", ".join(case.tags), "ids " * bool(case.ids) + ", ".join(case.ids)]
        shown = (shorten(" ".join(part.split()), 160) for part in parts if part)
        lines.append(f"{'':10}{'; '.join(shown)}")
    if found.count > len(found.cases):
        lines.append(f"{'':10}and {found.count - len(found.cases):,} more")
    return lines


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts) or "none"


def _spread(numbers: Sequence[int]) -> Spread:
    if not numbers:
        return Spread(0, 0.0, 0)
    return Spread(min(numbers), sum(numbers) / len(numbers), max(numbers))
