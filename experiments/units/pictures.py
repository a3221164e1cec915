"""The sentences' heat map, of trained networks and of the one set by hand."""

from collections.abc import Mapping
from typing import Any

from experiments.shared.run import Run
from experiments.units.by_hand import NUMBER
from experiments.units.sentences import SHOWN, shown
from seqjax import figures, pages
from seqjax.figures.held import HeldUnits
from seqjax.inspect import UnitFit
from seqjax.predict import ClassPredictor

MOST = 16  # units of a network that are drawn
MARKED = "from the subject until the verb"
HAND = "state h"


def draw_sentences(
    run: Run,
    readers: Mapping[str, ClassPredictor],
    results: Mapping[str, dict[str, Any]],
) -> None:
    """Draws what is held along two sentences: a page and a figure.

    Args:
      run: into whose folder.
      readers: of sentences, by cell.
      results: of the same cells, with the unit of each.
    """
    (run.folder / "pages").mkdir(exist_ok=True)
    highlights, panels = [], []
    held = shown(dict(readers))
    for name, one in held.items():
        result = next((results[c] for c in readers if name.startswith(f"{c},")), None)
        quantity, unit, why = _unit(result)
        highlights.append(pages.Highlight(name, quantity, unit, why))
        values = one.quantities[quantity]
        units = [unit, *(u for u in range(values.shape[1]) if u != unit)][:MOST]
        title = f"{name} {quantity}; {one.says}; unit {unit}: {why}"
        shown_units = values[:, units]
        panels.append(HeldUnits(title, one.tokens, shown_units, units, one.marks or []))
    title = "the unit that holds the subject's number"
    rows = [panels[i : i + len(SHOWN)] for i in range(0, len(panels), len(SHOWN))]
    run.figure(figures.held_units, "sentence", rows, title=title, marked=MARKED)
    path = run.folder / "pages" / "sentence.html"
    pages.heat_map(path, held, title=title, highlights=highlights, marked=MARKED)


def _unit(result: dict[str, Any] | None) -> tuple[str, int, str]:
    """The unit of a trained network, or of the one set by hand, and why that one."""
    if result is None:
        return HAND, NUMBER, "positive for singular, as set"
    unit = UnitFit(**result["sentence_unit"])
    before = UnitFit(**result["sentence_unit_untrained"])
    sign = "positive" if unit.sign > 0 else "negative"
    areas = f"ROC area {unit.area:.4f} (untrained {before.area:.3f})"
    return unit.quantity, unit.unit, f"more {sign} for singular, {areas}"
