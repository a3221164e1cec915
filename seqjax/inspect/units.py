"""Which unit knows: one that tells two kinds of steps apart, chosen and then measured.

Karpathy, Johnson and Fei-Fei (2016), "Visualizing and understanding recurrent
networks", found a cell that is on inside quotes by looking. Here it is found by the
area under the ROC curve, and measured on steps that had no part in the choice.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np

from seqjax.inspect.trace import Trace
from seqjax.layer import Array


class UnitFit(NamedTuple):
    """The unit that tells two kinds of steps apart best."""

    quantity: str  # a name of `quantities`
    unit: int
    sign: int  # 1 if the unit is higher where the label is true, −1 if it is lower
    threshold: float  # where most of the steps that it was chosen on fall right
    chosen: float  # the area under the curve where the unit was chosen
    area: float  # the same, with the same sign, where it was not


def quantities(seen: Trace) -> dict[str, Array]:
    """Returns every state and gate of a trace by name, [T, *batch, units] each.

    They are named "state h" and "gate f"; where there are several cells, with the
    cell's name of `cells_of` in front. A matrix in a state is laid out as one row.
    """
    lead, found = seen.outputs.shape[:-1], {}
    for name, cell in seen.cells.items():
        prefix = f"{name} " if len(seen.cells) > 1 else ""
        for path, leaf in jax.tree_util.tree_leaves_with_path(cell.carry):
            label = jax.tree_util.keystr(path, simple=True, separator=".")
            found[f"{prefix}state {label}"] = leaf.reshape(*lead, -1)
        for gate, values in cell.gates.items():
            found[f"{prefix}gate {gate}"] = values
    return found


def area_under_curve(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the area under the ROC curve of each unit, [units].

    It is the chance that the unit is higher at a step whose label is true than at one
    whose label is false, ties counted half (Mann and Whitney, 1947): 0.5 for a unit
    that knows nothing, 0 or 1 for one that tells them apart without an error.

    Args:
      values: [N, units].
      labels: bool [N], with both values among them.

    Raises:
      ValueError: all labels are the same.

    Example:
      >>> area_under_curve(np.array([[1, 5], [2, 7], [3, 6]]), np.array([0, 0, 1]))
      array([1. , 0.5])
    """
    labels = np.asarray(labels, bool)
    positive, negative = labels.sum(), (~labels).sum()
    if not positive or not negative:
        raise ValueError("all labels are the same; there is nothing to tell apart")
    ranks = np.stack([_ranks(column) for column in np.transpose(values)], axis=1)
    above = ranks[labels].sum(axis=0) - positive * (positive + 1) / 2
    return above / (positive * negative)


def _ranks(column: np.ndarray) -> np.ndarray:
    """Returns the rank of each number, from 1 on; equal ones share their mean."""
    ordered = np.sort(column)
    first = np.searchsorted(ordered, column, "left")
    return (first + np.searchsorted(ordered, column, "right") + 1) / 2


def best_unit(
    chosen_on: Mapping[str, np.ndarray],
    labels: np.ndarray,
    measured_on: Mapping[str, np.ndarray],
    labels_there: np.ndarray,
) -> UnitFit:
    """Finds the unit that knows a label, on one part of the steps and for another.

    Args:
      chosen_on: values [N, units] by quantity, such as those of `quantities`.
      labels: bool [N].
      measured_on: the same of other steps, [M, units].
      labels_there: bool [M].

    Raises:
      ValueError: all labels of a part are the same.
    """
    areas = {
        name: area_under_curve(values, labels) for name, values in chosen_on.items()
    }
    name = max(areas, key=lambda name: np.abs(areas[name] - 0.5).max())
    unit = int(np.abs(areas[name] - 0.5).argmax())
    sign = 1 if areas[name][unit] > 0.5 else -1
    values = sign * np.asarray(chosen_on[name])[:, unit]
    there = sign * np.asarray(measured_on[name])[:, unit : unit + 1]
    return UnitFit(
        name,
        unit,
        sign,
        sign * _threshold(values, np.asarray(labels, bool)),
        float(sign * (areas[name][unit] - 0.5) + 0.5),
        float(area_under_curve(there, labels_there)[0]),
    )


def _threshold(values: np.ndarray, labels: np.ndarray) -> float:
    """Returns where to cut so that as many as possible fall right, true ones above."""
    order = np.argsort(values, kind="stable")
    ordered, above = values[order], labels[order]
    below_right = np.concatenate([[0], np.cumsum(~above)])
    above_right = np.concatenate([np.cumsum(above[::-1])[::-1], [0]])
    right = below_right + above_right  # of a cut before place i
    cut = np.concatenate([[True], ordered[1:] > ordered[:-1], [True]])
    place = int(np.where(cut, right, -1).argmax())
    if place in (0, len(values)):
        return float(ordered[min(place, len(values) - 1)])
    return float((ordered[place - 1] + ordered[place]) / 2)
