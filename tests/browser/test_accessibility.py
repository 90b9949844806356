"""What axe-core finds on each tab, light and dark: nothing serious."""

import json

from axe_playwright_python.base import AXE_SCRIPT
from pages import TABS, open_tab

PARTS = {"Suspected label errors": "#issue-pair .pair", "Slices": "#tab-slices"}
# What is being filled is faint for that moment.
CALM = """() => {
  const busy = [...document.querySelectorAll('.pending, .generating')]
    .some(one => one.checkVisibility());
  window.calmSince = busy ? undefined : window.calmSince ?? performance.now();
  return performance.now() - window.calmSince > 500;
}"""
# A long table's rows are alike; in the dark only colours differ. Hidden tabs that were judged
# are set aside meanwhile, which axe would read again, and put back for the last one.
RUN = """async ([dark, last]) => {
  const rules = {type: 'rule', values: ['color-contrast']};
  const standard = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
  const panels = [...document.querySelectorAll('[role=tabpanel]')];
  const shown = panels.filter(panel => panel.checkVisibility());
  const aside = window.aside ??= new Map();
  for (const [panel, parts] of aside) {
    if (last || shown.includes(panel)) panel.replaceChildren(...parts);
    else panel.replaceChildren();
  }
  const found = await axe.run({
    include: dark ? shown : document, exclude: [['tbody tr:nth-child(n + 4)']],
  }, {
    resultTypes: ['violations'], runOnly: dark ? rules : standard,
  });
  if (dark) shown.forEach(panel => aside.set(panel, [...panel.childNodes]));
  return found.violations.map(one => [one.impact, one.id, one.nodes.map(node => node.html)]);
}"""


def serious(page, last=False):
    """List what axe finds that keeps somebody from using the page, with the first places."""
    found = {}
    for theme in ("light", "dark"):
        how = [theme == "dark", last and theme == "light"]
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
        page.evaluate("delete window.calmSince")
        page.wait_for_function(CALM, polling=100)
        found[theme] = [
            (rule, [place[:200] for place in places[:4]])
            for impact, rule, places in page.evaluate(RUN, how)
            if impact in ("serious", "critical")
        ]
    return {theme: rules for theme, rules in found.items() if rules}


def test_nothing_serious_keeps_anybody_from_using_a_tab(page):
    found = {}
    # axe keeps the page busy for seconds, and whatever is clicked meanwhile waits.
    page.set_default_timeout(120_000)
    page.evaluate(AXE_SCRIPT)
    for name in TABS:
        open_tab(page, name)
        found[name] = serious(page)
    for name, filled in PARTS.items():
        page.get_by_role("tab", name=name, exact=True).click()
        page.locator(filled).first.wait_for()
        found[name] = serious(page, last=name == "Slices")
    assert found == {name: {} for name in (*TABS, *PARTS)}, json.dumps(found, indent=1)
