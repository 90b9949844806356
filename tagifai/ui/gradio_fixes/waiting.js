// What is answered past the queue shows no progress of its own: where an answer takes longer than
// one notices, the page says that it waits. And Gradio's page reports a choice made with the mouse
// twice: the same question, while it is under way, is asked once.
(() => {
  const ask = window.fetch;
  const NOTICED_MS = 300;
  let waiting = 0;
  let line;

  const count = (change) => {
    waiting += change;
    line ??= document.createElement('div');
    line.id = 'waiting';
    line.setAttribute('role', 'status');
    line.textContent = waiting ? 'Waiting for an answer …' : '';
    (document.querySelector('.gradio-container') ?? document.body).appendChild(line);
  };

  const underWay = new Map();

  const askOnce = async (address, options) => {
    let late = false;
    const timer = setTimeout(() => { late = true; count(1); }, NOTICED_MS);
    try {
      return await ask(address, options);
    } finally {
      clearTimeout(timer);
      if (late) count(-1);
    }
  };

  window.fetch = async (address, options) => {
    const url = String(address?.url ?? address);
    if (!url.includes('/gradio_api/run/')) return ask(address, options);
    if (typeof options?.body !== 'string') return askOnce(address, options);
    const question = `${url} ${options.body}`;
    if (!underWay.has(question)) {
      underWay.set(question, askOnce(address, options).finally(() => underWay.delete(question)));
    }
    return (await underWay.get(question)).clone();
  };
})();
