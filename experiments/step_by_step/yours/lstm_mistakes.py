"""Classic mistakes in a step of the LSTM, forward."""

from typing import Any

import numpy as np

from experiments.step_by_step.by_hand import σ
from experiments.step_by_step.yours.course import (
    GATES,
)
from experiments.step_by_step.yours.equations import Mistake, Values
from experiments.step_by_step.yours.rnn_mistakes import of_output

NAMES = {"f": "ft", "i": "it", "c": "cct", "o": "ot"}


def of_gate(letter: str) -> list[Mistake]:
    """In g(W concat + b), with the W and b of this letter."""
    name = NAMES[letter]
    right, wrong = ("tanh", "σ") if letter == "c" else ("σ", "tanh")
    functions = {"tanh": np.tanh, "σ": σ}

    def z(v: Values, of: str = letter) -> Any:
        return getattr(v, f"W{of}") @ v.concat + getattr(v, f"b{of}")

    return [
        Mistake(
            name,
            f"{wrong} stands in the place of {right}",
            lambda v: functions[wrong](z(v)),
        ),
        Mistake(name, f"{right} is left out", z),
        Mistake(
            name,
            f"b{letter} is left out",
            lambda v: functions[right](z(v) - getattr(v, f"b{letter}")),
        ),
        *(
            Mistake(
                name,
                f"the weights of {NAMES[other]} stand in the place of its own",
                lambda v, other=other: functions[right](z(v, other)),
            )
            for other in GATES.replace(letter, "")
        ),
    ]


FORWARD = [
    Mistake(
        "concat",
        "[a, x] is stacked the wrong way round, xt above a_prev",
        lambda v: np.concatenate([v.xt, v.a_prev]),
    ),
    *(mistake for letter in GATES for mistake in of_gate(letter)),
    Mistake(
        "c_next",
        "the forget and the update gate are swapped",
        lambda v: v.it * v.c_prev + v.ft * v.cct,
    ),
    Mistake(
        "c_next",
        "1 − ft stands in the place of the update gate",
        lambda v: v.ft * v.c_prev + (1 - v.ft) * v.cct,
    ),
    Mistake(
        "c_next",
        "1 − it stands in the place of the forget gate",
        lambda v: (1 - v.it) * v.c_prev + v.it * v.cct,
    ),
    Mistake("c_next", "ft ∗ c_prev is left out", lambda v: v.it * v.cct),
    Mistake("c_next", "it ∗ cct is left out", lambda v: v.ft * v.c_prev),
    Mistake("c_next", "ft is left out", lambda v: v.c_prev + v.it * v.cct),
    Mistake("c_next", "it is left out", lambda v: v.ft * v.c_prev + v.cct),
    Mistake("a_next", "tanh is left out", lambda v: v.ot * v.c_next),
    Mistake("a_next", "ot is left out", lambda v: np.tanh(v.c_next)),
    Mistake(
        "a_next",
        "c_prev stands in the place of c_next",
        lambda v: v.ot * np.tanh(v.c_prev),
    ),
    *of_output("Wy"),
]
