"""Classic mistakes in a step of the LSTM, backward."""

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.step_by_step.yours.course import (
    GATES,
    LSTM_CELL_BACKWARD,
    D,
    through_gates,
)
from experiments.step_by_step.yours.equations import Mistake, Term, Values
from experiments.step_by_step.yours.rnn_mistakes import of_bias, of_weight

TERMS = {term.name: term for term in LSTM_CELL_BACKWARD}
Columns = Callable[[Values], slice]


def _σ(Γ: Any) -> Any:
    return Γ * (1 - Γ)


def _slope(v: Values) -> Any:
    return 1 - np.tanh(v.c_next) ** 2


OF_DC = [
    Mistake("dc", "dc_next is left out", lambda v: v.ot * _slope(v) * v.da_next),
    Mistake(
        "dc",
        "ot ∗ (1 − tanh²(c_next)) ∗ da_next is left out",
        lambda v: v.dc_next,
    ),
    Mistake(
        "dc",
        "da_next is left out",
        lambda v: v.dc_next + v.ot * _slope(v),
    ),
    Mistake(
        "dc",
        "ot is left out",
        lambda v: v.dc_next + _slope(v) * v.da_next,
    ),
    Mistake(
        "dc",
        "(1 − tanh²(c_next)) is left out",
        lambda v: v.dc_next + v.ot * v.da_next,
    ),
    Mistake(
        "dc",
        "tanh(c_next) stands in the place of its square",
        lambda v: v.dc_next + v.ot * (1 - np.tanh(v.c_next)) * v.da_next,
    ),
    Mistake(
        "dc",
        "c_next stands in the place of tanh(c_next)",
        lambda v: v.dc_next + v.ot * (1 - v.c_next**2) * v.da_next,
    ),
]

OF_GATES = [
    Mistake(
        "dot", "ot ∗ (1 − ot) is left out", lambda v: v.da_next * np.tanh(v.c_next)
    ),
    Mistake("dot", "da_next is left out", lambda v: np.tanh(v.c_next) * _σ(v.ot)),
    Mistake(
        "dot",
        "tanh(c_next) is left out",
        lambda v: v.da_next * _σ(v.ot),
    ),
    Mistake(
        "dot",
        "c_next stands in the place of tanh(c_next)",
        lambda v: v.da_next * v.c_next * _σ(v.ot),
    ),
    Mistake("dcct", "(1 − cct²) is left out", lambda v: v.dc * v.it),
    Mistake(
        "dcct",
        "cct stands in the place of its square",
        lambda v: v.dc * v.it * (1 - v.cct),
    ),
    Mistake("dcct", "it is left out", lambda v: v.dc * (1 - v.cct**2)),
    Mistake(
        "dcct",
        "tanh is taken of cct, which is a tanh already",
        lambda v: v.dc * v.it * (1 - np.tanh(v.cct) ** 2),
    ),
    Mistake(
        "dcct",
        "the derivative of σ, cct ∗ (1 − cct), stands in the place of tanh's",
        lambda v: v.dc * v.it * _σ(v.cct),
    ),
    Mistake("dit", "it ∗ (1 − it) is left out", lambda v: v.dc * v.cct),
    Mistake("dit", "cct is left out", lambda v: v.dc * _σ(v.it)),
    Mistake(
        "dit",
        "the forget and the update gate are swapped",
        lambda v: v.dc * v.c_prev * _σ(v.it),
    ),
    Mistake("dft", "ft ∗ (1 − ft) is left out", lambda v: v.dc * v.c_prev),
    Mistake("dft", "c_prev is left out", lambda v: v.dc * _σ(v.ft)),
    Mistake(
        "dft",
        "c_next stands in the place of c_prev",
        lambda v: v.dc * v.c_next * _σ(v.ft),
    ),
    Mistake(
        "dft",
        "the forget and the update gate are swapped",
        lambda v: v.dc * v.cct * _σ(v.ft),
    ),
]


USERS_OF_DC = [TERMS[name] for name in ("dcct", "dit", "dft", "dc_prev")]


def of_slope(gate: str) -> list[Mistake]:
    """In Γ ∗ (1 − Γ), the derivative of σ, of the gate of this name."""
    name = f"d{gate}"

    def with_slope(v: Values, slope: Any) -> Any:
        return TERMS[name].also[0](v) * slope

    def Γ(v: Values) -> Any:
        return getattr(v, gate)

    return [
        Mistake(name, f"(1 − {gate}) is left out", lambda v: with_slope(v, Γ(v))),
        Mistake(
            name,
            f"{gate} is left out of {gate} ∗ (1 − {gate})",
            lambda v: with_slope(v, 1 - Γ(v)),
        ),
        Mistake(
            name,
            f"the derivative of tanh, 1 − {gate}², stands in the place of σ's",
            lambda v: with_slope(v, 1 - Γ(v) ** 2),
        ),
    ]


def of_dc_in(term: Term) -> list[Mistake]:
    """In what one term alone takes for dc, if a student writes it out in each."""

    def compute(v: Values, dc: Any, form: Any = term.compute) -> Any:
        return form(Values(**{**vars(v), "dc": dc}))

    def without_brackets(v: Values) -> Any:
        first = compute(v, v.dc_next, term.also[0])
        return first + compute(v, v.dc - v.dc_next)

    brackets = Mistake(
        term.name,
        "the brackets round dc are left out: dc_next does not get the last factor",
        without_brackets,
    )
    return [brackets] * len(term.also) + [
        Mistake(
            term.name,
            f"in dc, {wrong.sentence}",
            lambda v, wrong=wrong: compute(v, wrong.compute(v)),
        )
        for wrong in OF_DC
    ]


def A(v: Values) -> slice:
    """The columns that act on a_prev."""
    return slice(None, len(v.a_prev))


def X(v: Values) -> slice:
    """The columns that act on xt."""
    return slice(len(v.a_prev), None)


def of_part(name: str, mine: Columns, others: Columns, wrong: Columns):
    """In Σ Wᵀ d over the gates, of the columns that belong to a or to x."""
    return [
        Mistake(
            name,
            "[a, x] is sliced the wrong way round, as if it were [x, a]",
            lambda v: through_gates(v, wrong(v)),
        ),
        Mistake(
            name,
            "[a, x] is sliced the wrong way, and the other part's columns are taken",
            lambda v: through_gates(v, others(v)),
        ),
        Mistake(
            name,
            "[a, x] is not sliced",
            lambda v: through_gates(v, slice(None)),
        ),
        *(
            Mistake(
                name,
                f"W{g}ᵀ {D[g]} is left out",
                lambda v, g=g: through_gates(v, mine(v), GATES.replace(g, "")),
            )
            for g in GATES
        ),
    ]


def untransposed(gate: str) -> Mistake:
    """In one part of da_prev, whose columns of W are square."""

    def compute(v: Values) -> Any:
        others = through_gates(v, A(v), GATES.replace(gate, ""))
        return others + getattr(v, f"W{gate}")[:, A(v)] @ getattr(v, D[gate])

    return Mistake("da_prev", f"W{gate} is not transposed", compute)


BACKWARD = [
    Mistake(
        "concat",
        "[a, x] is stacked the wrong way round, xt above a_prev",
        lambda v: np.concatenate([v.xt, v.a_prev]),
    ),
    *OF_DC,
    *OF_GATES,
    *(mistake for gate in ("ot", "it", "ft") for mistake in of_slope(gate)),
    *(mistake for term in USERS_OF_DC for mistake in of_dc_in(term)),
    *(m for g in GATES for m in of_weight(f"dW{g}", D[g], "concat")),
    *(m for g in GATES for m in of_bias(f"db{g}", D[g])),
    *of_part("da_prev", A, X, lambda v: slice(len(v.xt), None)),
    Mistake(
        "da_prev",
        "no W is transposed",
        lambda v: sum(getattr(v, f"W{g}")[:, A(v)] @ getattr(v, D[g]) for g in GATES),
    ),
    *(untransposed(g) for g in GATES),
    *of_part("dxt", X, A, lambda v: slice(None, len(v.xt))),
    Mistake("dc_prev", "ft is left out", lambda v: v.dc),
    Mistake("dc_prev", "it stands in the place of ft", lambda v: v.dc * v.it),
]
