"use strict";
// One line through all charts of a figure: what each curve is at the epoch it stands on.

document.querySelectorAll(".epochs").forEach((figure) => {
  const charts = JSON.parse(figure.querySelector("script").textContent);
  const panels = [...figure.querySelectorAll(".panel")];
  const last = charts[0].epochs.length - 1;
  const changed = [...figure.querySelectorAll(".at, .readings b, .hair, .spot")];
  const ends = changed.map((part) => ({ words: part.textContent, place: attributes(part) }));
  let at = last;

  function attributes(part) {
    return [...part.attributes].map(({ name, value }) => [name, value]);
  }

  function set(part, values) {
    Object.entries(values).forEach(([name, value]) => part.setAttribute(name, value));
  }

  function show(step) {
    at = Math.min(Math.max(step, 0), last);
    panels.forEach((panel, k) => {
      const { epochs, x, curves } = charts[k];
      const readings = panel.querySelectorAll(".readings b");
      const spots = panel.querySelectorAll(".spot");
      panel.querySelector(".at").textContent = `epoch ${epochs[at]}`;
      set(panel.querySelector(".hair"), { x1: x[at], x2: x[at], class: "hair shown" });
      curves.forEach(({ y, words }, which) => {
        readings[which].textContent = words[at];
        const seen = y[at] !== null;
        set(spots[which], { cx: x[at], cy: seen ? y[at] : 0, class: seen ? "spot" : "spot gone" });
      });
    });
  }

  function leave() {
    changed.forEach((part, k) => {
      part.textContent = ends[k].words;
      set(part, Object.fromEntries(ends[k].place));
    });
  }

  panels.forEach((panel, k) => {
    const picture = panel.querySelector(".gb-chart");
    const point = (event) => {
      const box = picture.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * picture.viewBox.baseVal.width;
      const far = charts[k].x.map((other) => Math.abs(other - x));
      show(far.indexOf(Math.min(...far)));
    };
    picture.addEventListener("pointermove", point);
    picture.addEventListener("pointerdown", point);
    picture.addEventListener("pointerleave", leave);
  });
  figure.addEventListener("focus", () => show(at));
  figure.addEventListener("blur", leave);
  figure.addEventListener("keydown", (event) => {
    const walks = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
    if (!(event.key in walks)) return;
    show(walks[event.key]);
    event.preventDefault();
  });
});
