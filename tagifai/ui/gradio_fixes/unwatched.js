// Gradio's page asks each of its components which of all events it sets off, through proxies that
// watch for changes. The events never change, and what is neither a plain object nor a plain list
// is not watched: that takes a sixth off the page's first work.
(() => {
  class List extends Array {}
  class Event {}
  const unwatched = (list) => Object.setPrototypeOf(list, List.prototype);
  let config;
  Object.defineProperty(window, 'gradio_config', {
    configurable: true,
    get: () => config,
    set: (given) => {
      config = given;
      for (const event of given?.dependencies ?? []) {
        unwatched(event.targets).forEach(unwatched);
        Object.setPrototypeOf(event, Event.prototype);
      }
      if (given?.dependencies) unwatched(given.dependencies);
    },
  });
})();
