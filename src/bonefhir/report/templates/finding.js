"use strict";
// The page of a finding, made of the numbers and texts of its pack. finding.html and timeline_svg.py write the first findings of
// each rule in the same form, for whoever has no script; a test holds the two against each other. What comes from the data
// becomes a text or the value of an attribute, and never markup.
const findingPages = (words) => {
  const filled = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const html = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const word = (group, name) => (Object.hasOwn(words[group], name) ? words[group][name] : name);
  const text = (group, name, values = {}) => words[group][name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const between = (parts, separator) => parts.flatMap((part, place) => (place ? [separator(), ...part] : part));

  // ------------------------------------------------------------------------------------------------ numbers
  // To the even neighbour where a number lies exactly between two, as Python rounds.
  const fixed = (number, decimals) => {
    if (Math.abs(number) >= 1e21) return String(BigInt(number));
    const longer = number.toFixed(Math.min(100, decimals + 20));
    const cut = longer.slice(0, -20).replace(/\.$/, "");
    return /50{19}$/.test(longer) && /[02468]$/.test(cut) ? cut : number.toFixed(decimals);
  };
  const short = (digits) => (digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits);
  const local = (digits) => digits.replace(/(?<=\d)\.(?=\d)/g, words.decimal);
  const significant = (number) => {
    if (!Number.isFinite(number) || number === 0) return number === 0 ? "0" : "?";
    const magnitude = Number(number.toExponential().split("e")[1]);
    return local(short(fixed(number, Math.min(80, Math.max(0, 3 - magnitude)))));
  };
  const plain = (number) => short(fixed(number, 3));
  const measured = (low, high, unit) => {
    if (Number.isNaN(low) || Number.isNaN(high)) return "";
    const ends = [...new Set([low, high].filter(Number.isFinite).map(plain))];
    const span = local(high === Infinity ? `≥ ${ends[0]}` : ends.join(` ${words.to} `));
    return word("units", unit) ? `${span} ${word("units", unit)}` : span;
  };
  const rounded = (number) => Number(fixed(number, 2));
  const DAY = 86400000;
  const iso = (day) => new Date(day * DAY).toISOString().slice(0, 10);

  // ----------------------------------------------------------------------------------------------- timeline
  const WIDTH = 720, LEFT = 110, RIGHT = 14, HEIGHT = 62, TOP = 20, PAD = 9;
  const LEAST_SPREAD = 0.25;  // of the greatest value: a change of one hundredth must not look like a cliff
  const laneOf = (name, number, view, { marks, texts }) => {
    const mine = [];
    for (let at = view.start; at < view.stop; at += 1) {
      if (marks.lane[at] !== number) continue;
      const [low, high] = [marks.low[at], marks.high[at]].map((place) => Number(marks.values[place]));
      mine.push({
        day: marks.day[at], low, high, said: texts[marks.said[at]], resource: texts[marks.resource[at]],
        unit: texts[marks.unit[at]], corrected: marks.corrected[at] === 1, now: marks.resource[at] === view.dose,
      });
    }
    const counted = view.windows[number];
    return {
      name, marks: mine, limit: view.limits[number], window: counted === null ? null : [view.day - counted, view.day],
      unit: name === "doses" ? texts[view.unit] : mine[0]?.unit,
    };
  };
  const timelineOf = (view, pack) => {
    const lanes = words.lane_names.map((name, number) => laneOf(name, number, view, pack)).filter((lane) => lane.marks.length);
    const shown = lanes.flatMap((lane) => lane.marks.map((mark) => mark.day));
    const starts = lanes.flatMap((lane) => lane.window?.slice(0, 1) ?? []);
    return { lanes, day: view.day, first: Math.min(...shown, ...starts, view.day), last: Math.max(...shown, view.day) };
  };
  const xOf = (day, line) =>
    rounded(LEFT + ((WIDTH - LEFT - RIGHT) * (day - line.first)) / Math.max(1, line.last - line.first));
  const titled = (tag, attributes, title) => svg(tag, attributes, svg("title", {}, title));
  const toldBy = (mark, lane, x) => {
    const ends = [...new Set([mark.low, mark.high].map(significant))].join("–");
    const value = lane.name === "doses" ? mark.said : `${ends} ${word("units", lane.unit)}`;
    const about = { lane: lane.name, day: iso(mark.day), x, low: mark.low, high: mark.high, resource: mark.resource };
    const attributes = Object.fromEntries(Object.entries(about).map(([name, told]) => [`data-${name}`, told]));
    return [attributes, `${iso(mark.day)}: ${value}`];
  };
  const diamonds = (lane, line, top) => lane.marks.map((mark) => {
    const [x, y, size] = [xOf(mark.day, line), top + HEIGHT / 2, mark.now ? 9 : 6];
    const [about, title] = toldBy(mark, lane, x);
    const points = `${x},${y - size} ${x + size},${y} ${x},${y + size} ${x - size},${y}`;
    return titled("polygon", { class: `mark ${mark.now ? "this" : "dose"}`, points, ...about }, title);
  });
  const point = (mark, lane, x, y) => {
    const [about, title] = toldBy(mark, lane, x);
    return mark.corrected
      ? titled("rect", { class: "mark", x: rounded(x - 3.5), y: rounded(y - 3.5), width: 7, height: 7, ...about }, title)
      : titled("circle", { class: "mark", cx: x, cy: y, r: 4, ...about }, title);
  };
  const values = (lane, line, top) => {
    const all = [...lane.marks.flatMap((mark) => [mark.low, mark.high]), ...(lane.limit === null ? [] : [lane.limit])];
    const low = Math.min(...all), high = Math.max(...all);
    const spread = Math.max(high - low, LEAST_SPREAD * Math.abs(high), 1e-9), base = (low + high - spread) / 2;
    const yOf = (value) => rounded(top + HEIGHT - PAD - ((HEIGHT - 2 * PAD - 4) * (value - base)) / spread);
    const made = [];
    if (lane.limit !== null) {
      const title = text("timeline", "limit", { limit: significant(lane.limit), unit: word("units", lane.unit) });
      const y = yOf(lane.limit);
      made.push(titled("line", { class: "limit", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, "data-limit": lane.limit }, title));
    }
    const middles = lane.marks.map((mark) => [xOf(mark.day, line), yOf((mark.low + mark.high) / 2)]);
    if (middles.length > 1) made.push(svg("polyline", { class: "path", points: middles.join(" ") }));
    lane.marks.forEach((mark, place) => {
      const [x, y] = middles[place];
      if (mark.low < mark.high) made.push(svg("line", { class: "spread", x1: x, x2: x, y1: yOf(mark.low), y2: yOf(mark.high) }));
      made.push(point(mark, lane, x, y));
    });
    for (const [value, y] of [[base + spread, top + 14], [base, top + HEIGHT - 6]]) {
      made.push(svg("text", { x: LEFT - 6, y, "text-anchor": "end" }, significant(value)));
    }
    return made;
  };
  const drawnLane = (lane, line, top) => {
    const name = word("lanes", lane.name), rail = top + HEIGHT - 2;
    const made = [svg("text", { class: "name", x: 0, y: top + 26 }, name), svg("text", { x: 0, y: top + 40 }, word("units", lane.unit))];
    if (lane.window) {
      const [first, last] = lane.window.map((day) => xOf(Math.max(day, line.first), line));
      const title = text("timeline", "window", { lane: name, first: iso(lane.window[0]), last: iso(lane.window[1]) });
      const width = rounded(Math.max(1, last - first));
      made.push(titled("rect", { class: "window", x: first, y: top + 2, width, height: HEIGHT - 6 }, title));
    }
    made.push(svg("line", { class: "rail", x1: LEFT, x2: WIDTH - RIGHT, y1: rail, y2: rail }));
    return [...made, ...(lane.name === "doses" ? diamonds : values)(lane, line, top)];
  };
  const months = (line) => {
    const start = new Date(line.first * DAY), found = [];
    for (let month = 0; ; month += 1) {
      const day = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + month, 1) / DAY;
      if (day > line.last) return found;
      if (day >= line.first) found.push(day);
    }
  };
  const axis = (line, height) => {
    const x = xOf(line.day, line), bottom = height - 22;
    const anchor = x > WIDTH - 150 ? "end" : x < LEFT + 60 ? "start" : "middle";
    const made = [
      svg("line", { class: "now", x1: x, x2: x, y1: TOP - 6, y2: bottom }),
      svg("text", { class: "now", x, y: 11, "text-anchor": anchor }, text("timeline", "this", { day: iso(line.day) })),
      svg("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: bottom, y2: bottom }),
    ];
    const all = months(line), step = Math.max(1, Math.ceil(all.length / 7));
    for (const day of all.filter((_, place) => place % step === 0)) {
      const at = xOf(day, line);
      made.push(svg("line", { class: "axis", x1: at, x2: at, y1: bottom, y2: bottom + 4 }));
      made.push(svg("text", { x: at, y: bottom + 16, "text-anchor": "middle" }, iso(day).slice(0, 7)));
    }
    return made;
  };
  const drawn = (line) => {
    const height = TOP + HEIGHT * line.lanes.length + 22, ends = { first: iso(line.first), last: iso(line.last) };
    const about = { "data-first": ends.first, "data-last": ends.last };
    const label = text("timeline", "label", { ...ends, dose: iso(line.day) });
    const lanes = line.lanes.flatMap((lane, place) => drawnLane(lane, line, TOP + HEIGHT * place));
    const box = { class: "timeline", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label };
    return svg("svg", { ...box, ...about }, ...lanes, ...axis(line, height));
  };

  // ----------------------------------------------------------------------------------------------- the page
  const scrolled = (label, content) => html("div", { class: "scroll", role: "group", tabindex: 0, "aria-label": label }, content);
  const table = (label, columns, rows) => {
    const heads = columns.map((name) => html("th", { scope: "col" }, words.columns[name]));
    return scrolled(label, html("table", {}, html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows)));
  };
  const cells = (texts, mono) => texts.map((told, place) => html("td", mono.includes(place) ? { class: "mono" } : {}, told));
  const english = (tag, told) => html(tag, { lang: "en" }, told);
  const mono = (told) => html("span", { class: "mono" }, told);
  const small = (...children) => html("p", { class: "small" }, ...children);
  const facts = (row, page, texts) => {
    const { labels } = words;
    const given = [["given", row.start], ["product", row.product], ["indication", row.indication || labels.none]];
    const mark = html("span", { "aria-hidden": "true" }, words.outcome_marks[row.verdict]);
    const outcome = html("span", { class: `tag ${row.verdict}` }, mark, ` ${words.outcomes[row.verdict]}`);
    const made = [
      html("p", { class: "said" }, outcome, " ", english("span", row.message)),
      small(`${given.map(([name, told]) => `${labels[name]}: ${told}`).join(" · ")} · ${labels.patient}: `, mono(row.patient),
        ` · ${labels.dose}: `, mono(row.dose)),
    ];
    if (texts[page.judged]) {
      const limit = page.limit === null ? "" : `; ${labels.limit}: ${texts[page.limit]}`;
      made.push(small(`${labels.judged}: ${texts[page.judged]}${limit}`));
    }
    if (page.reasons.length) made.push(small(`${labels.reasons}: ${page.reasons.map((place) => word("reasons", texts[place])).join("; ")}`));
    if (page.decision) {
      const [said, rest] = page.decision.map((place) => texts[place]);
      made.push(html("p", { class: "small decided" }, html("strong", {}, said), rest));
    }
    return made;
  };
  const list = (row, page, texts) => {
    const { labels, sheet } = words, rule = words.rules[row.rule], made = [];
    const add = (term, attributes, ...said) => made.push(html("dt", {}, term), html("dd", attributes, ...said));
    const lines = (parts) => between(parts, () => html("br", {}));
    if (texts[page.margin]) add(sheet.margin, {}, texts[page.margin]);
    if (page.flips.length) add(sheet.flips, {}, ...lines(page.flips.map((place) => [texts[place]])));
    for (const [name, formula, source] of page.formulae.map((parts) => parts.map((place) => texts[place]))) {
      add(name, {}, mono(formula), " ", html("span", { class: "soft" }, `(${source})`));
    }
    const assumed = page.assumptions.map((place) => texts[place]).map((name) => [`${word("assumptions", name)} `, mono(name)]);
    add(labels.assumptions, {}, ...(assumed.length ? lines(assumed) : [labels.none]));
    add(labels.statement, {}, `${row.rule}: `, english("span", rule.statement), ` (${rule.version})`);
    add(labels.source, {}, rule.source);
    add(labels.guidance, { lang: "en" }, rule.guidance);
    return html("dl", { class: "facts" }, ...made);
  };
  const inputs = (row, page, texts) => {
    const rows = page.inputs.map(([role, ...others]) => html("tr", {}, html("th", { scope: "row", lang: "en" }, texts[role]),
      ...cells(others.map((place) => texts[place]), [4, 5])));
    const columns = ["role", "reported", "converted", "time", "age", "resource", "place"];
    return table(`${words.sheet.inputs}, ${row.rule}`, columns, rows);
  };
  const markRows = (line) => line.lanes.flatMap((lane) => lane.marks.map((mark) => html("tr", {},
    html("th", { scope: "row" }, word("lanes", lane.name)),
    ...cells([iso(mark.day), measured(mark.low, mark.high, lane.unit), mark.said, mark.resource], [3]))));
  const around = (row, view, pack) => {
    const line = timelineOf(view, pack), outside = view.outside ? ` ${text("timeline", "outside", { number: view.outside })}` : "";
    const caption = html("figcaption", { class: "small soft" }, words.timeline.legend + outside);
    const columns = ["lane", "day", "value", "reported", "resource"];
    return [
      html("figure", {}, scrolled(`${words.timeline.heading}, ${row.rule}`, drawn(line)), caption),
      html("details", { class: "small" }, html("summary", {}, words.timeline.values),
        table(`${words.timeline.values}, ${row.rule}`, columns, markRows(line))),
    ];
  };
  // row: texts of its columns; pack: findings, marks and texts; place: of the finding in the pack.
  return (row, pack, place) => {
    const page = pack.findings[place], { texts } = pack;
    return html("article", { class: `finding ${row.verdict}` }, ...facts(row, page, texts), html("p", {}, texts[page.dose]),
      list(row, page, texts), ...(page.inputs.length ? [inputs(row, page, texts)] : []),
      ...(page.view ? around(row, page.view, pack) : []));
  };
};
