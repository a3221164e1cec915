"""Several runs beside each other: their validation curves and their final scores."""

import pathlib
import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seqjax.figures.drawing import (
    canvas,
    label_axes,
    legend,
    marker,
    over_steps,
    say_empty,
    series,
    write,
)
from seqjax.figures.text import readable
from seqjax.inspect.runs import (
    VALID,
    RunSummary,
    differences,
    groups,
    lower_is_better,
)

WIDTH = 26  # characters in a row of a run's label


def compare(
    path: str | pathlib.Path, runs: Sequence[RunSummary], *, title: str
) -> Figure:
    """Draws the validation curves of runs over each other, and their final scores.

    Runs of different tasks, data or metrics stand in rows of their own. A run has one
    colour and is named by the flags in which it differs from the others.

    Args:
      path: of the PNG.
      runs: from `seqjax.inspect.read_run`.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: there is no run.
    """
    if not runs:
        raise ValueError("compare needs at least one run to draw")
    rows = groups(runs)
    height = sum(2.6 + 0.3 * max(len(group), 4) for group in rows)
    figure, grid = canvas(len(rows), 2, (14, 0.6 + height), width_ratios=[3, 2])
    for (left, right), group in zip(grid, rows, strict=True):
        labels = differences(group)
        _validation(left, group, labels)
        _scores(right, group, labels)
    return write(figure, path, title)


def _validation(axes: Axes, runs: Sequence[RunSummary], labels: list[str]) -> None:
    over_steps(axes, [line for run in runs for line in run.history])
    label_axes(axes, "training step", _unit(runs))
    for i, (run, label) in enumerate(zip(runs, labels, strict=True)):
        steps, values = series(run.history, VALID)
        if len(steps):
            axes.plot(steps, values, marker=marker(steps), color=f"C{i}", label=label)
            best = steps == run.best_step
            axes.plot(steps[best], values[best], "o", color=f"C{i}", mec="black")
    axes.set_title(_subject(runs), fontsize="medium", parse_math=False)
    if not axes.lines:
        say_empty(axes, "no validation score was logged")
        return
    axes.plot([], [], "o", color="white", mec="black", label="best step of a run")
    legend(axes, width=WIDTH)


def _subject(runs: Sequence[RunSummary]) -> str:
    """The task and data of runs, as far as their results say."""
    result = next((run.result for run in runs if run.result), {})
    return readable(", ".join(str(result[k]) for k in ("task", "data") if k in result))


def _unit(runs: Sequence[RunSummary]) -> str:
    """What the validation curves measure, as far as the runs' results say."""
    units = {_unit_of(run) for run in runs if run.result}
    unit = units.pop() if len(units) == 1 else "lower is better"
    return f"validation loss ({unit})"


def _unit_of(run: RunSummary) -> str:
    """The unit that a result states, or its metric where that is what is validated."""
    steps, values = series(run.history, VALID)
    is_metric = run.result.get(VALID) in values[steps == run.best_step]
    is_loss = run.result.get("lower_is_better") is not False
    metric = run.result.get("metric") if is_metric and is_loss else None
    return run.result.get("unit") or metric or "lower is better"


def _scores(axes: Axes, runs: Sequence[RunSummary], labels: list[str]) -> None:
    """Draws a row a run, with a dot at its score and a line at its baseline."""
    lower = lower_is_better(runs)
    better = {None: "", True: ", lower is better", False: ", higher is better"}[lower]
    title = textwrap.fill(readable(f"{_metric(runs)}{better}"), WIDTH * 2)
    axes.set_xlabel(f"{title}\n● score of the run    | baseline", parse_math=False)
    names = [textwrap.fill(readable(label), WIDTH) for label in labels]
    axes.set_yticks(range(len(runs)), names, parse_math=False)
    axes.set_ylim(len(runs) - 0.5, -0.5)
    axes.margins(x=0.2)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.grid(alpha=0.3)
    for row, run in enumerate(runs):
        _score(axes, run, row)


def _score(axes: Axes, run: RunSummary, row: int) -> None:
    baseline = run.result.get("baseline")
    if baseline is not None:
        axes.plot([baseline], [row], "|", ms=14, mew=2, color="black")
    if run.score is None:
        style = {
            "ha": "center",
            "va": "center",
            "transform": axes.get_yaxis_transform(),
        }
        axes.text(0.5, row, "no score yet", **style)
        return
    axes.plot([run.score], [row], "o", color=f"C{row}", mec="black")
    text = {"xytext": (0, 9), "textcoords": "offset points", "ha": "center"}
    axes.annotate(f"{run.score:.4g}", (run.score, row), **text)


def _metric(runs: Sequence[RunSummary]) -> str:
    metrics = [run.result["metric"] for run in runs if run.result.get("metric")]
    return metrics[0] if metrics else "score"
