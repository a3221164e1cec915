"""Classic mistakes in walking through time, and back."""

import numpy as np

from experiments.step_by_step.yours.course import (
    LSTM_CELL_BACKWARD,
    LSTM_CELL_FORWARD,
    LSTM_WEIGHTS,
    RNN_CELL_BACKWARD,
    RNN_CELL_FORWARD,
    RNN_WEIGHTS,
)
from experiments.step_by_step.yours.equations import Mistake, Term, walk, walk_back


def of_walk(cell: tuple[Term, ...]) -> list[Mistake]:
    """In the order of the steps, and in what one hands to the next."""
    return [
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


FORWARD = of_walk(RNN_CELL_FORWARD)
LSTM_FORWARD = [
    *of_walk(LSTM_CELL_FORWARD),
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
    return [
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


OF_START = [
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
    *OF_START,
]
LSTM_BACKWARD = [
    Mistake(
        "steps",
        "dc_next is left out: it is zero at every step, not dc_prev of the step after",
        lambda v: walk_back(LSTM_CELL_BACKWARD, v, next_c=0),
    ),
    *of_walk_back(LSTM_CELL_BACKWARD),
    *(mistake for name in LSTM_WEIGHTS for mistake in of_sum(name)),
    *OF_START,
]
