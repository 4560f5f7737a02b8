"use strict";
// Each figure's curves can be pointed at, walked along with the arrow keys, and put away.

const charts = JSON.parse(document.getElementById("curves").textContent);

document.querySelectorAll(".chart").forEach((figure, which) => {
  const chart = charts[which];
  const plot = figure.querySelector(".plot");
  const picture = figure.querySelector(".gb-chart");
  const tip = plot.appendChild(document.createElement("div"));
  const dot = plot.appendChild(document.createElement("div"));
  const hidden = new Set();
  let at = { curve: 0, epoch: 1 };
  tip.className = "tip";
  tip.setAttribute("role", "status");
  dot.className = "dot";
  leave();

  // Where a point of a curve is, in the picture's own units; nothing where it isn't shown.
  function place(curve, step) {
    const { low, high, left, top, width, height } = chart.frame;
    const loss = curve.losses[step];
    if (loss === null || loss === undefined) return null;
    const share = loss > 0 ? (Math.log10(loss) - low) / (high - low) : -1;
    return {
      x: left + ((curve.epochs[step] - 1) / Math.max(chart.epochs - 1, 1)) * width,
      y: top + (1 - Math.min(Math.max(share, 0), 1)) * height,
    };
  }

  // The step of a curve nearest to an epoch.
  function stepAt(curve, epoch) {
    let low = 0;
    let high = curve.epochs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (curve.epochs[middle] <= epoch) low = middle;
      else high = middle;
    }
    return epoch - curve.epochs[low] <= curve.epochs[high] - epoch ? low : high;
  }

  function nearest(x, y) {
    const { left, width } = chart.frame;
    const epoch = 1 + ((x - left) / width) * (chart.epochs - 1);
    let found = null;
    chart.curves.forEach((curve, k) => {
      if (hidden.has(k)) return;
      const step = stepAt(curve, epoch);
      const spot = place(curve, step);
      if (!spot) return;
      const distance = Math.hypot(spot.x - x, 3 * (spot.y - y));
      if (!found || distance < found.distance) {
        found = { curve: k, epoch: curve.epochs[step], distance };
      }
    });
    return found;
  }

  function show(found) {
    const curve = chart.curves[found.curve];
    const step = stepAt(curve, found.epoch);
    const spot = place(curve, step);
    if (!spot) return leave();
    at = { curve: found.curve, epoch: curve.epochs[step] };
    light(found.curve);
    const scale = picture.getBoundingClientRect().width / picture.viewBox.baseVal.width;
    const loss = curve.losses[step];
    tip.textContent = `rate ${curve.label}`;
    tip.append(line(`epoch ${curve.epochs[step]}`), line(`loss ${digits(loss)}`));
    tip.hidden = dot.hidden = false;
    dot.style.background = curve.colour;
    dot.style.left = `${spot.x * scale}px`;
    dot.style.top = `${spot.y * scale}px`;
    const right = spot.x * scale + tip.offsetWidth + 16 > plot.clientWidth;
    tip.style.left = `${spot.x * scale + (right ? -tip.offsetWidth - 14 : 14)}px`;
    tip.style.top = `${Math.max(0, spot.y * scale - tip.offsetHeight - 8)}px`;
  }

  function digits(loss) {
    const plain = loss === 0 || (loss >= 1e-3 && loss < 1e6);
    return plain ? String(+loss.toPrecision(5)) : loss.toExponential(3);
  }

  function line(words) {
    const small = document.createElement("small");
    small.textContent = words;
    return small;
  }

  function light(k) {
    picture.classList.toggle("pointing", k !== null);
    picture.querySelectorAll(".lit").forEach((part) => part.classList.remove("lit"));
    if (k !== null) picture.querySelectorAll(`.c${k}`).forEach((part) => part.classList.add("lit"));
  }

  function leave() {
    tip.hidden = dot.hidden = true;
    light(null);
  }

  function point(event) {
    const box = picture.getBoundingClientRect();
    const scale = picture.viewBox.baseVal.width / box.width;
    const found = nearest((event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
    if (found) show(found);
    else leave();
  }

  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerdown", point);
  plot.addEventListener("pointerleave", leave);
  plot.addEventListener("blur", leave);
  plot.addEventListener("focus", () => show(at));
  plot.addEventListener("keydown", (event) => {
    const walks = { ArrowLeft: -1, ArrowRight: 1 };
    const jumps = { ArrowUp: -1, ArrowDown: 1 };
    const count = chart.curves.length;
    if (event.key in walks) {
      const curve = chart.curves[at.curve];
      const step = stepAt(curve, at.epoch) + walks[event.key];
      if (curve.epochs[step]) show({ curve: at.curve, epoch: curve.epochs[step] });
    } else if (event.key in jumps) {
      show({ curve: (at.curve + jumps[event.key] + count) % count, epoch: at.epoch });
    } else if (event.key === "Escape") {
      leave();
    } else {
      return;
    }
    event.preventDefault();
  });

  figure.querySelectorAll(".legend button").forEach((button, k) => {
    button.addEventListener("click", () => {
      if (hidden.has(k)) hidden.delete(k);
      else hidden.add(k);
      button.setAttribute("aria-pressed", String(!hidden.has(k)));
      picture.querySelectorAll(`.c${k}`).forEach((part) => {
        part.classList.toggle("off", hidden.has(k));
      });
      leave();
    });
    button.addEventListener("pointerenter", () => hidden.has(k) || light(k));
    button.addEventListener("pointerleave", leave);
  });
});
