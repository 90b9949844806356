// Gradio's page copies what its components hold at each event, text by text and function by
// function: the first are their own copies, and of the others there is none, which whoever asks
// is told here without the browser's long way round.
(() => {
  const clone = window.structuredClone;
  const none = new DOMException('A function cannot be cloned.', 'DataCloneError');
  window.structuredClone = (value, ...rest) => {
    if (typeof value === 'function') throw none;
    return typeof value === 'object' || typeof value === 'symbol' ? clone(value, ...rest) : value;
  };
})();
