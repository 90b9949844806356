"""Memory: of all with the largest data, and of twenty sessions beside the first."""

from benchmarks.apps import OURS
from benchmarks.browser import new_context
from benchmarks.paired import Summary
from benchmarks.results import Findings
from benchmarks.rows.first_page import open_page
from benchmarks.sites import Sites

WORK = "memory"
SESSIONS = 20
# Each keeps a connection, of which Chromium opens six to a server.
PAGES_A_BROWSER = 4
ALL_LIMIT, ADDED_LIMIT = 1024.0, 100.0


def measure(sites: Sites) -> Findings:
    """Open twenty more sessions and keep them; last of the rows that use the sites."""
    bench, found = sites.bench, Findings()
    site = sites[OURS, bench.times[-1]]
    before = site.server.megabytes()
    sessions = 2 if bench.quick else SESSIONS
    # A session a page, whatever its browser keeps: with the scripts kept it opens sooner.
    contexts = []
    for number in range(sessions):
        if number % PAGES_A_BROWSER == 0:
            contexts.append(new_context(bench.browser))
        open_page(sites, site, contexts[-1])
    after = site.server.megabytes()
    for context in contexts:
        context.close()
    # Fewer sessions, in haste, may add as much less.
    added = f"added by {sessions} sessions", after - before, ADDED_LIMIT * sessions / SESSIONS
    for what, value, limit in (("of all", after, ALL_LIMIT), added):
        found.add(f"{WORK} {what}", bench.size(site.times), OURS, Summary(1, value, value), "MB")
        found.claim(f"{WORK} {what}", bench.size(site.times), "MB", value, limit, "MB")
    return found
