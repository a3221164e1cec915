"""Matrices as colours: states along a sequence, confusions, attention weights."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seqjax.figures.drawing import canvas, write
from seqjax.figures.text import tick_labels

MOST = 80  # so many labels fit on an axis; of more, every second or third is shown


def heat_map(
    path: str | pathlib.Path,
    states: np.ndarray,
    labels: Sequence[str],
    *,
    title: str,
) -> Figure:
    """Draws one layer's states along a sequence, a row a unit, sorted by their means.

    Args:
      path: of the PNG.
      states: [T, features].
      labels: the token at each step, T of them.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: `states` is no [T, features] of as many steps as there are labels.
    """
    states = np.asarray(states)
    _check("states", states, {"labels": labels, "features": None})
    figure, grid = canvas(1, 1, (np.clip(3 + 0.3 * len(labels), 7, 24), 5))
    axes = grid[0, 0]
    order = np.argsort(states.mean(axis=0), kind="stable")
    limit = float(np.abs(states).max()) or 1.0
    image = axes.imshow(
        states.T[order], aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit
    )
    _ticks(axes, "x", labels)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("token at each step")
    axes.set_ylabel("unit, sorted by mean activation")
    colours = "activation\n(blue: negative, white: 0, red: positive)"
    figure.colorbar(image, ax=axes, label=colours)
    return write(figure, path, title)


def confusion(
    path: str | pathlib.Path, counts: np.ndarray, labels: Sequence[str], *, title: str
) -> Figure:
    """Draws how often each gold label was predicted as each label.

    A cell has its share of the row, which is its colour, and its count. A row without
    examples has no shares.

    Args:
      path: of the PNG.
      counts: [gold, predicted], integers.
      labels: of both axes.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: `counts` has not as many rows and columns as there are labels.
    """
    counts = np.asarray(counts)
    _check("counts", counts, {"gold labels": labels, "predicted labels": labels})
    side = 2.5 + 0.7 * len(labels)
    figure, grid = canvas(1, 1, (side + 1.4, side))
    axes = grid[0, 0]
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        text = f"{share:.1%}" if totals[row] else "–"
        _cell(axes, row, column, f"{text}\n{counts[row, column]:,}", share > 0.5)
    _ticks(axes, "x", labels, fits=6)
    _ticks(axes, "y", labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    figure.colorbar(image, ax=axes, label="share of the\ngold label's examples")
    return write(figure, path, title)


def attention(
    path: str | pathlib.Path,
    panels: Sequence[tuple[Sequence[str], Sequence[str], np.ndarray]],
    *,
    title: str,
) -> Figure:
    """Draws the attention weights of some sentences, side by side.

    Args:
      path: of the PNG.
      panels: of each sentence, its source tokens [S], its target tokens [T] and the
        weights [T, S], each row of which sums to one.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: there is no panel, or the weights of one are not [T, S].
    """
    if not panels:
        raise ValueError("attention needs at least one sentence to draw")
    for source, target, weights in panels:
        shape = {"target tokens": target, "source tokens": source}
        _check("weights", weights, shape)
    widths = [1.6 + 0.34 * np.clip(len(source), 8, MOST / 2) for source, *_ in panels]
    longest = max(len(target) for _, target, _ in panels)
    height = 2.6 + 0.3 * np.clip(longest, 8, MOST / 2)
    figure, grid = canvas(
        1, len(panels), (sum(widths) + 1, height), width_ratios=widths
    )
    for axes, (source, target, weights) in zip(grid[0], panels, strict=True):
        axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        _ticks(axes, "x", source)
        _ticks(axes, "y", target)
        axes.set_xlabel("source")
    grid[0, 0].set_ylabel("target")
    label = "attention weight\n(each row sums to 1)"
    figure.colorbar(grid[0, 0].images[0], ax=grid[0].tolist(), label=label)
    return write(figure, path, title)


def _ticks(axes: Axes, which: str, labels: Sequence[str], fits: int = 2) -> None:
    """Names rows or columns; columns' names of more than `fits` letters are tilted."""
    shown, every = tick_labels(labels), -(-len(labels) // MOST)
    places = range(0, len(shown), every)
    if which == "y":
        axes.set_yticks(places, shown[::every], parse_math=False)
    elif max(map(len, shown)) <= fits:
        axes.set_xticks(places, shown[::every], parse_math=False)
    else:
        style = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(places, shown[::every], parse_math=False, **style)


def _cell(axes: Axes, row: int, column: int, text: str, is_dark: bool) -> None:
    color = "white" if is_dark else "black"
    axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)


def _check(
    name: str, array: np.ndarray, axes: Mapping[str, Sequence[str] | None]
) -> None:
    """Refuses an array whose axes are not as long as the labels of each."""
    lengths = [None if labels is None else len(labels) for labels in axes.values()]
    shape = np.shape(array)
    is_fit = len(shape) == len(lengths) and all(
        length in (None, size) for length, size in zip(lengths, shape, strict=True)
    )
    if not is_fit or not all(shape):
        expected = ", ".join(
            kind if length is None else f"{length} {kind}"
            for kind, length in zip(axes, lengths, strict=True)
        )
        raise ValueError(f"{name} must be [{expected}], not of shape {shape}")
