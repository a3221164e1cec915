"""The course's view of one solo: x⟨t⟩ is read, p⟨t⟩ computed, x⟨t+1⟩ drawn from it."""

import numpy as np

from seqjax.data.chords import BAR, parse_progression
from seqjax.data.events import TICKS, starts
from seqjax.predict import Solo, SoloPredictor

NOTHING = "0"  # x⟨1⟩
HEAD = ("t", "bar.beat", "chord", "x⟨t⟩", "the likeliest of p⟨t⟩", "drawn", "P")


def step_by_step(jazz: SoloPredictor, solo: Solo, top: int = 3) -> str:
    """Writes a solo as a table of the steps in which it was drawn.

    Args:
      jazz: the model, whose p⟨t⟩ are shown as they are before any temperature.
      solo: that it drew.
      top: how many of the likeliest events are shown.
    """
    chords = parse_progression(solo.progression)
    p, names = jazz.distributions(solo), [str(event) for event in solo.events]
    ids = jazz.codec.encode(solo.events)
    rows: list[tuple[str, ...]] = [HEAD]
    for t, tick in enumerate(starts(solo.events)):
        likeliest = np.argsort(-p[t], kind="stable")[:top]
        shown = [f"{jazz.codec.event(i)} {p[t, i]:.2f}" for i in likeliest.tolist()]
        beat, part = divmod(tick, TICKS)
        place = f"{beat // BAR + 1}.{beat % BAR + 1}" + f"+{part}/{TICKS}" * (part > 0)
        chord = chords[beat]
        read = names[t - 1] if t else NOTHING
        symbol = chord.symbol if chord else "N.C."
        drawn = names[t], f"{p[t, ids[t]]:.4f}"
        rows.append((str(t + 1), place, symbol, read, "  ".join(shown), *drawn))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)
