// Reads parts of the page at each frame, and notes when each first shows what it must.
(() => {
  const same = ([read, wanted]) => {
    try { return JSON.stringify(read()) === wanted; } catch { return false; }
  };
  const shown = ([read, wanted]) => {
    let now;
    try { now = JSON.stringify(read()); } catch (error) { now = String(error); }
    return `shown ${now}\nmust  ${wanted}`;
  };
  const watch = (parts, start, limit, resolve) => {
    const times = {};
    const left = new Set(Object.keys(parts));
    const look = () => {
      // The frame that is drawn next shows what stands in the page now.
      const now = performance.now();
      for (const name of left) {
        if (same(parts[name])) { times[name] = now - start; left.delete(name); }
      }
      if (!left.size) resolve({times});
      else if (now - start > limit) {
        resolve({missing: [...left].map((name) => `${name}: ${shown(parts[name])}`).join('\n')});
      } else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  };
  window.bench = {
    done: null,
    arm({event, limit, parts}) {
      const early = Object.keys(parts).filter((name) => event && same(parts[name]));
      this.done = early.length ? Promise.resolve({early}) : new Promise((resolve) => {
        if (!event) { watch(parts, performance.now(), limit, resolve); return; }
        const heard = ({timeStamp}) => watch(parts, timeStamp, limit, resolve);
        document.addEventListener(event, heard, {capture: true, once: true});
      });
    },
    // From the start of the navigation, when the page is opened for that.
    open({limit, parts}) {
      this.done = new Promise((resolve) => watch(parts, 0, limit, resolve));
    },
  };
})();
