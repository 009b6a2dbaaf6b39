"use strict";
// Draws the charts of a page from its data. Each chart can be used with the pointer, by touch, and with the keyboard alone.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 3", "4 2", "9 2 2 2 2 2", "1 2"];
const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "plus", "down", "bar"];

function make(parent, tag, attributes = {}, text) {
  const svg = parent.namespaceURI === SVG || tag === "svg";
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function clear(element) {
  element.replaceChildren();
}

const colour = (i) => `var(--c${i % 8})`;
const dash = (i) => DASHES[(i + Math.floor(i / 8)) % 8];

function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(4)));
}

function scale(low, high, start, end, log) {
  const forward = log ? Math.log10 : (value) => value;
  let [a, b] = [forward(low), forward(high)];
  if (a === b) [a, b] = [a - 0.5, b + 0.5];
  const at = (value) => start + ((forward(value) - a) / (b - a)) * (end - start);
  at.ticks = log ? logTicks(10 ** a, 10 ** b) : linearTicks(a, b);
  return at;
}

function linearTicks(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high) {
  const wide = high / low > 300;
  const ticks = [];
  for (let k = Math.floor(Math.log10(low)); 10 ** k <= high * 1.0001; k += 1) {
    for (const m of wide ? [1] : [1, 2, 5]) {
      const value = Number((m * 10 ** k).toPrecision(6));
      if (value >= low * 0.9999 && value <= high * 1.0001) ticks.push(value);
    }
  }
  return ticks.length > 1 ? ticks : linearTicks(low, high).filter((value) => value > 0);
}

// Axes with a grid; returns the scales of the plotting area, or null where there is nothing to plot.
function axes(svg, box, x, y, names) {
  const tick = { class: "tick" };
  for (const value of y.ticks) {
    make(svg, "line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) });
    make(svg, "text", { ...tick, x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, short(value));
  }
  let last = -1e9;
  for (const value of x.ticks) {
    make(svg, "line", { class: "grid", x1: x(value), x2: x(value), y1: box.top, y2: box.bottom });
    if (x(value) - last > 42) {
      make(svg, "text", { ...tick, x: x(value), y: box.bottom + 16, "text-anchor": "middle" }, short(value));
      last = x(value);
    }
  }
  make(svg, "text", { x: (box.left + box.right) / 2, y: box.bottom + 36, "text-anchor": "middle" }, names[0]);
  make(svg, "text", { x: 0, y: 12 }, names[1]);
}

function frame(host, height, label) {
  const width = Math.max(host.clientWidth, 260);
  const svg = make(host, "svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", tabindex: 0, "aria-label": label });
  return { svg, box: { left: 58, right: width - 12, top: 24, bottom: height - 44 }, width };
}

// ---------------------------------------------------------------- anytime curves

function drawLines(host, panel, clockName, algorithms, shown, log, live) {
  clear(host);
  const label = `${panel.name} over ${clockName}. Left and right arrow keys read values.`;
  const { svg, box, width } = frame(host, 320, label);
  const lines = panel.lines.map((line, i) => ({ ...line, i })).filter((line) => shown[line.i] && line.x.length);
  const usable = (value) => value !== null && (!log || value > 1e-9);
  const xs = lines.flatMap((line) => line.x);
  const ys = lines.flatMap((line) => line.mean.filter(usable));
  if (!ys.length) {
    make(svg, "text", { x: width / 2, y: 160, "text-anchor": "middle" }, lines.length ? "the optimum was reached throughout" : "nothing to show");
    return;
  }
  const xlog = Math.min(...xs) > 0;
  const x = scale(Math.min(...xs), Math.max(...xs), box.left, box.right, xlog);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const room = log ? 0 : 0.05 * (high - low || 1);
  const y = scale(low - room, high + room, box.bottom, box.top, log);
  axes(svg, box, x, y, [clockName, panel.name]);
  const clip = `clip${Math.random().toString(36).slice(2)}`;
  const area = make(make(svg, "clipPath", { id: clip }), "rect", { x: box.left, y: box.top - 4, width: box.right - box.left, height: box.bottom - box.top + 8 });
  area.setAttribute("data-area", "");
  const drawing = make(svg, "g", { "clip-path": `url(#${clip})` });
  const floor = log ? low / 10 : -Infinity;
  // bands of many curves cannot be told apart: the pointer shows their intervals
  for (const line of lines.length > 3 ? [] : lines) {
    if (line.low.some((value) => value !== null)) {
      const upper = line.x.map((value, k) => [value, line.high[k]]).filter(([, value]) => usable(value));
      const lower = line.x.map((value, k) => [value, Math.max(line.low[k] ?? floor, floor)]).filter((_, k) => usable(line.high[k]));
      const points = [...upper, ...lower.reverse()].map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`);
      if (points.length) make(drawing, "path", { d: `M${points.join("L")}Z`, fill: colour(line.i), opacity: 0.14 });
    }
  }
  for (const line of lines) {
    let path = "";
    line.x.forEach((value, k) => {
      const there = usable(line.mean[k]);
      if (there) path += `${path && usable(line.mean[k - 1]) ? "L" : "M"}${x(value).toFixed(1)} ${y(line.mean[k]).toFixed(1)}`;
    });
    make(drawing, "path", { d: path, fill: "none", stroke: colour(line.i), "stroke-width": 2, "stroke-dasharray": dash(line.i), "data-line": algorithms[line.i] });
  }
  const all = [...new Set(xs)].sort((a, b) => a - b);
  const cursor = make(svg, "line", { class: "cursor", y1: box.top, y2: box.bottom, x1: -9, x2: -9 });
  const tip = make(host, "div", { class: "tip", hidden: "" });
  let at = all.length - 1;
  const show = (k, spoken) => {
    at = Math.min(Math.max(k, 0), all.length - 1);
    const time = all[at];
    cursor.setAttribute("x1", x(time));
    cursor.setAttribute("x2", x(time));
    const rows = [];
    for (const line of lines) {
      let j = line.x.findIndex((value) => value > time);
      j = (j < 0 ? line.x.length : j) - 1;
      if (j >= 0) rows.push([algorithms[line.i], line.mean[j], line.low[j], line.high[j], line.i]);
    }
    rows.sort((a, b) => a[1] - b[1]);
    clear(tip);
    make(tip, "strong", {}, `${short(time)} ${clockName.replace(/ \[s\]/, " s")}`);
    const body = make(make(tip, "table"), "tbody");
    for (const [name, mean, lower, upper, i] of rows) {
      const row = make(body, "tr");
      make(make(row, "td"), "span", { class: "dot", style: `background:${colour(i)}` });
      make(row, "td", { class: "left" }, name);
      make(row, "td", {}, short(mean));
      make(row, "td", {}, lower === null ? "" : `${short(lower)} … ${short(upper)}`);
    }
    tip.hidden = false;
    const left = x(time) * (host.clientWidth / width);
    const flip = left + tip.offsetWidth + 16 > host.clientWidth;
    tip.style.left = `${flip ? Math.max(0, left - tip.offsetWidth - 10) : left + 10}px`;
    tip.style.top = "30px";
    if (spoken) live.textContent = `${short(time)} ${clockName}: ${rows.map(([name, mean]) => `${name} ${short(mean)}`).join("; ")}`;
  };
  const hide = () => {
    tip.hidden = true;
    cursor.setAttribute("x1", -9);
    cursor.setAttribute("x2", -9);
  };
  svg.addEventListener("pointermove", (event) => {
    const where = (event.clientX - svg.getBoundingClientRect().left) * (width / svg.clientWidth);
    let best = 0;
    all.forEach((time, k) => { if (Math.abs(x(time) - where) < Math.abs(x(all[best]) - where)) best = k; });
    show(best, false);
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) show(at, true); });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -all.length, End: all.length }[event.key];
    if (step) { event.preventDefault(); show(at + step, true); }
    if (event.key === "Escape") hide();
  });
}

// ---------------------------------------------------------------- architectures

function drawArchitecture(host, drawings, operations) {
  clear(host);
  const stroke = (number, used) => (!used ? "var(--rule)" : number < 0 ? "var(--soft)" : colour(number));
  for (const drawn of drawings) {
    const [width, height] = drawn.size;
    const svg = make(host, "svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": drawn.title });
    make(svg, "text", { x: 12, y: 16, "font-weight": 600 }, drawn.title);
    const dashed = (used) => (used ? {} : { "stroke-dasharray": "4 3" });
    for (const [path, number, used] of drawn.arrows) {
      const line = make(svg, "path", { d: path, stroke: stroke(number, used), ...dashed(used) });
      const length = line.getTotalLength ? line.getTotalLength() : 0;
      if (length) {
        const [tip, before] = [line.getPointAtLength(length), line.getPointAtLength(Math.max(0, length - 4))];
        const angle = (Math.atan2(tip.y - before.y, tip.x - before.x) * 180) / Math.PI;
        make(svg, "path", { d: "M0 0L-7 -3L-7 3Z", style: `fill:${stroke(number, used)}`, transform: `translate(${tip.x} ${tip.y}) rotate(${angle})` });
      }
    }
    for (const [x, y, text, , used] of drawn.labels) {
      make(svg, "rect", { x: x - text.length * 3, y: y - 8, width: text.length * 6, height: 16, stroke: "none" });
      make(svg, "text", { x, y: y + 4, "text-anchor": "middle", style: `font-size:10px${used ? "" : ";fill:var(--soft)"}` }, text);
    }
    for (const [x, y, wide, text, number, used] of drawn.nodes) {
      make(svg, "rect", { x: x - wide / 2, y: y - 10, width: wide, height: 20, rx: 5, stroke: stroke(number, used), ...dashed(used) });
      make(svg, "text", { x, y: y + 4, "text-anchor": "middle", style: used ? "" : "fill:var(--soft)" }, text);
    }
  }
}

function copyButton(host, text) {
  const button = make(host, "button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      const area = make(document.body, "textarea", { class: "hidden" });
      area.value = text();
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
}

function showArchitecture(host, content, id, heading) {
  const known = content.architectures;
  clear(host);
  make(host, "h4", {}, heading);
  drawArchitecture(make(host, "div", { class: "drawn" }), known.drawn[id], known.operations);
  make(host, "pre", {}, known.native[id]);
  copyButton(host, () => known.native[id]);
  const body = make(make(make(host, "div", { class: "wide" }), "table"), "tbody");
  known.metrics.forEach((metric, k) => {
    const row = make(body, "tr");
    make(row, "th", { scope: "row" }, metric.name + (metric.unit ? ` [${metric.unit}]` : ""));
    make(row, "td", {}, short(known.values[id][k]));
  });
}

// ---------------------------------------------------------------- fronts

function marker(parent, shape, x, y, size, attributes) {
  const s = size;
  const paths = {
    square: `M${-s} ${-s}H${s}V${s}H${-s}Z`,
    triangle: `M0 ${-1.2 * s}L${1.1 * s} ${s}H${-1.1 * s}Z`,
    down: `M0 ${1.2 * s}L${1.1 * s} ${-s}H${-1.1 * s}Z`,
    diamond: `M0 ${-1.3 * s}L${1.3 * s} 0L0 ${1.3 * s}L${-1.3 * s} 0Z`,
    cross: `M${-s} ${-s}L${s} ${s}M${s} ${-s}L${-s} ${s}`,
    plus: `M0 ${-1.3 * s}V${1.3 * s}M${-1.3 * s} 0H${1.3 * s}`,
    bar: `M0 ${-1.4 * s}V${1.4 * s}`,
  };
  if (shape === "circle") return make(parent, "circle", { cx: x, cy: y, r: s, ...attributes });
  return make(parent, "path", { d: paths[shape], transform: `translate(${x} ${y})`, ...attributes });
}

function drawFronts(host, content, pair, shown, whole, choose) {
  clear(host);
  const [a, b] = pair;
  const { axes: about, exact, members } = content.fronts;
  const name = (k) => about[k].name + (about[k].unit ? ` [${about[k].unit}]` : "");
  const label = `Fronts: ${name(b)} against ${name(a)}. Arrow keys move between architectures, Enter keeps one.`;
  const { svg, box, width } = frame(host, 380, label);
  const points = [];
  if (exact) exact.values.forEach((value, k) => points.push({ x: value[a], y: value[b], id: exact.id[k], series: -1 }));
  members.forEach((member, i) => {
    if (shown[i]) member.values.forEach((value, k) => points.push({ x: value[a], y: value[b], id: member.id[k], series: i }));
  });
  if (!points.length) {
    make(svg, "text", { x: width / 2, y: 190, "text-anchor": "middle" }, "nothing to show");
    return;
  }
  // the region where most points lie: a network that predicts nothing is on every front, for it is the fastest
  const limits = (key) => {
    const values = points.map((point) => point[key]).sort((p, q) => p - q);
    if (whole || values.length < 5) return [-Infinity, Infinity];
    const [first, third] = [values[Math.floor(values.length / 4)], values[Math.floor((3 * values.length) / 4)]];
    const far = 3 * (third - first);
    return [first - far, third + far];
  };
  const [nearX, nearY] = [limits("x"), limits("y")];
  const most = points.filter((point) => point.x >= nearX[0] && point.x <= nearX[1] && point.y >= nearY[0] && point.y <= nearY[1]);
  const focus = most.length ? most : points;
  const range = (key) => {
    const values = focus.map((point) => point[key]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const log = low > 0 && high > 20 * low;
    if (log) return [low / 1.15, high * 1.15, true];
    const room = 0.08 * (high - low || Math.abs(high) || 1);
    return [low - room, high + room, false];
  };
  const [x0, x1, xlog] = range("x");
  const [y0, y1, ylog] = range("y");
  const x = scale(x0, x1, box.left, box.right, xlog);
  const y = scale(y0, y1, box.bottom, box.top, ylog);
  axes(svg, box, x, y, [name(a), name(b)]);
  const inside = points.filter((point) => point.x >= x0 && point.x <= x1 && point.y >= y0 && point.y <= y1);
  const clip = `clip${Math.random().toString(36).slice(2)}`;
  make(make(svg, "clipPath", { id: clip }), "rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top });
  if (about.length === 2) {
    const lines = make(svg, "g", { "clip-path": `url(#${clip})` });
    members.forEach((member, i) => {
      if (!shown[i] || !member.values.length) return;
      const sorted = member.values.map((value) => [x(value[a]), y(value[b])]).sort((p, q) => p[0] - q[0]);
      // what is attained at x is the best up to there, from the side that is better
      const post = about[a].direction === "min";
      let path = `M${sorted[0][0]} ${sorted[0][1]}`;
      for (let k = 1; k < sorted.length; k += 1) path += post ? `H${sorted[k][0]}V${sorted[k][1]}` : `V${sorted[k][1]}H${sorted[k][0]}`;
      make(lines, "path", { d: path, fill: "none", stroke: colour(i), "stroke-width": 1.5, "stroke-dasharray": dash(i), opacity: 0.8 });
    });
  }
  for (const point of inside) {
    const exactly = point.series < 0;
    const shape = exactly ? "circle" : SHAPES[point.series % 8];
    const look = exactly ? { fill: "none", stroke: "var(--soft)", "stroke-width": 1.5 } : { fill: colour(point.series), stroke: colour(point.series), "stroke-width": 1.5 };
    point.mark = marker(svg, shape, x(point.x), y(point.y), exactly ? 6 : 3.2, look);
    point.mark.dataset.architecture = point.id;
  }
  if (inside.length < points.length) make(svg, "text", { class: "tick", x: box.right, y: box.top - 8, "text-anchor": "end" }, `${points.length - inside.length} points lie outside`);
  const ring = make(svg, "circle", { r: 9, fill: "none", stroke: "var(--ink)", "stroke-width": 2, cx: -99, cy: -99 });
  const order = inside.slice().sort((p, q) => p.x - q.x || p.y - q.y);
  let at = 0;
  const select = (point, pinned) => {
    at = order.indexOf(point);
    ring.setAttribute("cx", x(point.x));
    ring.setAttribute("cy", y(point.y));
    const who = point.series < 0 ? "exact front" : content.algorithms[point.series];
    choose(point.id, `${who}: ${short(point.x)}, ${short(point.y)}`, pinned);
  };
  const nearest = (event) => {
    const rect = svg.getBoundingClientRect();
    const factor = width / svg.clientWidth;
    const [px, py] = [(event.clientX - rect.left) * factor, (event.clientY - rect.top) * factor];
    let best = null;
    for (const point of inside) {
      const distance = Math.hypot(x(point.x) - px, y(point.y) - py) - (point.series < 0 ? 0 : 0.5);
      if (distance < 24 && (!best || distance < best.distance)) best = { point, distance };
    }
    return best && best.point;
  };
  svg.addEventListener("pointermove", (event) => { const point = nearest(event); if (point) select(point, false); });
  svg.addEventListener("click", (event) => { const point = nearest(event); if (point) select(point, true); });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, Home: -order.length, End: order.length }[event.key];
    if (step && order.length) { event.preventDefault(); select(order[Math.min(Math.max(at + step, 0), order.length - 1)], false); }
    if (event.key === "Enter" && order.length) select(order[at], true);
  });
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible") && order.length) select(order[at], false); });
}

// ---------------------------------------------------------------- a comparison

function toggle(bar, text, pressed, act) {
  const button = make(bar, "button", { type: "button", "aria-pressed": pressed }, text);
  button.addEventListener("click", () => act(button));
  return button;
}

function choice(bar, label, options, act) {
  if (options.length < 2) return;
  make(bar, "span", {}, label);
  const buttons = options.map(([text], k) => toggle(bar, text, k === 0, () => {
    buttons.forEach((button, j) => button.setAttribute("aria-pressed", j === k));
    act(options[k][1]);
  }));
}

function section(element, content) {
  const { algorithms } = content;
  const order = content.table.map((row) => algorithms.indexOf(row.algorithm));
  const shown = algorithms.map(() => algorithms.length <= 6);
  if (algorithms.length > 6) for (const i of order.slice(0, 6)) shown[i] = true;
  const state = { clock: 0, log: true, pair: [1, 0], whole: false };
  const live = make(element, "p", { class: "hidden", "aria-live": "polite" });
  const drawers = [];
  const redraw = () => drawers.forEach((draw) => draw());

  for (const legend of element.querySelectorAll("[data-legend]")) {
    const buttons = algorithms.map((name, i) => {
      const button = make(legend, "button", { type: "button", "aria-pressed": shown[i] });
      const swatch = make(button, "svg", { viewBox: "0 0 36 12", "aria-hidden": "true" });
      make(swatch, "line", { x1: 0, x2: 36, y1: 6, y2: 6, stroke: colour(i), "stroke-width": 2.5, "stroke-dasharray": dash(i) });
      if (content.many) marker(swatch, SHAPES[i % 8], 18, 6, 3.2, { fill: colour(i), stroke: colour(i), "stroke-width": 1.5 });
      make(button, "span", {}, name);
      button.addEventListener("click", () => { shown[i] = !shown[i]; redraw(); });
      return button;
    });
    drawers.push(() => buttons.forEach((button, i) => button.setAttribute("aria-pressed", shown[i])));
    if (algorithms.length > 6) {
      toggle(legend, "show all", false, () => { shown.fill(true); redraw(); });
      toggle(legend, "best six", false, () => { shown.fill(false); for (const i of order.slice(0, 6)) shown[i] = true; redraw(); });
    }
  }

  const curves = element.querySelector("[data-curves]");
  if (curves && content.curves.length) {
    const bar = curves.querySelector(".bar");
    choice(bar, "clock", content.curves.map((curve, k) => [curve.name, k]), (k) => { state.clock = k; redraw(); });
    const logs = content.curves.some((curve) => curve.panels.some((panel) => panel.log));
    if (logs) choice(bar, "vertical axis", [["log", true], ["linear", false]], (log) => { state.log = log; redraw(); });
    const hosts = content.curves[0].panels.map(() => make(curves.querySelector(".panels"), "div", { class: "chart" }));
    drawers.push(() => {
      const curve = content.curves[state.clock];
      hosts.forEach((host, k) => drawLines(host, curve.panels[k], curve.name, algorithms, shown, state.log && curve.panels[k].log, live));
    });
  }

  const fronts = element.querySelector("[data-fronts]");
  if (fronts) {
    const [host, detail] = [fronts.querySelector(".chart"), fronts.querySelector(".detail")];
    const bar = fronts.querySelector(".bar");
    const count = content.fronts.axes.length;
    const pairs = [];
    for (let i = 0; i < count; i += 1) for (let j = i + 1; j < count; j += 1) pairs.push([`${content.fronts.axes[i].name} / ${content.fronts.axes[j].name}`, [j, i]]);
    choice(bar, "objectives", pairs, (pair) => { state.pair = pair; redraw(); });
    choice(bar, "show", [["most of it", false], ["everything", true]], (whole) => { state.whole = whole; redraw(); });
    let kept = false;
    const choose = (id, heading, pinned) => {
      if (kept && !pinned) return;
      kept = pinned;
      showArchitecture(detail, content, id, heading);
      live.textContent = `${heading}: ${content.architectures.native[id]}`;
      if (pinned) {
        const button = make(detail, "button", { type: "button", class: "copy" }, "Let go");
        button.addEventListener("click", () => { kept = false; button.remove(); });
      }
    };
    drawers.push(() => drawFronts(host, content, state.pair, shown, state.whole, choose));
  }

  const best = element.querySelector("[data-best]");
  if (best) {
    const detail = best.querySelector(".detail");
    const buttons = [...best.querySelectorAll("button[data-architecture]")];
    const show = (button) => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", other === button));
      showArchitecture(detail, content, Number(button.dataset.architecture), `number ${buttons.indexOf(button) + 1} of the best`);
    };
    for (const button of buttons) {
      for (const event of ["click", "focus", "pointerenter"]) button.addEventListener(event, () => show(button));
    }
    if (buttons.length) show(buttons[0]);
  }

  redraw();
  let wide = element.clientWidth;
  new ResizeObserver(() => {
    if (element.clientWidth !== wide) { wide = element.clientWidth; redraw(); }
  }).observe(element);
}

document.querySelectorAll("[data-comparison]").forEach((element) => section(element, DATA[Number(element.dataset.comparison)]));
document.querySelectorAll("pre[data-copy]").forEach((pre) => {
  const bar = document.createElement("div");
  pre.after(bar);
  copyButton(bar, () => pre.textContent);
});
