// What is answered past the queue shows no progress of its own: where an answer takes longer than
// one notices, the page says that it waits.
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

  window.fetch = async (address, options) => {
    if (!String(address?.url ?? address).includes('/gradio_api/run/')) return ask(address, options);
    let late = false;
    const timer = setTimeout(() => { late = true; count(1); }, NOTICED_MS);
    try {
      return await ask(address, options);
    } finally {
      clearTimeout(timer);
      if (late) count(-1);
    }
  };
})();
