// Draws rates and latencies with uPlot, and writes the second under the cursor, or the last one, into the table.
"use strict";

const Plots = (() => {
  const SHOWN_SECONDS = 180, LEAST_SECONDS = 60, KEPT = 300, COLOURS = 8, RATE = 0, ERRORS = 1, P50 = 2, P99 = 3;
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const whole = number => Math.round(number).toLocaleString("en");
  const rate = number => number >= 100 ? whole(number) : number.toFixed(number ? 1 : 0);
  const milliseconds = number => number == null ? "–" : number.toFixed(number >= 100 ? 0 : number >= 10 ? 1 : 2);
  const clock = seconds => new Date(seconds * 1000).toLocaleTimeString("en-GB");
  const operations = new Map(); // name: number of its colour, in the order in which they came
  let samples = [], plots = [], hovered = null;

  // One line for each power of ten.
  function decades(_plot, _axis, least, most) {
    const found = [];
    for (let power = Math.round(Math.log10(least)); 10 ** power <= most * 1.001; power++) found.push(10 ** power);
    return found;
  }

  function axis(side, kind) {
    const common = { stroke: colour("--soft"), font: `11px ${colour("--sans")}`, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    return side === "x"
      ? { ...common, size: 26, space: 70, grid: { show: false }, values: (_, ticks) => ticks.map(clock) }
      : { ...common, ...(kind === RATE ? {} : { splits: decades }), size: 48, gap: 4, space: 32, values: (_, ticks) => ticks.map(tick => tick == null ? "" : Number(tick.toPrecision(3)).toLocaleString("en")) };
  }

  // The last minutes; a page that was opened just now begins with a narrower view.
  function shownTime() {
    const first = samples[0].at, last = samples.at(-1).at;
    return [Math.max(last - SHOWN_SECONDS, Math.min(first, last - LEAST_SECONDS)), last];
  }

  // Latencies of operations lie decades apart, so their scale is logarithmic.
  const height = kind => kind === RATE ? { range: (_, _least, most) => [0, most > 0 ? most * 1.1 : 1] } : {
    distr: 3, range: (_, least, most) => least > 0 ? [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(most * 1.05))] : [0.1, 10],
  };

  function options(place, kind, series) {
    return {
      width: place.clientWidth, height: place.clientHeight, series, legend: { show: false }, padding: [8, 22, 0, 0],
      cursor: { sync: { key: "standin" }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: true, range: shownTime },
        y: height(kind),
      },
      axes: [axis("x"), axis("y", kind)],
      hooks: { setCursor: [plot => { hovered = plot.cursor.idx ?? null; write(); }] },
    };
  }

  function line(index, label) {
    return { label, stroke: colour(`--s${index}`), width: 1.75, points: { show: false } };
  }

  function columns(kind) {
    const drawn = [...operations.keys()].slice(0, COLOURS);
    const own = drawn.map(name => samples.map(sample => sample.operations[name]?.[kind] ?? (kind === RATE ? 0 : null)));
    if (kind === RATE) own.push(samples.map(sample => sample.all[RATE]), samples.map(sample => sample.all[ERRORS]));
    return [samples.map(sample => sample.at), ...own];
  }

  function build() {
    plots.forEach(({ plot }) => plot.destroy());
    const lines = [...operations].slice(0, COLOURS).map(([name, index]) => line(index, name));
    const all = { label: "all", stroke: colour("--edge"), width: 1, fill: colour("--fill"), points: { show: false } };
    const errors = { ...line(8, "errors"), dash: [5, 4] };
    plots = [["rate", RATE, [...lines, all, errors]], ["p50", P50, lines], ["p99", P99, lines]].map(([name, kind, series]) => {
      const place = document.querySelector(`[data-plot="${name}"]`);
      return { kind, place, plot: new uPlot(options(place, kind, [{}, ...series]), columns(kind), place) };
    });
  }

  function draw() {
    if (plots.length) plots.forEach(({ plot, kind }) => plot.setData(columns(kind)));
  }

  function row(name) {
    const body = document.querySelector("#operations tbody");
    const found = [...body.rows].find(each => each.dataset.operation === name);
    if (found) return found;
    const made = body.insertRow(), head = document.createElement("th"), swatch = document.createElement("span");
    made.dataset.operation = name;
    swatch.className = "swatch";
    head.scope = "row";
    head.append(swatch, name);
    made.append(head);
    for (let cell = 0; cell < 6; cell++) made.insertCell().className = "number";
    for (const cell of [5, 6]) made.cells[cell].dataset.count = 0;
    document.querySelector("#traffic .empty")?.remove();
    return made;
  }

  // The running totals come from the server once; what each second adds is added here.
  function count(sample, seconds) {
    for (const [name, numbers] of Object.entries(sample.operations)) {
      [[5, ERRORS], [6, RATE]].forEach(([cell, kind]) => {
        const place = row(name).cells[cell];
        place.dataset.count = Number(place.dataset.count) + numbers[kind] * seconds;
        place.textContent = whole(Number(place.dataset.count));
      });
    }
  }

  function write() {
    const sample = samples[hovered ?? samples.length - 1];
    if (!sample) return;
    const tell = (name, text) => { document.querySelector(`[data-now="${name}"]`).textContent = text; };
    tell("rate", rate(sample.all[RATE]));
    tell("errors", rate(sample.all[ERRORS]));
    tell("p50", milliseconds(sample.all[P50]));
    tell("p99", milliseconds(sample.all[P99]));
    tell("requests", whole(sample.requests));
    document.querySelector('[data-now="errors"]').classList.toggle("bad", sample.all[ERRORS] > 0);
    for (const each of document.querySelectorAll("#operations tbody tr")) {
      const numbers = sample.operations[each.dataset.operation] ?? [0, 0, null, null];
      [rate(numbers[RATE]), rate(numbers[ERRORS]), milliseconds(numbers[P50]), milliseconds(numbers[P99])]
        .forEach((text, cell) => { each.cells[cell + 1].textContent = text; });
      each.cells[2].classList.toggle("bad", numbers[ERRORS] > 0);
    }
  }

  function meet(sample) {
    const before = operations.size;
    for (const name of Object.keys(sample.operations).sort()) if (!operations.has(name)) operations.set(name, operations.size);
    for (const [name, index] of operations) if (index < COLOURS) row(name).querySelector(".swatch").className = `swatch s${index}`;
    return operations.size > before;
  }

  function load(history) {
    samples = history;
    document.getElementById("plots").hidden = false;
    history.forEach(meet);
    if (history.length) { build(); write(); }
  }

  function push(sample) {
    const seconds = samples.length ? Math.min(sample.at - samples.at(-1).at, 3) : 1;
    samples = [...samples, sample].slice(-KEPT);
    count(sample, seconds);
    if (meet(sample) || !plots.length) build(); else draw();
    write();
  }

  new ResizeObserver(() => plots.forEach(({ plot, place }) => plot.setSize({ width: place.clientWidth, height: place.clientHeight })))
    .observe(document.getElementById("plots"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (samples.length) build(); });
  return { load, push };
})();
