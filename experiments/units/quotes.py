"""The unit that knows whether it is inside quotes, and a passage in its colours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.shared.run import Run
from experiments.units.data import (
    CLOSING,
    EITHER,
    OPENING,
    as_text,
    inside_quotes,
)
from experiments.units.model import quote_states
from seqjax import figures, inspect, pages
from seqjax.data import Corpus
from seqjax.figures.held import Coloured
from seqjax.inspect import Reading, UnitFit
from seqjax.predict import LanguagePredictor

LENGTH = 480  # characters of a passage, at most
MARKED = "inside quotes"
WHERE = "coloured by the unit that knows best whether it is inside quotes"


def find_unit(reader: LanguagePredictor, corpus: Corpus) -> UnitFit:
    """The unit that is chosen on the validation part, and measured on the test part."""
    parts = (quote_states(reader, lines) for lines in (corpus.valid, corpus.test))
    return inspect.best_unit(*(array for part in parts for array in part))


def find_units(
    reader: LanguagePredictor, untrained: Any, corpus: Corpus
) -> dict[str, Any]:
    """The units of a trained network and of the same before training, as numbers."""
    both = reader, replace(reader, variables=untrained)
    units = [find_unit(one, corpus)._asdict() for one in both]
    return dict(zip(("quote_unit", "quote_unit_untrained"), units, strict=True))


def passage(lines: Sequence[str]) -> str:
    """A piece of held-out text from one sentence's start, half of it inside quotes.

    It has no quotation in a quotation and at least two of them, if there is such one.
    """
    pieces = [piece for line in lines for piece in _pieces(line) if piece]
    good = [piece for piece in pieces if _changes(piece) == _marks(piece) >= 4]
    shares = [inside_quotes(piece).mean() for piece in good or pieces]
    return (good or pieces)[int(np.abs(np.array(shares) - 0.5).argmin())]


def _changes(text: str) -> int:
    """How often a text goes into quotes or out of them."""
    return int(np.diff(inside_quotes(text), prepend=False).sum())


def _marks(text: str) -> int:
    return sum(character in OPENING + CLOSING + EITHER for character in text)


def last_end(text: str) -> int:
    """The place of the last mark that closes a quotation, or of the last character."""
    ends = np.flatnonzero(np.diff(inside_quotes(text).astype(int), prepend=0) < 0)
    return int(ends[-1]) if len(ends) else len(text) - 1


def _pieces(line: str) -> list[str]:
    """The pieces of a line that begin and end with a sentence outside of quotes."""
    inside = inside_quotes(line)
    ends = [
        i + 1
        for i, c in enumerate(line[:-1])
        if c in '.!?"”»' and not inside[i] and line[i + 1] == " "
    ]
    pieces = []
    for start in [0, *ends]:
        stop = max((end for end in ends if end - start <= LENGTH), default=0)
        stop = stop if stop > start + LENGTH / 2 else start + LENGTH
        pieces.append(line[start:stop].strip())
    return pieces


def draw(
    run: Run, readings: Mapping[str, Reading], results: Mapping[str, dict[str, Any]]
) -> None:
    """Draws a passage as each network reads it: two pages and a figure.

    Args:
      run: into whose folder.
      readings: of the passage, by cell.
      results: of the same cells, with the unit of each.
    """
    (run.folder / "pages").mkdir(exist_ok=True)
    held, highlights, panels = {}, [], []
    for cell, reading in readings.items():
        unit, before = (
            UnitFit(**results[cell][name])
            for name in ("quote_unit", "quote_unit_untrained")
        )
        text = as_text(reading.tokens)
        inside = inside_quotes(text).tolist()
        held[cell] = pages.Held(reading.tokens, reading.quantities, inside)
        areas = f"{unit.area:.3f} (untrained {before.area:.3f})"
        why = f"{MARKED}: area under the ROC curve {areas}"
        place = cell, unit.quantity, unit.unit
        highlights.append(pages.Highlight(*place, why, unit.threshold))
        values = reading.quantities[unit.quantity][:, unit.unit]
        title = f"{cell}: {unit.quantity}, unit {unit.unit}, {why}"
        panels.append(Coloured(title, text, values, inside, unit.threshold))
    names = ", ".join(readings)
    about = {"title": f"{names}: a held-out text, {WHERE}", "marked": MARKED}
    path = run.folder / "pages" / "characters.html"
    pages.characters(path, held, highlights=highlights, **about)
    run.figure(figures.coloured_text, "characters", panels, **about)
    path = run.folder / "pages" / "connectivity.html"
    title = f"{names}: what each letter looked back to"
    first = next(iter(readings.values()))
    at = last_end(as_text(first.tokens))
    pages.connectivity(path, readings, title=title, chosen=at)
