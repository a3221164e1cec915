"""Pages, as they are written and as a browser shows them."""

import json
import re

import browser
import numpy as np
import pytest

from seqjax import pages
from seqjax.inspect import Reading
from seqjax.pages.writing import write_page

TOKENS = [
    *'He said, "</script><b>&amp;\u2028',
    "<EOS>",
    *"an “é” 🦖. She went away, far.",
]
T = len(TOKENS)


def reading(seed):
    """A reading of random numbers over many orders of magnitude."""
    rng = np.random.default_rng(seed)
    norms = np.tril(10 ** rng.uniform(-4, 1, (T, T)))
    return Reading(
        TOKENS,
        np.log(rng.uniform(size=T)),
        [[(TOKENS[i], 0.5), ("z", 0.1)] for i in rng.integers(T, size=T)],
        norms,
        {"state h": rng.normal(size=(T, 4)), "gate u": rng.uniform(size=(T, 4))},
    )


def held(seed):
    quantities = reading(seed).quantities
    return pages.Held(TOKENS, quantities, [i % 3 == 0 for i in range(T)], "P = 0.9")


HIGHLIGHTS = [
    pages.Highlight("two", "state h", 2, "knows </script> best", -0.25),
    pages.Highlight("one", "gate u", 3, "is a gate"),
]


def write(kind, folder):
    path = folder / f"{kind}.html"
    title = f"<{kind}> & more"
    if kind == "connectivity":
        both = {"one": reading(1), "<two>": reading(2)}
        pages.connectivity(path, both, title=title, chosen=18)
    else:
        both = {"one": held(1), "two": held(2)}
        how = {"title": title, "highlights": HIGHLIGHTS, "marked": "every third"}
        getattr(pages, kind)(path, both, **how)
    return path


KINDS = ["connectivity", "characters", "heat_map"]
pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def tab():
    with browser.opened() as one:
        yield one


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_one_file_that_asks_for_nothing(kind, tmp_path):
    text = write(kind, tmp_path).read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == [f"{kind}.html"]
    assert not re.search(r"https?:|//\w|\b(src|href|url|import)\s*[=(]", text)
    assert "default-src 'none'" in text and text.count("</script>") == 2
    (content,) = re.findall(r'id="data">(.*?)</script>', text, re.S)
    data = json.loads(content)
    first = data["networks"]["one"] if kind != "connectivity" else data
    assert first["tokens"] == TOKENS
    assert f"<title>&lt;{kind}&gt; &amp; more</title>" in text


def test_numbers_that_are_not_finite_leave_no_page(tmp_path):
    with pytest.raises(ValueError):
        write_page(tmp_path / "a.html", "states", {"x": np.nan}, title="", about="")
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_is_refused(tmp_path):
    path, one = tmp_path / "a.html", held(1)
    other = reading(2)._replace(tokens=TOKENS[::-1])
    for readings in ({}, {"a": reading(1), "b": other}):
        with pytest.raises(ValueError, match="at least one|same tokens"):
            pages.connectivity(path, readings, title="")
    short = one._replace(quantities={"state h": np.ones((T - 1, 2))})
    for wrong in ({}, {"a": short}, {"a": one._replace(marks=[True])}):
        with pytest.raises(ValueError):
            pages.characters(path, wrong, title="")
    with pytest.raises(ValueError, match="highlight"):
        far = [pages.Highlight("a", "state h", 9, "")]
        pages.heat_map(path, {"a": one}, title="", highlights=far)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_browser_shows_it_offline_on_any_screen(kind, dark, tab, tmp_path):
    path = write(kind, tmp_path)
    for width in (1200, 390):
        tab.open(path, width, dark)
        assert tab.complaints() == []
        assert tab.ask("document.title") == f"<{kind}> & more"
        assert tab.ask("document.documentElement.scrollWidth") <= width
    assert not tab.ask("document.querySelector('b')"), "text is no markup"
    tab.picture(tmp_path / "page.png")
    paper = tab.ask("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 22, 26)" if dark else "rgb(255, 255, 255)")


SHADES = """[...document.querySelectorAll('.text')].map((text) =>
  [text.querySelector('.start'), ...text.querySelectorAll('.token')].map((node) => {
    const parts = getComputedStyle(node).backgroundColor.match(/[\\d.]+/g).map(Number);
    return parts.length > 3 ? parts[3] : 1;
  }))"""
CHOSEN = "Number(document.querySelector('.token.chosen').dataset.index)"


def shades_of(readings, t):
    """The share of the largest norm, of the beginning and of each letter."""
    rows = [r.connectivity[t, : t + 1] / r.connectivity[t].max() for r in readings]
    return [np.concatenate([row, np.zeros(T - t)]) for row in rows]


def assert_shades(tab, t):
    assert tab.ask(CHOSEN) == t
    found = np.array(tab.ask(SHADES))
    expected = shades_of((reading(1), reading(2)), t)
    np.testing.assert_allclose(found, expected, atol=6e-3)  # a colour has 8 bits
    assert (found > 0.1).sum(axis=1).min() > 0


def test_the_shades_are_the_numbers_by_pointer_and_by_key(tab, tmp_path):
    tab.open(write("connectivity", tmp_path))
    assert_shades(tab, 18)
    tab.point(".token[data-index='20']", click=True)
    assert_shades(tab, 20)
    tab.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert_shades(tab, 21)
    tab.point(".token[data-index='8']")
    assert_shades(tab, 8)
    tab.point("h1")
    assert_shades(tab, 21)
    tab.press("End")
    assert_shades(tab, T - 1)
    tab.press("Home", "ArrowLeft")
    assert_shades(tab, 0)
    said = tab.ask("document.querySelector('p.status').textContent")
    p = np.exp(reading(1).log_p[0])
    assert f"letter 1 of {T}, “H”: P = {p:.3f}" in said
    line = "document.querySelectorAll('.token')[{}].getBoundingClientRect().top"
    tab.press("ArrowDown")
    below = tab.ask(CHOSEN)
    assert tab.ask(line.format(below)) > tab.ask(line.format(0))
    tab.press("ArrowUp")
    assert_shades(tab, 0)
    assert tab.complaints() == []


def test_shades_may_be_orders_of_magnitude(tab, tmp_path):
    tab.open(write("connectivity", tmp_path))
    tab.ask("scale.value = 'log'; scale.dispatchEvent(new Event('change'))")
    t = 18
    with np.errstate(divide="ignore"):
        shares = np.log10(shades_of((reading(1), reading(2)), t))
    found = np.array(tab.ask(SHADES))
    np.testing.assert_allclose(found, np.maximum(0, 1 + shares / 3), atol=6e-3)


COLOURS = """[...document.querySelectorAll('{}')].map((node) =>
  getComputedStyle(node).backgroundColor.match(/[\\d.]+/g).map(Number))"""


def signed(tab, selector):
    """Colours as numbers: orange is positive, blue negative, each by how strong."""
    found = []
    for red, _, blue, *alpha in tab.ask(COLOURS.format(selector)):
        found.append((1 if red > blue else -1) * (alpha[0] if alpha else 1))
    return np.array(found)


def choose(tab, name, value):
    node = f"document.getElementById('{name}')"
    tab.ask(f"{node}.value = {value!r}; {node}.dispatchEvent(new Event('change'))")


def test_characters_have_the_colours_of_the_chosen_unit(tab, tmp_path):
    tab.open(write("characters", tmp_path))
    h = held(2).quantities["state h"][:, 2]

    def assert_colours(values, level=0.0):
        expected = (values - level) / np.abs(values - level).max()
        np.testing.assert_allclose(signed(tab, ".token"), expected, atol=6e-3)

    assert_colours(h, -0.25)
    choose(tab, "level", "mean")
    assert_colours(h, h.mean())
    choose(tab, "unit", "1")
    h = held(2).quantities["state h"][:, 1]
    assert_colours(h, h.mean())
    choose(tab, "network", "one")
    choose(tab, "level", "zero")
    assert_colours(held(1).quantities["state h"][:, 1])
    tab.point("#highlights button:last-child", click=True)
    u = held(1).quantities["gate u"][:, 3]
    assert_colours(u)
    tab.point(".token[data-index='11']", click=True)
    tab.press("ArrowRight")
    said = tab.ask("document.getElementById('status').textContent")
    assert said.startswith(f"one: gate u, unit 3, after character 13 of {T}")
    assert float(said.split(": ")[-1]) == pytest.approx(u[12], rel=1e-2)
    marked = tab.ask("document.querySelectorAll('.token.marked').length")
    assert marked == sum(held(1).marks) and tab.complaints() == []


def test_a_heat_map_has_a_row_a_unit_and_can_be_walked(tab, tmp_path):
    tab.open(write("heat_map", tmp_path))
    h = held(2).quantities["state h"]
    rows = tab.ask("[...document.querySelectorAll('tbody th')].map(n => n.textContent)")
    assert rows == ["★ unit 2", "unit 0", "unit 1", "unit 3"]
    found = signed(tab, "tbody td").reshape(4, T)
    expected = h.T[[2, 0, 1, 3]] / np.abs(h).max()
    np.testing.assert_allclose(found, expected, atol=6e-3)
    tab.point("tbody tr:nth-child(2) td:nth-of-type(4)", click=True)
    tab.press("ArrowDown", "ArrowLeft", "ArrowLeft")
    said = tab.ask("document.getElementById('status').textContent")
    assert said.startswith(f"two: state h, unit 1, after word 2 of {T}, “e”: ")
    assert float(said.split(": ")[-1]) == pytest.approx(h[1, 1], rel=1e-2)
    label = tab.ask("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("unit 1, e: ") and tab.complaints() == []
