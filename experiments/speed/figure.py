"""The figure of a race: every peer's time over that of seqjax."""

import pathlib

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from experiments.speed.peers import US
from experiments.speed.results import Race, ratio

TITLES = {"forward": "forward", "train": "training step"}
MARKERS = "osD^vP*X"


def draw(path: pathlib.Path, races: list[Race], names: list[str]) -> None:
    """Draws a row a case, a marker a peer with its range over rounds.

    Args:
      path: of the PNG.
      races: to draw.
      names: of the implementations, which keep their colours from run to run.
    """
    titles = list(dict.fromkeys(race.case.title for race in races))
    modes = [m for m in TITLES if any(race.case.mode == m for race in races)]
    size = (2.5 + 4 * len(modes), 1.8 + 0.36 * len(titles))
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    panels = figure.subplots(1, len(modes), sharey=True, squeeze=False)[0]
    for axes, mode in zip(panels, modes, strict=True):
        of_mode = [race for race in races if race.case.mode == mode]
        for i, name in enumerate(name for name in names if name != US):
            _peer(axes, of_mode, titles, name, i)
        _label(axes, titles, TITLES[mode])
    handles, labels = _legend(panels)
    figure.supxlabel(f"time over that of {US}; right of the line {US} is faster")
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    figure.savefig(path)


def _peer(axes, races: list[Race], titles: list[str], name: str, i: int) -> None:
    found = {race.case.title: ratio(race, name) for race in races}
    found = {title: r for title, r in found.items() if r}
    if not found:
        return
    medians = [r.median for r in found.values()]
    below = [r.median - r.lowest for r in found.values()]
    above = [r.highest - r.median for r in found.values()]
    axes.errorbar(
        medians,
        [titles.index(title) for title in found],
        xerr=(below, above),
        fmt=MARKERS[i % len(MARKERS)],
        color=f"C{i}",
        ms=5,
        elinewidth=0.8,
        alpha=0.85,
        label=name,
    )


def _legend(panels) -> tuple[list, list[str]]:
    entries = [axes.get_legend_handles_labels() for axes in panels]
    named = {name: h for pair in entries for h, name in zip(*pair, strict=True)}
    return list(named.values()), list(named)


def _label(axes, titles: list[str], title: str) -> None:
    axes.axvline(1, color="black", lw=1)
    axes.set_title(title)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}×"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.grid(alpha=0.3)
