"""Classic mistakes in walking through time, and back."""

from typing import Any

import numpy as np

from experiments.step_by_step.yours.course import (
    LSTM_CELL_BACKWARD,
    LSTM_CELL_FORWARD,
    LSTM_WEIGHTS,
    RNN_CELL_BACKWARD,
    RNN_CELL_FORWARD,
    RNN_WEIGHTS,
)
from experiments.step_by_step.yours.equations import (
    Mistake,
    Term,
    Values,
    over_time,
    walk,
    walk_back,
)


def blank(step: Values, **kept: Any) -> Values:
    """A step that was not made: its arrays were zeros, and stay so."""
    zeros = {k: np.zeros_like(v) for k, v in vars(step).items() if hasattr(v, "shape")}
    return Values(**{**vars(step), **zeros, **kept})


def stays_zero(name: str, term: str) -> Mistake:
    """A result that is made of one term of all steps, and never filled."""
    return Mistake(
        name,
        "it stays zero, since nothing is written into it",
        lambda v: np.zeros_like(over_time(v.steps, term)),
    )


def of_walk(cell: tuple[Term, ...]) -> list[Mistake]:
    """In the order of the steps, and in what one hands to the next."""

    def too_short(v: Values) -> list[Values]:
        *steps, last = walk(cell, v)
        return [*steps, blank(last)]

    return [
        Mistake("steps", "the loop ends before the last step", too_short),
        Mistake(
            "steps",
            "the loop runs from the last step to the first",
            lambda v: walk(cell, v, order=-1),
        ),
        Mistake(
            "steps",
            "a_next does not become the a_prev of the next step: each has a0",
            lambda v: walk(cell, v, hand_on=("c",)),
        ),
        Mistake(
            "steps",
            "a0 is left out, and the first step begins with zeros",
            lambda v: walk(cell, v, first=0),
        ),
    ]


FORWARD = [
    *of_walk(RNN_CELL_FORWARD),
    stays_zero("a", "a_next"),
    stays_zero("y_pred", "yt_pred"),
]
LSTM_FORWARD = [
    *of_walk(LSTM_CELL_FORWARD),
    stays_zero("c", "c_next"),
    stays_zero("a", "a_next"),
    stays_zero("y", "yt_pred"),
    Mistake(
        "steps",
        "c_next does not become the c_prev of the next step: each has zeros",
        lambda v: walk(LSTM_CELL_FORWARD, v, hand_on=("a",)),
    ),
    Mistake(
        "steps",
        "c begins with a0, and not with zeros",
        lambda v: walk(LSTM_CELL_FORWARD, v, c0=v.a0),
    ),
]


def of_walk_back(cell: tuple[Term, ...]) -> list[Mistake]:
    """In the order of the steps, and in the arrows into each."""

    def too_short(v: Values) -> list[Values]:
        first, *steps = walk_back(cell, v)
        return [blank(first, da_prev=steps[0].da_prev), *steps]

    def too_late(v: Values) -> list[Values]:
        da = v.da * (np.arange(v.da.shape[2]) < v.da.shape[2] - 1)
        return walk_back(cell, Values(**{**vars(v), "da": da}))

    return [
        Mistake("steps", "the loop ends before the first step, t = 0", too_short),
        Mistake("steps", "the loop does not begin with the last step", too_late),
        Mistake(
            "steps",
            "da_next is left out: only the arrow from the output goes into da⟨t⟩, not "
            "the one from the step after",
            lambda v: walk_back(cell, v, next_a=0),
        ),
        Mistake(
            "steps",
            "da[:, :, t] is left out: only the arrow from the step after goes into "
            "da⟨t⟩, not the one from the output",
            lambda v: walk_back(cell, v, output=0),
        ),
        Mistake(
            "steps",
            "the loop runs from the first step to the last",
            lambda v: walk_back(cell, v, order=1),
        ),
    ]


def of_sum(name: str) -> list[Mistake]:
    """In the sum of a weight's gradients over time."""
    return [
        Mistake(
            name,
            "= stands in the place of +=, and only the first time step counts",
            lambda v: getattr(v.steps[0], name),
        ),
        Mistake(
            name,
            "only the last time step counts",
            lambda v: getattr(v.steps[-1], name),
        ),
        Mistake(
            name,
            "the mean over time stands in the place of the sum",
            lambda v: sum(getattr(s, name) for s in v.steps) / len(v.steps),
        ),
    ]


OF_ENDS = [
    stays_zero("dx", "dxt"),
    Mistake(
        "da0",
        "it is da_prev of the last step, and not of the first",
        lambda v: v.steps[-1].da_prev,
    ),
    Mistake(
        "da0",
        "it is the da_next of the first step, and not its da_prev",
        lambda v: v.steps[0].da_next,
    ),
    Mistake("da0", "it stays zero", lambda v: np.zeros_like(v.steps[0].da_prev)),
]

BACKWARD = [
    *of_walk_back(RNN_CELL_BACKWARD),
    *(mistake for name in RNN_WEIGHTS for mistake in of_sum(name)),
    *OF_ENDS,
]
LSTM_BACKWARD = [
    Mistake(
        "steps",
        "dc_next is left out: it is zero at every step, not dc_prev of the step after",
        lambda v: walk_back(LSTM_CELL_BACKWARD, v, next_c=0),
    ),
    *of_walk_back(LSTM_CELL_BACKWARD),
    *(mistake for name in LSTM_WEIGHTS for mistake in of_sum(name)),
    *OF_ENDS,
]
