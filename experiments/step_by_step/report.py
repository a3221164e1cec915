"""The gradients as a table, and as a figure."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.step_by_step.gradients import Row, distances
from seqjax.extras import later

drawing = later("seqjax.figures.drawing")

ROUNDING = 1e-9  # a hand-derived gradient farther off than this is wrong


def table(name: str, rows: Sequence[Row]) -> list[str]:
    """One entry of each gradient in three ways, and the largest distances of all."""
    lines = [
        f"{name:<17}{'largest entry, or the farthest off':^54}{'distance':^22}",
        f"{'':<17}{'by hand':>18}{'automatic':>18}{'differences':>18}"
        f"{'by hand':>9}{'differences':>13}",
    ]
    for row in rows:
        hand, slope = distances(row)
        right = hand <= ROUNDING
        size = np.abs(row.lean if right else row.by_hand - row.lean)
        at = np.unravel_index(np.argmax(size), size.shape)
        by_hand_entry, entry = row.by_hand[at], row.lean[at]
        is_loss = row.slope is None
        slope_entry = "" if is_loss else f"{row.slope[at]:#.11g}"
        lines.append(
            f"  {row.name:<5}{'×'.join(map(str, size.shape)):<10}"
            f"{by_hand_entry:>#18.11g}{entry:>#18.11g}{slope_entry:>18}"
            f"{hand:>9.1e}{'' if is_loss else f'{slope:.1e}':>13}"
            f"{'' if right else '  ← by hand is wrong'}"
        )
    return [*(line.rstrip() for line in lines), ""]


def draw_figure(path: pathlib.Path, tables: Mapping[str, Sequence[Row]]) -> None:
    """Hand-derived against automatic gradients: right ones lie on the diagonal."""
    figure, grid = drawing.canvas(1, len(tables), (4.6 * len(tables), 5))
    panels = grid[0]
    for axes, (name, rows) in zip(panels, tables.items(), strict=True):
        axes.axline((0, 0), slope=1, color="black", lw=0.8, zorder=0)
        for row, marker in zip(rows[1:], "osD^vP*X", strict=False):
            hand, automatic = row.by_hand.ravel(), row.lean.ravel()
            axes.plot(
                automatic, hand, marker, ms=5, mfc="none", alpha=0.8, label=row.name
            )
        axes.set(title=name, xlabel="automatic gradient (seqjax)", box_aspect=1)
        axes.grid(alpha=0.3)
        axes.legend(title="∂L/∂", fontsize="small")
    panels[0].set_ylabel("hand-derived gradient (NumPy)")
    drawing.write(figure, path, "each gradient by hand against seqjax's")
