/* Draws the charts of the dashboard from its JSON, and takes the page anew every minute.
   Everything it shows stands in the page's tables, too. No inline script or style: uPlot sets
   styles through the CSSOM, which a Content-Security-Policy of default-src 'self' allows. */
"use strict";

(() => {
  const REFRESH_MS = 60000;
  const HEIGHT = 200;
  const DASHES = [[], [8, 3], [2, 3], [10, 3, 2, 3]];
  const LINES = 6;
  let plots = [];
  let latest = null;

  const root = () => document.getElementById("passport-dashboard");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const inSeconds = (value) => {
    if (value >= 172800) return `${+(value / 86400).toPrecision(3)} d`;
    if (value >= 7200) return `${+(value / 3600).toPrecision(3)} h`;
    if (value >= 120) return `${+(value / 60).toPrecision(3)} min`;
    if (value >= 1 || value === 0) return `${+value.toPrecision(3)} s`;
    return `${+(value * 1000).toPrecision(3)} ms`;
  };
  const plainly = (value) => (+value.toPrecision(4)).toLocaleString();
  const formatter = (chart) => (chart.is_duration ? inSeconds : plainly);

  /* Times as the tables have them: the project's zone, and not this browser's. */
  const zone = () => root().dataset.zone;
  const clock = (at, parts) =>
    new Intl.DateTimeFormat("en-GB", { timeZone: zone(), hourCycle: "h23", ...parts }).format(new Date(at * 1000));
  const hour = (at) => clock(at, { hour: "2-digit", minute: "2-digit" });
  const day = (at) => clock(at, { day: "numeric", month: "short" });
  const onAxis = (at) => (hour(at) === "00:00" ? day(at) : hour(at));

  function options(chart, width) {
    const say = formatter(chart);
    const quiet = colour("--body-quiet-color");
    const line = { stroke: colour("--hairline-color"), width: 1 };
    const axis = { stroke: quiet, grid: line, ticks: line, font: "12px system-ui, sans-serif" };
    return {
      width,
      height: HEIGHT,
      series: [
        { value: (plot, at) => (at === null ? "" : `${day(at)} ${hour(at)}`) },
        ...chart.labels.map((label, index) => ({
          label,
          stroke: colour(`--passport-line-${(index % LINES) + 1}`),
          dash: DASHES[index % DASHES.length],
          width: 2,
          points: { size: 4 },
          value: (plot, value) => (value === null || value === undefined ? "–" : say(value)),
        })),
      ],
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone()),
      axes: [{ ...axis, values: (plot, ticks) => ticks.map(onAxis) }, { ...axis, size: 64, values: (plot, ticks) => ticks.map((tick) => say(tick)) }],
      scales: { y: { range: (plot, low, high) => [0, Math.max(high || 0, 1e-3) * 1.1] } },
    };
  }

  function columns(chart) {
    const times = chart.points.map(([at]) => at);
    return [times, ...chart.labels.map((label, index) => chart.points.map(([, values]) => values[index]))];
  }

  function draw() {
    plots.forEach(({ plot }) => plot.destroy());
    plots = [];
    if (!latest || !root()) return;
    for (const chart of latest.charts) {
      const place = root().querySelector(`[data-chart="${chart.id}"] .passport-plot`);
      if (!place || !chart.labels.length) continue;
      plots.push({ place, plot: new uPlot(options(chart, place.clientWidth), columns(chart), place) });
    }
  }

  async function load() {
    const answer = await fetch(root().dataset.json, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    latest = await answer.json();
    draw();
  }

  /* Not under somebody's hands: an open table or a chosen filter stays as it is. */
  const isInUse = () => root().contains(document.activeElement) || root().querySelector("details[open]");

  async function refresh() {
    if (document.hidden || isInUse()) return;
    const answer = await fetch(location.href);
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("passport-dashboard");
    if (!fresh || isInUse()) return;
    root().replaceWith(document.adoptNode(fresh));
    await load();
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!root()) return;
    load();
    setInterval(() => refresh().catch(() => {}), REFRESH_MS);
    addEventListener("resize", () =>
      plots.forEach(({ place, plot }) => plot.setSize({ width: place.clientWidth, height: HEIGHT })),
    );
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  });
})();
