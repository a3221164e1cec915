"""What truncation leaves of the gradient, against the steps that it goes through."""

import pathlib
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from seqjax.figures.drawing import canvas, label_axes, legend, write
from seqjax.inspect.truncation import Similarity, steps_needed

STYLES = ("-", "--", ":", "-.")
PANELS = {
    "cosine": "cosine of the angle to the full gradient",
    "norm_ratio": "norm / norm of the full gradient",
}


def truncation(
    path: str | pathlib.Path,
    curves: Mapping[str, Mapping[str, tuple[np.ndarray, Similarity]]],
    *,
    title: str,
    enough: float = 0.99,
) -> Figure:
    """Draws cosine and norm ratio against k2, on a logarithmic axis.

    Args:
      path: of the PNG.
      curves: what was compared, each a colour, and when or how, each a style of line:
        the k2 [K] and their similarity [K], as in `seqjax.inspect.Truncation`.
      title: of the figure.
      enough: a cosine; a dot is where a line stays above it.

    Returns:
      The figure.
    """
    figure, grid = canvas(1, 2, (12.5, 4.8))
    for axes, (field, words) in zip(grid[0], PANELS.items(), strict=True):
        for i, (name, ways) in enumerate(curves.items()):
            for way, style in zip(ways, STYLES, strict=False):
                steps, like = ways[way]
                axes.plot(
                    steps,
                    getattr(like, field),
                    color=f"C{i}",
                    ls=style,
                    label=", ".join(filter(None, (name, way))),
                )
        _over_k2(axes, words)
    for i, ways in enumerate(curves.values()):
        for steps, like in ways.values():
            first = steps_needed(steps, like.cosine, enough)
            if first is not None:
                at = np.asarray(like.cosine)[np.asarray(steps) == first]
                grid[0, 0].plot(first, at, "o", color=f"C{i}")
    level = {"color": "black", "lw": 0.8, "ls": ":"}
    grid[0, 0].axhline(enough, **level, label=f"{enough:g}, a dot where it stays above")
    grid[0, 1].axhline(1, **level)
    legend(*grid[0])
    return write(figure, path, title)


def _over_k2(axes, words: str) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(LogLocator(base=2))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    label_axes(axes, "k2, the steps a gradient goes through", words)
    axes.grid(alpha=0.3)
