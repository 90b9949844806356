"""What axe-core finds of a page's tab in view, light and dark."""

from axe_playwright_python.base import AXE_SCRIPT

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
    resultTypes: ['violations'], preload: false, runOnly: dark ? rules : standard,
  });
  if (dark) shown.forEach(panel => aside.set(panel, [...panel.childNodes]));
  return found.violations.map(one => [one.impact, one.id, one.nodes.map(node => node.html)]);
}"""


def load_axe(page):
    # axe keeps the page busy for seconds, and whatever is clicked meanwhile waits.
    page.set_default_timeout(120_000)
    page.evaluate(AXE_SCRIPT)


def serious(page, last=False):
    """List what axe finds that keeps somebody from using the page, with the first places.

    Ask with `last` at the last tab, or hidden ones stay empty.
    """
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
