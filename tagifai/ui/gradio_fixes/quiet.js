// Gradio's page counts the tenths of a second that its loading takes at each frame, and goes on for
// as long as it is open, which keeps the browser busy while nothing happens. It may count tenths.
(() => {
  const ask = window.requestAnimationFrame;
  const counts = (draw) => /^[^;]{0,80}performance\.now\(\)[^;]{0,40}\/1e3/.test(String(draw));
  window.requestAnimationFrame = (draw) => (
    counts(draw) ? setTimeout(() => draw(performance.now()), 100) : ask.call(window, draw)
  );
})();
