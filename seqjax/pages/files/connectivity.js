const { tokens, separator, networks } = data;
const DECADES = 3;
const word = separator ? "word" : "letter";
const scale = document.getElementById("scale");
const live = document.getElementById("live");
let kept = data.chosen, shown = kept;

const share = (value, most) => {
  if (!(most > 0) || value <= 0) return 0;
  const part = value / most;
  return scale.value === "linear" ? part : Math.max(0, 1 + Math.log10(part) / DECADES);
};

/* How many of the latest inputs hold half of the sum of the norms. */
const reach = (norms) => {
  const half = norms.reduce((a, b) => a + b, 0) / 2;
  let sum = 0, count = 0;
  while (count < norms.length && sum < half) sum += norms[norms.length - ++count];
  return count;
};

const change = (i, isKept) => {
  if (isKept) kept = i;
  shown = i ?? kept;
  draw();
  if (isKept) live.textContent = panels.map((panel) => panel.network.name + ": " + panel.status.textContent).join(" ");
};

const panels = networks.map((network) => {
  const text = makeText(tokens, separator, `what ${network.name} read; choose a ${word}`, change);
  const start = make("span", { className: "start", title: "the beginning of the text" }, "▸" + separator);
  text.box.prepend(start);
  const most = make("span");
  const legend = make("div", { className: "legend" }, "did not matter", make("span", { className: "bar one-sided" }), most);
  const status = make("p", { className: "status" });
  document.getElementById("panels").append(make("section", {}, make("h2", { textContent: network.name }), legend, text.box, status));
  return { network, text, start, most, status };
});

function draw() {
  for (const { network, text, start, most, status } of panels) {
    const norms = network.norms[shown];
    const largest = Math.max(...norms);
    start.style.backgroundColor = tint("orange", share(norms[0], largest));
    text.choose(shown, shown === kept);
    text.spans.forEach((span, j) => {
      span.style.backgroundColor = tint("orange", j < shown ? share(norms[j + 1], largest) : 0);
      span.classList.toggle("later", j > shown);
    });
    most.textContent = `mattered most: ${number(largest)} nats per unit of length of the embedding`;
    const guesses = network.likeliest[shown].map(([token, p]) => `${spoken(token)} ${p.toFixed(2)}`).join(", ");
    const at = norms.indexOf(largest);
    const where = at === 0 ? "the beginning of the text" : `${spoken(tokens[at - 1])}, ${shown - at + 1} back`;
    status.textContent =
      `${word} ${shown + 1} of ${tokens.length}, ${spoken(tokens[shown])}: P = ${Math.exp(network.logP[shown]).toFixed(3)}; ` +
      `likeliest here: ${guesses}. Mattered most: ${where}. ` +
      `Half of all norms together lies within the last ${reach(norms)} of ${norms.length} inputs.`;
  }
}
scale.addEventListener("change", draw);
draw();
