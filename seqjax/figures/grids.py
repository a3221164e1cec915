"""Numbers over two settings as colours, a panel for each value of a third."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seqjax.figures.drawing import canvas, label_axes, write


def grids(
    path: str | pathlib.Path,
    panels: Mapping[str, np.ndarray],
    axes: Mapping[str, Sequence[float]],
    unit: str,
    *,
    title: str,
) -> Figure:
    """Draws heat maps with one logarithmic scale of colours; each cell has its number.

    The smallest number of all is framed.

    Args:
      path: of the PNG.
      panels: labels, each with positive numbers [rows, columns]; one that is not finite
        is left white.
      axes: the label of the columns with their values, then that of the rows.
      unit: of the numbers.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: there is no panel, or one has another shape than the axes.
    """
    (across, columns), (down, rows) = axes.items()
    shape = len(rows), len(columns)
    if not panels or any(np.shape(panel) != shape for panel in panels.values()):
        raise ValueError(f"grids needs panels of shape {shape}")
    whole = np.stack([np.asarray(panel, float) for panel in panels.values()])
    seen = whole[np.isfinite(whole)]
    low, high = (seen.min(), seen.max()) if seen.size else (1.0, 1.0)
    norm = LogNorm(low, high if high > low else 2 * low)
    size = (2 + (0.9 + 0.5 * len(columns)) * len(panels), 1.8 + 0.5 * len(rows))
    figure, grid = canvas(1, len(panels), size, sharey=True)
    for ax, (label, panel) in zip(grid[0], panels.items(), strict=True):
        shown = np.where(np.isfinite(panel), panel, np.nan)
        image = ax.imshow(shown, norm=norm, cmap="viridis_r", aspect="auto")
        for (row, column), value in np.ndenumerate(panel):
            dark = np.isfinite(value) and norm(value) > 0.5
            style = {"ha": "center", "va": "center", "fontsize": 6}
            style |= {"weight": "bold" if value == low else "normal"}
            color = "white" if dark else "black"
            ax.text(column, row, f"{value:.2g}", color=color, **style)
            if value == low:
                frame = {"fill": False, "edgecolor": "red", "lw": 2}
                ax.add_patch(_cell(column, row, **frame))
        ax.set_xticks(range(len(columns)), [f"{value:g}" for value in columns])
        ax.set_yticks(range(len(rows)), [f"{value:g}" for value in rows])
        ax.set_title(label, fontsize=10)
        label_axes(ax, across, down if ax is grid[0, 0] else "")
    figure.colorbar(image, ax=grid[0].tolist(), label=unit)
    return write(figure, path, title)


def _cell(column: int, row: int, **style) -> Rectangle:
    return Rectangle((column - 0.5, row - 0.5), 1, 1, **style)
