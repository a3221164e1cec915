"""The figures of a run, written as PNG."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

History = Sequence[Mapping[str, Any]]


def learning_curve(
    path: str | pathlib.Path,
    history: History,
    scores: Mapping[str, str],
    baselines: Mapping[str, float],
    unit: str,
) -> None:
    """Draws scores over steps, beside horizontal lines of the baselines.

    Args:
      path: of the PNG.
      history: the lines of metrics.jsonl.
      scores: their keys in the history, each with its label.
      baselines: labels and values.
      unit: of the vertical axis.
    """
    figure, axes = _axes("training step", unit)
    for key, label in scores.items():
        steps, values = _series(history, key)
        axes.plot(steps, values, marker="." if len(steps) < 80 else "", label=label)
    for i, (label, value) in enumerate(baselines.items()):
        style = ("--", ":", "-.")[i % 3]
        axes.axhline(value, color="black", ls=style, label=f"{label}: {value:.3f}")
    axes.legend()
    figure.savefig(path)


def gradient_norms(
    path: str | pathlib.Path, history: History, clip_norm: float = 0.0
) -> None:
    """Draws the gradient's global norm before clipping, on a logarithmic scale.

    Args:
      path: of the PNG.
      history: lines with "grad_norm" and "grad_norm_max" of each dispatch.
      clip_norm: the threshold, drawn if not 0.
    """
    figure, axes = _axes("training step", "gradient norm before clipping")
    steps, mean = _series(history, "grad_norm")
    _, largest = _series(history, "grad_norm_max")
    axes.plot(steps, largest, color="tab:orange", lw=0.8, label="largest in a dispatch")
    axes.plot(steps, mean, color="tab:blue", lw=1.2, label="mean in a dispatch")
    if clip_norm:
        axes.axhline(
            clip_norm, color="black", ls="--", label=f"clipped to {clip_norm:g}"
        )
    axes.set_yscale("log")
    axes.legend()
    figure.savefig(path)


def heat_map(
    path: str | pathlib.Path, states: np.ndarray, labels: Sequence[str], title: str
) -> None:
    """Draws one layer's states along a sequence.

    Args:
      path: of the PNG.
      states: [T, features].
      labels: what was read or written at each step, T of them.
      title: of the figure.
    """
    figure, axes = _axes("step of the sequence", "unit, sorted by its mean")
    order = np.argsort(states.mean(axis=0))
    limit = np.abs(states).max()
    image = axes.imshow(
        states.T[order], aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit
    )
    axes.set_xticks(range(len(labels)), labels, parse_math=False)
    axes.set_title(title, parse_math=False)
    axes.grid(False)
    figure.colorbar(image, label="activation")
    figure.savefig(path)


def confusion(
    path: str | pathlib.Path, counts: np.ndarray, labels: Sequence[str], title: str
) -> None:
    """Draws how often each label was taken for each, as shares of its row.

    Args:
      path: of the PNG.
      counts: [true, told], integers.
      labels: of both axes.
      title: of the figure.
    """
    size = 2.5 + 0.7 * len(labels)
    figure = Figure(figsize=(size + 1, size), dpi=120, layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column,
            row,
            f"{share:.1%}\n{counts[row, column]:,}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if share > 0.5 else "black",
        )
    axes.set_xticks(range(len(labels)), labels, parse_math=False)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_xlabel("what the model says")
    axes.set_ylabel("what is true")
    axes.set_title(title, parse_math=False)
    figure.colorbar(image, label="share of what is true")
    figure.savefig(path)


def alignments(
    path: str | pathlib.Path,
    panels: Sequence[tuple[Sequence[str], Sequence[str], np.ndarray]],
) -> None:
    """Draws how much each written word looked at each word that was read.

    Args:
      path: of the PNG.
      panels: of each sentence, what was read [S], what was written [T], and the weights
        [T, S].
    """
    figure = Figure(figsize=(5.5 * len(panels), 5), dpi=120, layout="constrained")
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (source, target, weights) in zip(all_axes, panels, strict=True):
        axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(source)), source, rotation=60, parse_math=False)
        axes.set_yticks(range(len(target)), target, parse_math=False)
        axes.set_xlabel("read")
    all_axes[0].set_ylabel("written")
    figure.colorbar(all_axes[0].images[0], ax=all_axes, label="attention weight")
    figure.savefig(path)


def _axes(x: str, y: str):
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    return figure, axes


def _series(history: History, key: str) -> tuple[list[int], list[float]]:
    pairs = [(line["step"], line[key]) for line in history if key in line]
    return [step for step, _ in pairs], [value for _, value in pairs]


def curves(
    path: str | pathlib.Path,
    panels: Sequence[tuple[str, Mapping[str, tuple[Any, Any]]]],
    unit: str,
    mark: float | None = None,
    logarithmic_from: float | None = None,
) -> None:
    """Draws lines beside each other, of one vertical axis.

    Args:
      path: of the PNG.
      panels: the horizontal axis of each, and its lines: label to (x, y).
      unit: of the vertical axis.
      mark: where a vertical line is drawn in the first panel.
      logarithmic_from: where the horizontal axis becomes logarithmic; never if None.
    """
    figure = Figure(figsize=(5.5 * len(panels), 4), dpi=120, layout="constrained")
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, lines) in zip(all_axes, panels, strict=True):
        for label, (x, y) in lines.items():
            axes.plot(x, y, marker=".", label=label)
        if logarithmic_from is not None:
            axes.set_xscale("symlog", linthresh=logarithmic_from)
        axes.set_xlabel(title)
        axes.grid(alpha=0.3)
    all_axes[0].set_ylabel(unit)
    if mark is not None:
        all_axes[0].axvline(mark, color="black", ls=":", label="longest in training")
    all_axes[0].legend()
    figure.savefig(path)
