"""Notes over time, on the keys that they are played on."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seqjax.data.events import pitch_name
from seqjax.data.midi import Note
from seqjax.figures.drawing import canvas, label_axes, legend, write
from seqjax.figures.text import tick_labels

BLACK = {1, 3, 6, 8, 10}  # pitch classes of the black keys


def piano_roll(
    path: str | pathlib.Path,
    groups: Mapping[str, Sequence[Note]],
    *,
    title: str,
    chords: Sequence[tuple[float, str]] = (),
    bar: int = 4,
    bars_a_row: int = 4,
) -> Figure:
    """Draws notes as bars from their beginnings to their ends, some bars in a row.

    Args:
      path: of the PNG.
      groups: labels, each with notes that share a colour; at least one note in all.
      title: of the figure.
      chords: the beats at which names stand above the notes, with the names.
      bar: beats of a bar.
      bars_a_row: bars beside each other.

    Returns:
      The figure.

    Raises:
      ValueError: there is no note.
    """
    notes = [note for group in groups.values() for note in group]
    if not notes:
        raise ValueError("piano_roll needs at least one note to draw")
    low = min(note.pitch for note in notes) - 1
    high = max(note.pitch for note in notes) + 1
    end = max(
        [note.start + note.duration for note in notes] + [b + 1 for b, _ in chords]
    )
    width = bar * bars_a_row
    rows = int(np.ceil(end / width))
    height = 1.2 + rows * max(1.6, 0.08 * (high - low))
    figure, grid = canvas(rows, 1, (11, height), sharey=True)
    for row, axes in enumerate(grid[:, 0]):
        first = row * width
        _keys(axes, low, high)
        for i, (name, group) in enumerate(groups.items()):
            _notes(axes, group, f"C{i}")
            axes.add_line(Line2D([], [], color=f"C{i}", lw=5, label=name))
        for beat, name in chords:
            if first <= beat < first + width:
                place = {"ha": "left", "va": "bottom", "fontsize": 9}
                (name,) = tick_labels([name], longest=9)
                axes.text(beat + 0.08, high + 0.7, name, **place, parse_math=False)
        _bars(axes, first, width, bar)
        label_axes(axes, "bar" if row == rows - 1 else "", "pitch")
    legend(*grid[:1, 0], width=20)
    return write(figure, path, title)


def _keys(axes, low: int, high: int) -> None:
    """Shades the black keys, and names every C, E and A."""
    for pitch in range(low, high + 1):
        if pitch % 12 in BLACK:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color="0.93", lw=0)
    named = [pitch for pitch in range(low, high + 1) if pitch % 12 in (0, 4, 9)]
    axes.set_yticks(named, [pitch_name(pitch) for pitch in named])
    axes.set_ylim(low - 0.5, high + 0.5)


def _notes(axes, notes: Sequence[Note], color: str) -> None:
    boxes = [
        [
            (note.start, note.pitch - 0.45),
            (note.start + 0.93 * note.duration, note.pitch - 0.45),
            (note.start + 0.93 * note.duration, note.pitch + 0.45),
            (note.start, note.pitch + 0.45),
        ]
        for note in notes
    ]
    axes.add_collection(PolyCollection(boxes, facecolors=color, edgecolors="none"))


def _bars(axes, first: int, width: int, bar: int) -> None:
    """Numbers the bars, and draws lines at them and, thinner, at the beats."""
    axes.set_xlim(first, first + width)
    edges = np.arange(first, first + width + 1, bar)
    axes.set_xticks(edges, [str(edge // bar + 1) for edge in edges])
    axes.set_xticks(np.arange(first, first + width), minor=True)
    axes.grid(axis="x", which="major", color="0.4", lw=0.8)
    axes.grid(axis="x", which="minor", color="0.85", lw=0.4)
    axes.set_axisbelow(True)
