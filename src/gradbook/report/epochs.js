"use strict";
// One line through all charts of a figure: what each curve is at the epoch it stands on.

document.querySelectorAll(".epochs").forEach((figure) => {
  const charts = JSON.parse(figure.querySelector("script").textContent);
  const panels = [...figure.querySelectorAll(".panel")];
  const longest = charts.reduce((a, b) => (b.epochs.length > a.epochs.length ? b : a));
  const marks = panels.map((panel, k) => marked(panel.querySelector(".gb-chart"), charts[k]));
  const readings = [...figure.querySelectorAll(".at, .readings b")];
  const ends = readings.map((reading) => reading.textContent);
  let at = longest.epochs.length - 1;

  function marked(picture, chart) {
    const hair = made(picture, "line", { class: "hair", y1: chart.top, y2: chart.bottom });
    const spots = chart.curves.map((curve) =>
      made(picture, "circle", { class: "spot", r: 4, fill: curve.colour }));
    return { hair, spots };
  }

  function made(picture, kind, attributes) {
    const part = document.createElementNS("http://www.w3.org/2000/svg", kind);
    Object.entries(attributes).forEach(([name, value]) => part.setAttribute(name, value));
    return picture.appendChild(part);
  }

  function show(step) {
    at = Math.min(Math.max(step, 0), longest.epochs.length - 1);
    charts.forEach((chart, k) => {
      const { hair, spots } = marks[k];
      hair.setAttribute("x1", chart.x[at]);
      hair.setAttribute("x2", chart.x[at]);
      hair.style.display = "";
      panels[k].querySelector(".at").textContent = `epoch ${chart.epochs[at]}`;
      panels[k].querySelectorAll(".readings b").forEach((reading, which) => {
        const { y, words } = chart.curves[which];
        reading.textContent = words[at];
        spots[which].style.display = y[at] !== null ? "" : "none";
        spots[which].setAttribute("cx", chart.x[at]);
        spots[which].setAttribute("cy", y[at] ?? 0);
      });
    });
  }

  function leave() {
    marks.forEach(({ hair, spots }) => [hair, ...spots].forEach((part) => {
      part.style.display = "none";
    }));
    readings.forEach((reading, k) => {
      reading.textContent = ends[k];
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
    const walks = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: longest.epochs.length - 1 };
    if (!(event.key in walks)) return;
    show(walks[event.key]);
    event.preventDefault();
  });
  leave();
});
