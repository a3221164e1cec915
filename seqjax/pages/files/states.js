const byId = (id) => document.getElementById(id);
const isGrid = data.layout === "grid";
const names = Object.keys(data.networks);
const first = data.highlights[0] ?? { network: names[0], quantity: Object.keys(data.networks[names[0]].quantities)[0], unit: 0 };
const now = { network: first.network, quantity: first.quantity, unit: first.unit, kept: 0, level: "given" };

const network = () => data.networks[now.network];
const values = () => network().quantities[now.quantity];
const extent = (rows) => rows.reduce((most, row) => row.reduce((m, x) => Math.max(m, Math.abs(x)), most), 0);
const color = (x, limit) => (limit > 0 ? tint(x > 0 ? "orange" : "blue", Math.abs(x) / limit) : "transparent");
const fill = (select, options, chosen, label = (name) => name) => {
  select.replaceChildren(...options.map((name) => make("option", { value: name, textContent: label(name), selected: name === chosen })));
};

/* The level of a unit that has no colour: zero, its mean in this text, or a given one. */
function levels(row) {
  const noted = data.highlights.find((h) => h.network === now.network && h.quantity === now.quantity && h.unit === now.unit);
  const found = { zero: 0, mean: row.reduce((a, b) => a + b, 0) / row.length };
  return noted?.level ? { given: noted.level, ...found } : found;
}

function legend(limit, rows, level) {
  const isOneSided = level === 0 && rows.every((row) => row.every((x) => x >= 0));
  byId("bar").className = isOneSided ? "bar one-sided" : "bar two-sided";
  byId("low").textContent = number(isOneSided ? 0 : level - limit);
  byId("high").textContent = number(level + limit);
  byId("marked").textContent = data.marked ? `Underlined: ${data.marked}.` : "";
  byId("says").textContent = network().says;
}

function say(unit, step) {
  const { tokens } = network();
  byId("status").textContent =
    `${now.network}: ${now.quantity}, unit ${unit}, after ${isGrid ? "word" : "character"} ${step + 1} of ${tokens.length}, ` +
    `${spoken(tokens[step])}: ${number(values()[unit][step])}`;
}

function drawText() {
  const { tokens, marks } = network();
  const row = values()[now.unit];
  const text = makeText(tokens, data.separator, "the text; choose a character", (i, isKept) => {
    if (isKept) now.kept = i;
    text.choose(i ?? now.kept, isKept);
    say(now.unit, i ?? now.kept);
  });
  const known = levels(row);
  if (!(now.level in known)) now.level = "zero";
  fill(byId("level"), Object.keys(known), now.level, (name) => (name === "zero" ? name : `${name === "mean" ? "the unit's mean" : "the best cut"}, ${number(known[name])}`));
  const level = known[now.level];
  const distances = row.map((x) => x - level);
  const limit = extent([distances]);
  text.spans.forEach((span, i) => {
    span.style.backgroundColor = color(distances[i], limit);
    span.classList.toggle("marked", marks[i]);
  });
  byId("place").replaceChildren(text.box);
  text.choose(now.kept, true);
  legend(limit, [row], level);
  say(now.unit, now.kept);
}

/* Rows that are highlighted come first. */
function order() {
  const noted = data.highlights.filter((h) => h.network === now.network && h.quantity === now.quantity).map((h) => h.unit);
  return [...new Set([...noted, ...values().keys()])].map((unit) => ({ unit, isNoted: noted.includes(unit) }));
}

function drawGrid() {
  const { tokens, marks } = network();
  const rows = order(), all = values(), limit = extent(all);
  const head = make("tr", {}, make("td", { hidden: false, className: "corner" }));
  head.firstChild.style.border = "0";
  tokens.forEach((token, i) => head.append(make("th", { scope: "col", className: marks[i] ? "marked" : "" }, make("span", { textContent: token }))));
  const cells = rows.map(({ unit }) => tokens.map((_, step) => {
    const cell = make("td", { tabIndex: -1 });
    cell.style.backgroundColor = color(all[unit][step], limit);
    cell.setAttribute("role", "gridcell");
    cell.setAttribute("aria-label", `unit ${unit}, ${tokens[step]}: ${number(all[unit][step])}`);
    return cell;
  }));
  const body = rows.map(({ unit, isNoted }, r) =>
    make("tr", { className: isNoted ? "noted" : "" }, make("th", { scope: "row", textContent: (isNoted ? "★ " : "") + `unit ${unit}` }), ...cells[r]));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", `${now.quantity} of ${now.network}: units by words`);
  const choose = (r, step, isFocused) => {
    table.querySelector(".chosen")?.classList.remove("chosen");
    for (const cell of table.querySelectorAll('td[tabindex="0"]')) cell.tabIndex = -1;
    const cell = cells[r][step];
    cell.classList.add("chosen");
    cell.tabIndex = 0;
    if (isFocused) cell.focus();
    say(rows[r].unit, step);
  };
  const at = (cell) => {
    const r = cells.findIndex((row) => row.includes(cell));
    return r < 0 ? null : [r, cells[r].indexOf(cell)];
  };
  let kept = [0, 0];
  const keep = (place) => choose(...(kept = place), true);
  table.addEventListener("click", (event) => { const place = at(event.target); if (place) keep(place); });
  table.addEventListener("mouseover", (event) => { const place = at(event.target); if (place) say(rows[place[0]].unit, place[1]); });
  table.addEventListener("mouseleave", () => say(rows[kept[0]].unit, kept[1]));
  table.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const within = (x, most) => Math.min(Math.max(x, 0), most - 1);
    keep([within(kept[0] + step[0], rows.length), within(kept[1] + step[1], tokens.length)]);
  });
  byId("place").replaceChildren(make("div", { className: "scroll" }, table));
  choose(0, 0, false);
  legend(limit, all, 0);
}

function draw() {
  fill(byId("network"), names, now.network);
  const quantities = Object.keys(network().quantities);
  if (!quantities.includes(now.quantity)) now.quantity = quantities[0];
  fill(byId("quantity"), quantities, now.quantity);
  now.unit = Math.min(Math.max(Math.round(now.unit) || 0, 0), values().length - 1);
  now.kept = Math.min(now.kept, network().tokens.length - 1);
  byId("unit").max = values().length - 1;
  byId("unit").value = now.unit;
  for (const button of byId("highlights").children) {
    const h = data.highlights[button.value];
    button.setAttribute("aria-pressed", String(h.network === now.network && h.quantity === now.quantity && (isGrid || h.unit === now.unit)));
  }
  isGrid ? drawGrid() : drawText();
}

data.highlights.forEach((h, i) => {
  const button = make("button", { type: "button", value: i, textContent: `${h.network}: ${h.quantity}, unit ${h.unit} – ${h.why}` });
  button.addEventListener("click", () => { Object.assign(now, { network: h.network, quantity: h.quantity, unit: h.unit, level: "given" }); draw(); });
  byId("highlights").append(button);
});
byId("unit-label").hidden = byId("level-label").hidden = isGrid;
byId("network").addEventListener("change", (e) => { now.network = e.target.value; draw(); });
byId("quantity").addEventListener("change", (e) => { now.quantity = e.target.value; draw(); });
byId("level").addEventListener("change", (e) => { now.level = e.target.value; draw(); });
byId("unit").addEventListener("change", (e) => { now.unit = Number(e.target.value); draw(); });
draw();
