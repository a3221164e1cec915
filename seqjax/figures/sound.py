"""Sound over time: what a recogniser reads, over what it takes it for."""

import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from seqjax.figures.drawing import canvas, write
from seqjax.figures.text import tick_labels


def posterior(
    path: str | pathlib.Path,
    features: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    seconds: float,
    *,
    title: str,
    rows: str = "letter",
    label: str = "P(letter | sound)",
    most: float = 1.0,
) -> Figure:
    """Draws the features of a sound over P of each class at each step.

    P may as well be the attention that each letter of a decoder, in the order in which
    they are written, paid to each step.

    Args:
      path: of the PNG.
      features: [T, F], as the model reads them.
      probabilities: [T, K].
      classes: K names.
      seconds: how long a step is.
      title: of the figure.
      rows: what the classes are.
      label: what the colour of a class says.
      most: the value of the darkest colour.

    Returns:
      The figure.

    Raises:
      ValueError: the shapes do not fit each other.
    """
    features, probabilities = np.asarray(features), np.asarray(probabilities)
    steps = len(features)
    if probabilities.shape != (steps, len(classes)) or not steps:
        raise ValueError(
            f"probabilities must be [{steps} steps, {len(classes)} classes], not of "
            f"shape {probabilities.shape}"
        )
    size = np.clip(4 + 0.05 * steps, 8, 20), 3.4 + 0.2 * len(classes)
    heights = [2.2, 0.2 * len(classes)]
    figure, grid = canvas(2, 1, size, sharex=True, height_ratios=heights)
    above, below = grid[:, 0]
    extent = 0, steps * seconds
    limit = float(np.quantile(np.abs(features), 0.99)) or 1.0
    image = above.imshow(
        features.T,
        aspect="auto",
        origin="lower",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        extent=(*extent, -0.5, features.shape[1] - 0.5),
    )
    above.set_ylabel("feature")
    figure.colorbar(image, ax=above, label="value")
    shown = below.imshow(
        probabilities.T,
        aspect="auto",
        cmap="Greys",
        vmin=0,
        vmax=most,
        extent=(*extent, len(classes) - 0.5, -0.5),
    )
    below.set_yticks(range(len(classes)), tick_labels(classes), parse_math=False)
    below.set_ylabel(rows)
    below.set_xlabel("time (s)")
    figure.colorbar(shown, ax=below, label=label)
    return write(figure, path, title)
