// The page's side of the address; `places` stands before it, `element` and `trigger` are Gradio's.
const status = element.querySelector('[role=status]');
const longest = 6000;
const values = [];
let ready = false, touched = false, restored = false;
let timer = null, telling = null;

const chosen = (tabs) => {
  const list = document.querySelector(`${tabs} [role=tablist]`);
  const button = list && list.querySelector('[role=tab][aria-selected=true]');
  return button ? button.dataset.tabId : '';
};
const inView = () => {
  const tab = chosen('#tabs') || places[0].tab;
  const part = chosen('#inspection-parts');
  const ofTab = places.filter((place) => place.tab === tab);
  return ofTab.find((place) => place.part === part) || ofTab[0] || places[0];
};
const words = (choice) => {
  const value = values[choice.index];
  if (value === null || value === undefined || (value === '' && !choice.omit)) return [];
  if (JSON.stringify(value) === JSON.stringify(choice.omit)) return [];
  if (typeof value === 'boolean') return [value ? '1' : '0'];
  return [].concat(value).map((one) => choice.codes[one] || String(one));
};
// What somebody else put into the address, a theme for one, stays in it.
const others = () => [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith('__'));

function describe() {
  const place = inView(), query = new URLSearchParams(others()), left = [];
  query.set('tab', place.tab);
  if (place.part) query.set('part', place.part);
  const short = () => query.toString().length;
  for (const choice of [...place.choices].sort((a, b) => a.typed - b.typed)) {
    const before = short(), given = words(choice);
    for (const word of given) query.append(choice.name, word);
    if (short() > longest && short() > before) { query.delete(choice.name); left.push(choice.name); }
  }
  return {place, query, left};
}

function write() {
  clearTimeout(timer);
  if (!ready) return [];
  const {place, query, left} = describe();
  const asked = '?' + query;
  if (asked !== location.search) {
    const before = new URLSearchParams(location.search);
    const typed = new Set(place.choices.filter((choice) => choice.typed).map((one) => one.name));
    const names = new Set([...before.keys(), ...query.keys()]);
    const differs = [...names].filter((name) => String(before.getAll(name)) !== String(query.getAll(name)));
    const turned = !restored && differs.some((name) => !typed.has(name));
    history[turned ? 'pushState' : 'replaceState'](null, '', asked);
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
  clearTimeout(telling);
  telling = setTimeout(() => { status.textContent = ''; }, 6000);
}

window.tagifaiAddress = {
  ready() { ready = true; },
  take(index, value) {
    values[index] = value;
    this.turn();
  },
  // What the data has for a choice is left out of the address, as any other default is.
  omit(told) {
    if (!told) return;
    const {tab, part, values: usual} = JSON.parse(told);
    const place = places.find((one) => one.tab === tab && one.part === part);
    for (const choice of place.choices) if (choice.name in usual) choice.omit = usual[choice.name];
    this.turn();
  },
  turn() {
    if (!touched) return;
    clearTimeout(timer);
    timer = setTimeout(write, 250);
  },
};
// Until somebody does something, the address stays as it was opened.
for (const kind of ['pointerdown', 'keydown']) {
  document.addEventListener(kind, () => { touched = true; restored = false; }, {capture: true});
}
window.addEventListener('popstate', () => {
  const {tab, part} = inView();
  clearTimeout(timer);
  restored = true;
  trigger('select', {key: location.search, tab, part});
});
element.querySelector('.copy-link').addEventListener('click', copy);
