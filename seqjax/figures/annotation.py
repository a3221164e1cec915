"""A stretch of a genome: its genes over what a model takes each base for."""

import pathlib
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from seqjax.figures.drawing import canvas, write
from seqjax.figures.text import tick_labels

STRANDS = {1: ("+", "C0"), -1: ("−", "C3")}  # each strand's sign and colour


def annotation(
    path: str | pathlib.Path,
    tracks: Mapping[str, np.ndarray],
    shares: np.ndarray,
    first: int = 1,
    *,
    title: str,
) -> Figure:
    """Draws labels of bases as bars, a row each, over P of coding on each strand.

    Args:
      path: of the PNG.
      tracks: for each row its labels [T]: 1 coding, −1 coding on the other strand, 0
        neither.
      shares: [T, 2], P of coding on the strand that is read, and on the other one.
      first: the place of the first base in its genome.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: the lengths differ, or there is nothing to draw.
    """
    shares = np.asarray(shares)
    lengths = {len(track) for track in tracks.values()}
    if lengths != {len(shares)} or shares.shape[1:] != (2,) or not len(shares):
        raise ValueError(
            f"tracks and shares must be of one length, and shares [T, 2], not of "
            f"lengths {sorted(lengths)} and of shape {shares.shape}"
        )
    heights = [0.5 * len(tracks) + 0.4, 2.2]
    size = 13, sum(heights) + 1.2
    figure, grid = canvas(2, 1, size, sharex=True, height_ratios=heights)
    above, below = grid[:, 0]
    for row, track in enumerate(tracks.values()):
        _bars(above, row, np.asarray(track), first)
    above.set_yticks(range(len(tracks)), tick_labels(list(tracks)), parse_math=False)
    above.set_ylim(len(tracks) - 0.5, -0.5)
    above.set_ylabel("labels")
    places = first + np.arange(len(shares))
    for (_, color), share, sign in zip(
        STRANDS.values(), shares.T, STRANDS, strict=True
    ):
        below.fill_between(places, sign * share, color=color, alpha=0.7, lw=0)
    below.axhline(0, color="black", lw=0.6)
    below.set_ylim(-1.05, 1.05)
    below.set_yticks([-1, -0.5, 0, 0.5, 1], ["1", "0.5", "0", "0.5", "1"])
    below.set_ylabel("P(coding): − below, + above")
    below.set_xlabel("place in the genome (bases)")
    below.set_xlim(first, first + len(shares))
    below.xaxis.set_major_formatter("{x:,.0f}")
    below.grid(alpha=0.3)
    patches = [
        Patch(color=color, label=f"coding on the {sign} strand")
        for sign, color in STRANDS.values()
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=2)
    return write(figure, path, title)


def _bars(axes: Axes, row: int, track: np.ndarray, first: int) -> None:
    """Draws the runs of a row: those of one strand above, of the other below."""
    for strand, (_, color) in STRANDS.items():
        inside = np.concatenate([[False], track == strand, [False]])
        edges = np.flatnonzero(np.diff(inside.astype(int)))
        runs = [
            (first + a, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]
        place = (row - 0.36, 0.36) if strand > 0 else (row, 0.36)
        axes.broken_barh(runs, place, facecolors=color, edgecolors="white", lw=0.5)
    axes.axhline(row, color="0.6", lw=0.6, zorder=0)
