
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const LOWEST = 1e-33, DECADES = 5, LETTERS = 13, LETTER = 5.4, APART = 19;  // as in charts.py
  const there = (value) => value !== null && value !== undefined;

  function element(parent, name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    parent.append(made);
    return made;
  }

  function shortened(name) {
    const half = (LETTERS - 1) / 2;
    return name.length <= LETTERS ? name : `${name.slice(0, half)}…${name.slice(-half)}`;
  }

  const raised = (k) => String(k).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

  function logarithmic(values) {
    const positive = values.filter((v) => v > LOWEST);
    const low = Math.min(-1, Math.floor(Math.log10(Math.min(1, ...positive))));
    const high = Math.ceil(Math.log10(Math.max(1, ...positive)));
    const step = Math.max(1, Math.ceil((high - low) / DECADES));
    const ticks = [];
    for (let k = high; k >= low; k -= step) ticks.push([10 ** k, k ? `10${raised(k)}` : "1"]);
    return { share: (v) => (Math.log10(Math.max(v, 10 ** low)) - low) / (high - low), ticks };
  }

  function linear(values) {
    const low = Math.max(-1, Math.floor(2 * Math.min(0, ...values)) / 2);
    const step = low === 0 ? 0.25 : 0.5;
    const ticks = [];
    for (let k = 0; k <= Math.round((1 - low) / step); k++) ticks.push([low + k * step, String(low + k * step).replace("-", "−")]);
    return { share: (v) => (v - low) / (1 - low), ticks };
  }

  /** The curves of the methods that are on, over named places, into `where`. */
  function draw(where, curves, places, axisOf, base, title) {
    const names = places.map(shortened);
    const room = Math.round(LETTER * Math.max(0, ...names.map((name) => name.length)));
    const box = { ...base, height: base.height + room, bottom: base.bottom + room };
    const axis = axisOf(curves.flatMap((curve) => curve.values.filter(there)));
    const inner = box.width - box.left - box.right;
    const n = places.length;
    const x = (k) => box.left + inner * (n < 3 ? (k + 0.5) / n : k / (n - 1));
    const y = (v) => box.top + (box.height - box.top - box.bottom) * (1 - Math.min(Math.max(axis.share(v), 0), 1));
    const at = (k, v) => `${x(k).toFixed(1)} ${y(v).toFixed(1)}`;
    const svg = element(document.createDocumentFragment(), "svg",
      { class: "chart fitted", viewBox: `0 0 ${box.width} ${box.height}`, width: box.width, height: box.height, role: "img", "aria-label": title });
    for (const [value, words] of axis.ticks) {
      element(svg, "path", { class: "grid", d: `M${box.left} ${y(value).toFixed(1)}H${box.width - box.right}` });
      element(svg, "text", { class: "up", x: box.left - 6, y: (y(value) + 4).toFixed(1) }, words);
    }
    const step = Math.ceil((APART * n) / inner);
    for (let k = n - 1; k >= 0; k -= step) {
      const turned = `translate(${(x(k) + 4).toFixed(1)} ${box.height - box.bottom + 12}) rotate(-50)`;
      element(svg, "text", { class: "across", transform: turned }, names[k]);
    }
    for (const curve of curves) {
      const look = data.looks[curve.method];
      const group = element(svg, "g", { class: curve.kind, "data-method": curve.method, stroke: look.colour });
      const ends = curve.values.map((_, k) => k).filter((k) => there(curve.low[k]) && there(curve.high[k]));
      const band = [...ends.map((k) => at(k, curve.high[k])), ...ends.reverse().map((k) => at(k, curve.low[k]))];
      if (band.length) element(group, "path", { class: "band", d: `M${band.join("L")}`, fill: look.colour });
      const path = curve.values.map((v, k) => there(v) ? (k && there(curve.values[k - 1]) ? "L" : "M") + at(k, v) : "").join("");
      const dashed = look.dash && ["measured", "predicted"].includes(curve.kind);
      element(group, "path", { class: "line", d: path, ...(dashed ? { "stroke-dasharray": look.dash } : {}) });
      if (curve.kind === "measured") curve.values.forEach((v, k) => {
        if (!there(v)) return;
        const mark = element(group, "g", { transform: `translate(${at(k, v)})` });
        element(mark, "path", { d: look.marker, fill: look.hollow ? "#fff" : look.colour, stroke: look.colour });
        element(mark, "title", {}, `${look.title}, ${places[k]}: ${v}`);
      });
    }
    where.replaceChildren(svg);
  }

  for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;

  if (data.starts.length) {
    const toggles = [...document.querySelectorAll(".toggle")];
    const redraw = () => {
      const start = data.starts[byId("start").value];
      const log = document.querySelector("[name=axis]:checked").value === "log";
      const on = new Set(toggles.filter((box) => box.checked).map((box) => Number(box.value)));
      const where = byId("convergence-chart");
      const width = Math.max(300, Math.floor(where.clientWidth));
      const box = { ...data.box, width, height: Math.max(270, Math.min(410, Math.round(width * 0.45))) };
      draw(where, start.curves.filter((curve) => on.has(curve.method)), start.places, log ? logarithmic : linear, box, `1 − |cos| from ${start.name}`);
      byId("start-said").textContent = `${start.name}, ${log ? "logarithmic" : "linear"}`;
    };
    const turn = (on) => { for (const box of toggles) box.checked = on; redraw(); };
    for (const control of [byId("start"), ...document.querySelectorAll("[name=axis]"), ...toggles]) control.addEventListener("change", redraw);
    byId("all").addEventListener("click", () => turn(true));
    byId("none").addEventListener("click", () => turn(false));
    window.addEventListener("resize", redraw);
    redraw();
  }

  if (data.destroyed.length) {
    const choice = byId("score");
    choice.addEventListener("change", () => {
      const score = data.destroyed[choice.value];
      byId("score-said").textContent = choice.selectedOptions[0].textContent;
      for (const where of document.querySelectorAll(".panel")) {
        const curves = score.panels[where.dataset.method] ?? [];
        draw(where, curves, score.places, linear, data.panel, `destroyed weights: ${choice.selectedOptions[0].textContent}`);
      }
    });
  }
})();
