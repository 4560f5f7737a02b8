"use strict";
// A line through all charts of a figure shows each curve's value at an epoch; the nearest curve is
// highlighted, and a click on its name hides it. Arrow keys move through the epochs and the curves.

document.querySelectorAll("figure.charts").forEach((figure) => {
  const { epochs, at: said, x, charts } = JSON.parse(figure.querySelector("script").textContent);
  const all = (part) => [...figure.querySelectorAll(part)];
  const panels = all(".panel").map((panel, which) => {
    const spots = [...panel.querySelectorAll(".spot")];
    const values = [...panel.querySelectorAll(".readings b")];
    return {
      plot: panel.querySelector(".plot"),
      picture: panel.querySelector(".gb-chart"),
      curves: [...panel.querySelectorAll(".readings button")].map((button, k) => ({
        ...charts[which][k],
        button,
        k,
        which,
        name: button.querySelector("span").textContent,
        spot: spots[k],
        value: values[k],
        rest: [
          spots[k].getAttribute("cx"),
          spots[k].classList.contains("gone") ? null : spots[k].getAttribute("cy"),
          values[k].textContent,
        ],
      })),
    };
  });
  const curves = panels.flatMap((panel) => panel.curves);
  const ats = all(".at").map((part) => ({ part, words: part.textContent }));
  const hairs = all(".hair");
  const hidden = new Set(); // names
  const last = epochs.length - 1;
  const tip = document.createElement("div");
  let at = last;
  let chosen = curves[0];
  tip.className = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  panels[0].plot.append(tip);

  function put(curve, cx, cy, words) {
    curve.spot.setAttribute("cx", cx);
    curve.spot.setAttribute("cy", cy ?? 0);
    curve.spot.classList.toggle("gone", cy === null);
    curve.value.textContent = words;
  }

  function show(step, curve) {
    at = Math.min(Math.max(step, 0), last);
    chosen = curve;
    ats.forEach(({ part }) => (part.textContent = said.replace("{epoch}", epochs[at])));
    hairs.forEach((hair, which) => {
      hair.setAttribute("x1", x[which][at]);
      hair.setAttribute("x2", x[which][at]);
      hair.classList.add("shown");
    });
    curves.forEach((each) => put(each, x[each.which][at], each.y[at], each.words[at]));
    light(curve.name);
    tell();
  }

  // The name, the epoch and the value beside the chosen curve's dot.
  function tell() {
    const { plot, picture } = panels[chosen.which];
    tip.hidden = chosen.y[at] === null || hidden.has(chosen.name);
    if (tip.hidden) return;
    plot.append(tip);
    const value = `${chosen.measure} ${chosen.words[at]}`;
    tip.replaceChildren(chosen.title, small(`epoch ${epochs[at]}`), small(value));
    const scale = picture.getBoundingClientRect().width / picture.viewBox.baseVal.width;
    const [left, top] = [x[chosen.which][at] * scale, chosen.y[at] * scale];
    const beyond = left + tip.offsetWidth + 16 > plot.clientWidth;
    tip.style.left = `${beyond ? left - tip.offsetWidth - 14 : left + 14}px`;
    tip.style.top = `${Math.max(0, top - tip.offsetHeight - 8)}px`;
  }

  function small(words) {
    const line = document.createElement("small");
    line.textContent = words;
    return line;
  }

  function parts(name) {
    return curves
      .filter((curve) => curve.name === name)
      .flatMap(({ k, which }) => [...panels[which].picture.querySelectorAll(`.c${k}`)]);
  }

  function light(name) {
    all(".lit").forEach((part) => part.classList.remove("lit"));
    parts(name).forEach((part) => part.classList.add("lit"));
    panels.forEach((panel) => {
      const has = panel.curves.length > 1 && panel.curves.some((curve) => curve.name === name);
      panel.picture.classList.toggle("pointing", has);
    });
  }

  function leave() {
    tip.hidden = true;
    light(null);
    hairs.forEach((hair) => hair.classList.remove("shown"));
    ats.forEach(({ part, words }) => (part.textContent = words));
    curves.forEach((curve) => put(curve, ...curve.rest));
  }

  function nearest(candidates, step, y) {
    const far = (curve) => (curve.y[step] === null ? Infinity : Math.abs(curve.y[step] - y));
    return candidates.reduce((best, curve) => (far(curve) < far(best) ? curve : best));
  }

  panels.forEach(({ picture, curves: own }, which) => {
    const point = (event) => {
      const box = picture.getBoundingClientRect();
      const scale = picture.viewBox.baseVal.width / box.width;
      const across = x[which].map((place) => Math.abs(place - (event.clientX - box.left) * scale));
      const step = across.indexOf(Math.min(...across));
      const seen = own.filter((curve) => !hidden.has(curve.name));
      if (seen.length) show(step, nearest(seen, step, (event.clientY - box.top) * scale));
      else leave();
    };
    picture.addEventListener("pointermove", point);
    picture.addEventListener("pointerdown", point);
    picture.addEventListener("pointerleave", leave);
  });

  curves.forEach(({ button, name }) => {
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      parts(name).forEach((part) => part.classList.toggle("off", hidden.has(name)));
      curves
        .filter((curve) => curve.name === name)
        .forEach((curve) => curve.button.setAttribute("aria-pressed", String(!hidden.has(name))));
      leave();
    });
    button.addEventListener("pointerenter", () => hidden.has(name) || light(name));
    button.addEventListener("pointerleave", leave);
  });

  figure.addEventListener("focus", () => show(at, chosen));
  figure.addEventListener("blur", leave);
  figure.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
    const turns = { ArrowUp: -1, ArrowDown: 1 };
    if (event.key in steps) {
      show(steps[event.key], chosen);
    } else if (event.key in turns) {
      const seen = curves.filter((curve) => curve === chosen || !hidden.has(curve.name));
      const place = seen.indexOf(chosen) + turns[event.key] + seen.length;
      show(at, seen[place % seen.length]);
    } else if (event.key === "Escape") {
      leave();
    } else {
      return;
    }
    event.preventDefault();
  });
});
