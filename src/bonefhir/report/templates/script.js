// Filters, sorts and opens what the page already holds. It fetches nothing: data are unpacked from the page itself.
(async () => {
  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };
  const byId = (id) => document.getElementById(id);
  const data = await unpack(byId("findings-data").textContent);
  const { labels, columns, rows, cube, doses } = data;
  const at = Object.fromEntries(columns.map((name, place) => [name, place]));
  const word = (name, row) => {
    const value = row[at[name]];
    return name in data.words ? data.words[name][value] : value;
  };
  const show = (name, row) => { const text = word(name, row); return (data.shown[name] || {})[text] || text || "–"; };

  // ------------------------------------------------------------------------------------------------ filters
  const form = byId("filters");
  const exact = ["verdict", "severity", "product", "indication", "site", "rule", "decision"];
  const chosen = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  const within = (month, f) => !(f.from && (!month || month < f.from)) && !(f.to && (!month || month > f.to));
  const texts = rows.map((row) => columns.map((name) => word(name, row)).join(" ").toLowerCase());
  const passes = (row, number, f) =>
    exact.every((name) => !(name in f) || word(name, row) === f[name] || (f[name] === "none" && !word(name, row))) &&
    within(word("month", row), f) && (!f.words || texts[number].includes(f.words.toLowerCase()));

  // ------------------------------------------------------------------------------- the table of findings
  const box = byId("findings-box"), body = byId("findings-body"), table = byId("findings-table");
  const HEIGHT = 44, MORE = 12;
  let listed = rows.map((_, number) => number), sort = null, drawn = "";
  const cell = (tag, text, name) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.textContent = text;
    return made;
  };
  const spacer = (height) => {
    const row = document.createElement("tr");
    row.className = "spacer";
    row.setAttribute("aria-hidden", "true");
    const filled = row.appendChild(document.createElement("td"));
    filled.colSpan = data.listed.length + 1;
    filled.style.height = `${height}px`;
    return row;
  };
  const rowOf = (number, place) => {
    const made = document.createElement("tr");
    made.setAttribute("aria-rowindex", place + 2);
    made.dataset.finding = number;
    const open = made.appendChild(document.createElement("td")).appendChild(cell("button", labels.open));
    open.type = "button";
    open.setAttribute("aria-label", `${labels.open}: ${word("rule", rows[number])}, ${word("dose", rows[number])}`);
    open.addEventListener("click", () => openFinding(number));
    for (const name of data.listed) {
      const td = made.appendChild(cell("td", "", `c-${name}`));
      const text = show(name, rows[number]);
      td.title = text;
      if (name === "message") td.lang = "en";  // in every language, as in the tables
      td.appendChild(cell("span", name === "verdict" ? `${data.marks[word(name, rows[number])]} ${text}` : text,
        name === "verdict" || name === "severity" ? word(name, rows[number]) : ""));
    }
    return made;
  };
  const draw = (force) => {
    const first = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - MORE);
    const last = Math.min(listed.length, first + Math.ceil(box.clientHeight / HEIGHT) + 2 * MORE);
    if (!force && drawn === `${first}-${last}`) return;
    drawn = `${first}-${last}`;
    const parts = listed.slice(first, last).map((number, place) => rowOf(number, first + place));
    const held = document.activeElement.closest?.("tr[data-finding]")?.dataset.finding;
    body.replaceChildren(spacer(first * HEIGHT), ...parts, spacer((listed.length - last) * HEIGHT));
    if (held) focusOn(held);
  };
  // The rows are made anew while somebody goes through them by keyboard: the focus stays with its finding.
  const focusOn = (number) => {
    const button = body.querySelector(`tr[data-finding="${number}"] button`);
    (button || box).focus({ preventScroll: true });
  };
  const compare = (a, b) => (a > b) - (a < b);
  const arrange = (f) => {
    listed = rows.map((_, number) => number).filter((number) => passes(rows[number], number, f));
    if (sort) {
      const key = listed.map((number) => [word(sort.name, rows[number]) ?? "", number]);
      key.sort((a, b) => sort.sign * compare(a[0], b[0]) || a[1] - b[1]);
      listed = key.map(([, number]) => number);
    }
    table.setAttribute("aria-rowcount", listed.length + 1);
    byId("findings-count").textContent = labels.count.replace("{shown}", number(listed.length)).replace("{all}", number(rows.length));
    box.scrollTop = 0;
    draw(true);
  };
  for (const button of table.querySelectorAll("thead button")) {
    button.addEventListener("click", () => {
      const name = button.dataset.name;
      sort = { name, sign: sort && sort.name === name ? -sort.sign : 1 };
      for (const head of table.querySelectorAll("thead th")) head.removeAttribute("aria-sort");
      button.closest("th").setAttribute("aria-sort", sort.sign > 0 ? "ascending" : "descending");
      arrange(chosen());
    });
  }
  box.addEventListener("scroll", () => requestAnimationFrame(() => draw(false)));

  // ---------------------------------------------------------------------------------------- one finding
  const packs = document.querySelectorAll("script.sheets"), unpacked = new Map();
  let opened = null;
  const pageOf = findingPages(data.page_words);
  const openFinding = async (number) => {
    const [pack, place] = data.pages[number];
    if (!unpacked.has(pack)) unpacked.set(pack, await unpack(packs[pack].textContent));
    const row = Object.fromEntries(columns.map((name) => [name, word(name, rows[number])]));
    byId("finding-content").replaceChildren(pageOf(row, unpacked.get(pack), place));
    const section = byId("finding");
    opened = number;
    section.hidden = false;
    history.replaceState(null, "", `#f=${word("finding", rows[number])}`);
    byId("finding-heading").focus();
    section.scrollIntoView();
  };
  byId("finding-close").addEventListener("click", () => {
    byId("finding").hidden = true;
    history.replaceState(null, "", "#findings");
    byId("findings").scrollIntoView();
    focusOn(opened);
  });

  // ------------------------------------------------------------------------------------ the table of rules
  const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, labels.thousands);
  const percent = (share) => `${(100 * share).toFixed(1).replace(".", labels.decimal)}\u00a0%`;
  const wilson = (k, n) => {  // Newcombe 1998, method 3
    const z = 1.959963984540054, p = k / n, scale = 1 + z * z / n;
    const middle = p + z * z / (2 * n), half = z * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return [Math.max(0, Math.min(p, (middle - half) / scale)), Math.min(1, Math.max(p, (middle + half) / scale))];
  };
  const sliced = ["product", "indication", "site"];
  const inSlice = (row, f) => sliced.every((name, place) => !(name in f) || data.words[name][row[place]] === f[name]) &&
    within(data.words.month[row[3]], f);
  const ruleRows = [...document.querySelectorAll("#rules-table tbody tr[data-rule]")];
  const recount = (f) => {
    const all = doses.filter((row) => inSlice(row, f)).reduce((sum, row) => sum + row[4], 0);
    const sums = new Map();
    for (const row of cube) {
      if (!inSlice(row, f)) continue;
      const sum = sums.get(row[4]) || [0, 0, 0];
      for (let i = 0; i < 3; i += 1) sum[i] += row[5 + i];
      sums.set(row[4], sum);
    }
    for (const row of ruleRows) {
      const [pass, fail, open] = sums.get(data.words.rule.indexOf(row.dataset.rule)) || [0, 0, 0];
      const of = pass + fail, cells = row.querySelectorAll("td");
      row.hidden = Boolean((f.severity && row.dataset.severity !== f.severity) || (f.rule && row.dataset.rule !== f.rule));
      [cells[1].textContent, cells[2].textContent] = [number(fail), number(of)];
      cells[3].textContent = of ? percent(fail / of) : "–";
      const [low, high] = of ? wilson(fail, of) : [0, 0];
      cells[4].replaceChildren(of ? `${percent(low)} – ${percent(high)}` : "–");
      [cells[5].textContent, cells[6].textContent] = [number(open), number(all - of - open)];
      row.sortKeys = [row.dataset.rule, data.severities.indexOf(row.dataset.severity), fail, of, of ? fail / of : -1, low, open, all - of - open];
    }
  };
  const heads = [...document.querySelectorAll("#rules-table thead th")];
  let rulesSort = null;
  heads.forEach((head, place) => {
    const button = cell("button", head.textContent);
    button.type = "button";
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      rulesSort = { place, sign: rulesSort && rulesSort.place === place ? -rulesSort.sign : 1 };
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rulesSort.sign > 0 ? "ascending" : "descending");
      const order = [...ruleRows].sort((a, b) => rulesSort.sign * compare(a.sortKeys[place], b.sortKeys[place]));
      if (order.length) order[0].parentNode.append(...order);
    });
  });

  // ------------------------------------------------------------------------------------------------ start
  const options = (name, values) => {
    const select = form.elements[name];
    for (const value of values) select.add(new Option((data.shown[name] || {})[value] || value, value));
  };
  for (const name of ["verdict", "severity", "product", "indication", "site", "rule"]) options(name, data.choices[name]);
  options("decision", [...data.choices.decision, "none"]);
  for (const name of ["from", "to"]) options(name, data.choices.month);
  const apply = () => { const f = chosen(); recount(f); arrange(f); };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply, 0));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  if (ruleRows.length) recount({});
  arrange({});
  const linked = location.hash.match(/^#f=(\w+)$/);
  const place = linked ? rows.findIndex((row) => word("finding", row) === linked[1]) : -1;
  if (place >= 0) await openFinding(place);
  document.documentElement.dataset.ready = Math.round(performance.now());  // milliseconds since the page was asked for
})();
