"""Piano rolls as pictures: keys by their names, time in frames."""

import pathlib

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.music.roll import KEYS, LOWEST, key_name
from seqjax.figures import drawing

MARGIN = 2  # keys drawn above the highest that is down, and below the lowest


def prediction(
    path: str | pathlib.Path, roll: np.ndarray, p: np.ndarray, *, title: str
) -> Figure:
    """Draws a roll above the probabilities of its keys.

    Args:
      path: of the PNG.
      roll: bool [T, 88].
      p: of frames 2 to T, [T − 1, 88].
      title: of the figure.
    """
    width = np.clip(3 + 0.14 * len(roll), 7, 16)
    figure, grid = drawing.canvas(2, 1, (width, 8), sharex=True, sharey=True)
    upper, lower = grid[:, 0]
    _draw(upper, roll, 0.5)
    image = _draw(lower, p, 1.5)
    frames, keys = np.nonzero(roll[1:])
    lower.plot(frames + 2, keys, ls="", marker="_", ms=4, color="C3")
    _label(upper, roll, "keys that are down")
    _label(lower, roll, "P of each key, given all frames before; red: what came")
    lower.set_xlabel("frame")
    figure.colorbar(image, ax=grid[:, 0].tolist(), label="P that the key is down")
    return drawing.write(figure, path, title)


def sample(
    path: str | pathlib.Path, roll: np.ndarray, given: int, *, title: str
) -> Figure:
    """Draws a roll [T, 88] whose first frames were given, and whose rest was drawn."""
    width = np.clip(3 + 0.14 * len(roll), 7, 16)
    figure, grid = drawing.canvas(1, 1, (width, 4.5))
    axes = grid[0, 0]
    _draw(axes, roll, 0.5)
    _label(axes, roll, "")
    axes.axvline(given + 0.5, color="C3", lw=1.5, label="drawn from here on")
    axes.set_xlabel("frame")
    drawing.legend(axes)
    return drawing.write(figure, path, title)


def _draw(axes: Axes, values: np.ndarray, left: float):
    """Draws [frames, keys] as colours; the first frame begins at `left`."""
    extent = (left, left + len(values), -0.5, KEYS - 0.5)
    style = {"aspect": "auto", "cmap": "Blues", "vmin": 0, "vmax": 1}
    return axes.imshow(
        values.T, origin="lower", extent=extent, interpolation="none", **style
    )


def _label(axes: Axes, roll: np.ndarray, title: str) -> None:
    """Names each C and F of the keys around those that are down."""
    down = np.flatnonzero(roll.any(axis=0)) if roll.any() else [0, KEYS - 1]
    low, high = max(down[0] - MARGIN, 0), min(down[-1] + MARGIN, KEYS - 1)
    named = [k for k in range(low, high + 1) if (k + LOWEST) % 12 in (0, 5)]
    axes.set_yticks(named, [key_name(key) for key in named])
    axes.set_ylim(low - 0.5, high + 0.5)
    axes.set_xlim(0.5, len(roll) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_axisbelow(True)
    axes.grid(axis="y", alpha=0.3)
    axes.set_ylabel("key")
    axes.set_title(title, fontsize=10)
