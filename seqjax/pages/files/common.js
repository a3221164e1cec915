const data = JSON.parse(document.getElementById("data").textContent);

const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};

const NAMES = { " ": "space", "\n": "line break", "\t": "tab", "<EOS>": "line break" };
const spoken = (token) => NAMES[token] ?? `“${token}”`;
const number = (x) => (x === 0 ? "0" : Math.abs(x) < 1e-3 || Math.abs(x) >= 1e4 ? x.toExponential(1) : x.toPrecision(3));
const tint = (color, share) => (share > 0 ? `rgba(var(--${color}), ${share.toFixed(4)})` : "transparent");

/* A text whose tokens are options of a listbox: one can be chosen by pointer or keys. */
function makeText(tokens, separator, label, onChange) {
  const box = make("div", { className: "text", tabIndex: 0 });
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", label);
  const id = `text${document.querySelectorAll(".text").length}-${Math.random().toString(36).slice(2, 8)}`;
  const spans = tokens.map((token, i) => {
    const isBreak = token === "<EOS>" || token === "\n";
    const span = make("span", { className: "token", id: `${id}-${i}` }, isBreak ? "⏎" : token);
    span.setAttribute("role", "option");
    span.setAttribute("aria-label", spoken(token).replace(/[“”]/g, ""));
    span.dataset.index = i;
    if (i && separator) box.append(separator);
    box.append(span);
    if (isBreak) box.append("\n");
    return span;
  });
  const indexOf = (event) => event.target.closest?.(".token")?.dataset.index;
  const vertical = (from, direction) => {
    const at = spans[from].getBoundingClientRect();
    let best = from, nearest = Infinity;
    spans.forEach((span, i) => {
      const to = span.getBoundingClientRect();
      const down = (to.top - at.top) * direction;
      if (down < at.height / 2) return;
      const distance = 1000 * down + Math.abs(to.left - at.left);
      if (distance < nearest) [best, nearest] = [i, distance];
    });
    return best;
  };
  const moves = {
    ArrowLeft: (i) => i - 1, ArrowRight: (i) => i + 1,
    ArrowUp: (i) => vertical(i, -1), ArrowDown: (i) => vertical(i, 1),
    Home: () => 0, End: () => spans.length - 1,
  };
  let chosen = 0;
  box.addEventListener("keydown", (event) => {
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onChange(Math.min(Math.max(moves[event.key](chosen), 0), spans.length - 1), true);
  });
  box.addEventListener("click", (event) => {
    const i = indexOf(event);
    if (i !== undefined) onChange(Number(i), true);
  });
  box.addEventListener("mouseover", (event) => {
    const i = indexOf(event);
    if (i !== undefined) onChange(Number(i), false);
  });
  box.addEventListener("mouseleave", () => onChange(null, false));
  const choose = (i, isKept) => {
    spans.forEach((span, j) => {
      span.classList.toggle("chosen", j === i);
      span.setAttribute("aria-selected", String(j === i));
    });
    if (isKept) chosen = i;
    box.setAttribute("aria-activedescendant", spans[i].id);
  };
  return { box, spans, choose };
}
