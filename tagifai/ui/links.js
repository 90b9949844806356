// The page's side of the address; `routes` and `reports` stand before it, `element` and `trigger` are Gradio's.
const status = element.querySelector('[role=status]');
const longest = 6000;
const values = [];
let ready = false, touched = false, restored = false;
let timer = null, copied = null, followed = 0;
let reporting = null, reported = null;
// The elements that somebody wrote in since the tab in view was opened.
const written = new Set();

const chosen = (tabs) => {
  const list = document.querySelector(`${tabs} [role=tablist]`);
  const button = list && list.querySelector('[role=tab][aria-selected=true]');
  return button ? button.dataset.tabId : '';
};
const inView = () => {
  const tab = chosen('#tabs') || routes[0].tab;
  const part = chosen('#inspection-parts');
  const ofTab = routes.filter((route) => route.tab === tab);
  return ofTab.find((route) => route.part === part) || ofTab[0] || routes[0];
};
const words = (choice) => {
  const value = values[choice.index];
  if (value === undefined || JSON.stringify(value) === JSON.stringify(choice.omit)) return [];
  return spelled(choice, value);
};
const spelled = (choice, value) => {
  if (value === null || value === undefined || (value === '' && !choice.omit)) return [];
  if (typeof value === 'boolean') return [value ? '1' : '0'];
  return [].concat(value).map((one) => choice.codes[one] || String(one));
};
// What somebody else put into the address, a theme for one, stays in it.
const others = () => [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith('__'));

// The choices of a route whose defaults come from the data, each with its default.
function withDefaults(defaults) {
  if (!defaults) return [];
  const {tab, part, values: found} = JSON.parse(defaults);
  const route = routes.find((one) => one.tab === tab && one.part === part);
  return route.choices.filter(({name}) => name in found).map((choice) => [choice, found[choice.name]]);
}

function describe() {
  const route = inView(), query = new URLSearchParams(others()), left = [];
  query.set('tab', route.tab);
  if (route.part) query.set('part', route.part);
  const short = () => query.toString().length;
  for (const choice of [...route.choices].sort((a, b) => a.typed - b.typed)) {
    const before = short(), given = words(choice);
    for (const word of given) query.append(choice.name, word);
    if (short() > longest && short() > before) { query.delete(choice.name); left.push(choice.name); }
  }
  return {route, query, left};
}

function write() {
  clearTimeout(timer);
  if (!ready) return [];
  const {route, query, left} = describe();
  const address = '?' + query;
  if (address !== location.search) {
    const before = new URLSearchParams(location.search);
    const typed = new Set(route.choices.filter((choice) => choice.typed).map((one) => one.name));
    const names = new Set([...before.keys(), ...query.keys()]);
    const differs = [...names].filter((name) => String(before.getAll(name)) !== String(query.getAll(name)));
    const turned = !restored && differs.some((name) => !typed.has(name));
    history[turned ? 'pushState' : 'replaceState'](null, '', address);
  }
  restored = false;
  return left;
}

async function copy() {
  // What was typed just now reaches the page's other side a moment later.
  await new Promise((done) => setTimeout(done, 150));
  const left = write();
  const missing = left.length ? ` without ${left.join(', ')}: too long for a link` : '';
  try {
    await navigator.clipboard.writeText(location.href);
    status.textContent = `Link copied${missing}`;
  } catch {
    status.textContent = `The browser lets nothing be copied here: take the link from its address bar${missing}`;
  }
  clearTimeout(copied);
  copied = setTimeout(() => { status.textContent = ''; }, 6000);
}

// What is selected, defaults included, for the program that shows the page.
function report() {
  const route = inView(), query = new URLSearchParams({tab: route.tab, part: route.part});
  for (const choice of route.choices) {
    const value = values[choice.index] === undefined ? choice.omit : values[choice.index];
    for (const word of spelled(choice, value)) query.append(choice.name, word);
  }
  const selected = query.toString();
  if (selected !== reported) trigger('input', {key: selected});
  reported = selected;
}

window.tagifaiAddress = {
  ready() {
    ready = true;
    this.turn();
  },
  take(index, value) {
    values[index] = value;
    this.turn();
  },
  // A default that comes from the data is left out of the address, as any other default is.
  learn(defaults) {
    for (const [choice, value] of withDefaults(defaults)) choice.omit = value;
    this.turn();
  },
  // A box that is empty gets its default, unless somebody emptied it while the tab was in view.
  fillEmpty(defaults, name, text) {
    const found = withDefaults(defaults).find(([choice]) => choice.name === name);
    return text || !found || written.has(found[0].element) ? text || '' : found[1];
  },
  show() {
    written.clear();
    this.turn();
  },
  turn() {
    if (reports) {
      clearTimeout(reporting);
      reporting = setTimeout(report, 100);
    }
    if (!touched) return;
    clearTimeout(timer);
    timer = setTimeout(write, 250);
  },
};
// Until somebody does something, the address stays as it was opened.
for (const kind of ['pointerdown', 'keydown']) {
  document.addEventListener(kind, () => { touched = true; restored = false; }, {capture: true});
}
document.addEventListener('input', (event) => {
  for (let one = event.target; one; one = one.parentElement) if (one.id) written.add(one.id);
}, {capture: true});
window.addEventListener('popstate', () => {
  const {tab, part} = inView();
  clearTimeout(timer);
  restored = true;
  followed += 1;
  trigger('select', {key: followed + location.search, tab, part});
});
element.querySelector('.copy-link').addEventListener('click', copy);
