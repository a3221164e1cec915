"""The eight functions of the course's assignment 1: their right equations.

tests/test_yours.py holds them to `by_hand`, which is held to automatic gradients.
"""

import numpy as np

from experiments.step_by_step.by_hand import σ
from experiments.step_by_step.yours.equations import (
    Array,
    Function,
    Term,
    Values,
    over_time,
    softmax,
    walk,
    walk_back,
)

GATES = "fico"  # forget, update, candidate, output


def summed(name: str, formula: str) -> Term:
    """A weight's gradient: the sum over all steps of `steps`."""
    return Term(name, formula, lambda v: sum(getattr(s, name) for s in v.steps))


def _gate(name: str, letter: str, activation, word: str) -> Term:
    """A gate, or the candidate, of the LSTM."""
    return Term(
        name,
        f"{word}(W{letter} concat + b{letter}), concat being a_prev above xt",
        lambda v: activation(
            getattr(v, f"W{letter}") @ v.concat + getattr(v, f"b{letter}")
        ),
    )


def _weight(letter: str, gate: str) -> Term:
    return Term(
        f"dW{letter}",
        f"{gate} concatᵀ, concat being a_prev above xt",
        lambda v: getattr(v, gate) @ v.concat.T,
    )


def _bias(letter: str, gate: str) -> Term:
    return Term(
        f"db{letter}",
        f"the sum of {gate} over the batch, shape [n_a, 1]",
        lambda v: getattr(v, gate).sum(axis=1, keepdims=True),
    )


def through_gates(v: Values, columns: slice, gates: str = GATES) -> Array:
    """Σ W[:, columns]ᵀ d over the gates: what goes back to a part of concat."""
    return sum(getattr(v, f"W{g}")[:, columns].T @ getattr(v, D[g]) for g in gates)


D = {"f": "dft", "i": "dit", "c": "dcct", "o": "dot"}

RNN_CELL_FORWARD = (
    Term(
        "a_next",
        "tanh(Waa a_prev + Wax xt + ba)",
        lambda v: np.tanh(v.Waa @ v.a_prev + v.Wax @ v.xt + v.ba),
    ),
    Term(
        "yt_pred",
        "softmax(Wya a_next + by), over the classes",
        lambda v: softmax(v.Wya @ v.a_next + v.by),
    ),
)

RNN_CELL_BACKWARD = (
    Term(
        "dtanh",
        "(1 − a_next²) ∗ da_next",
        lambda v: (1 - v.a_next**2) * v.da_next,
        also=(lambda v: 1 - v.a_next**2,),
    ),
    Term("dxt", "Waxᵀ dtanh", lambda v: v.Wax.T @ v.dtanh),
    Term("dWax", "dtanh xtᵀ", lambda v: v.dtanh @ v.xt.T),
    Term("da_prev", "Waaᵀ dtanh", lambda v: v.Waa.T @ v.dtanh),
    Term("dWaa", "dtanh a_prevᵀ", lambda v: v.dtanh @ v.a_prev.T),
    Term(
        "dba",
        "the sum of dtanh over the batch, shape [n_a, 1]",
        lambda v: v.dtanh.sum(axis=1, keepdims=True),
    ),
)

CONCAT = Term(
    "concat", "a_prev above xt", lambda v: np.concatenate([v.a_prev, v.xt], axis=0)
)

LSTM_CELL_FORWARD = (
    CONCAT,
    _gate("ft", "f", σ, "σ"),
    _gate("it", "i", σ, "σ"),
    _gate("cct", "c", np.tanh, "tanh"),
    Term("c_next", "ft ∗ c_prev + it ∗ cct", lambda v: v.ft * v.c_prev + v.it * v.cct),
    _gate("ot", "o", σ, "σ"),
    Term("a_next", "ot ∗ tanh(c_next)", lambda v: v.ot * np.tanh(v.c_next)),
    Term(
        "yt_pred",
        "softmax(Wy a_next + by), over the classes",
        lambda v: softmax(v.Wy @ v.a_next + v.by),
    ),
)

LSTM_CELL_BACKWARD = (
    CONCAT,
    Term(
        "dot",
        "da_next ∗ tanh(c_next) ∗ ot ∗ (1 − ot)",
        lambda v: v.da_next * np.tanh(v.c_next) * v.ot * (1 - v.ot),
        also=(lambda v: v.da_next * np.tanh(v.c_next),),
    ),
    Term(
        "dc",
        "dc_next + ot ∗ (1 − tanh²(c_next)) ∗ da_next",
        lambda v: v.dc_next + v.ot * (1 - np.tanh(v.c_next) ** 2) * v.da_next,
        also=(lambda v: v.ot * (1 - np.tanh(v.c_next) ** 2) * v.da_next,),
    ),
    Term(
        "dcct",
        "dc ∗ it ∗ (1 − cct²) with dc = dc_next + ot ∗ (1 − tanh²(c_next)) ∗ da_next",
        lambda v: v.dc * v.it * (1 - v.cct**2),
        also=(lambda v: v.dc * v.it,),
    ),
    Term(
        "dit",
        "dc ∗ cct ∗ it ∗ (1 − it)",
        lambda v: v.dc * v.cct * v.it * (1 - v.it),
        also=(lambda v: v.dc * v.cct,),
    ),
    Term(
        "dft",
        "dc ∗ c_prev ∗ ft ∗ (1 − ft)",
        lambda v: v.dc * v.c_prev * v.ft * (1 - v.ft),
        also=(lambda v: v.dc * v.c_prev,),
    ),
    *(_weight(letter, gate) for letter, gate in D.items()),
    *(_bias(letter, gate) for letter, gate in D.items()),
    Term(
        "da_prev",
        "Wfᵀ dft + Wiᵀ dit + Wcᵀ dcct + Woᵀ dot, of each W the first n_a columns",
        lambda v: through_gates(v, slice(None, len(v.a_prev))),
    ),
    Term("dc_prev", "dc ∗ ft", lambda v: v.dc * v.ft),
    Term(
        "dxt",
        "Wfᵀ dft + Wiᵀ dit + Wcᵀ dcct + Woᵀ dot, of each W the columns from n_a on",
        lambda v: through_gates(v, slice(len(v.a_prev), None)),
    ),
)

RNN_FORWARD = (
    Term("steps", "", lambda v: walk(RNN_CELL_FORWARD, v)),
    Term(
        "a",
        "a_next of rnn_cell_forward at each t, whose a_prev is a_next of t − 1, or a0",
        lambda v: over_time(v.steps, "a_next"),
    ),
    Term(
        "y_pred",
        "yt_pred of rnn_cell_forward at each t",
        lambda v: over_time(v.steps, "yt_pred"),
    ),
)

LSTM_FORWARD = (
    Term("steps", "", lambda v: walk(LSTM_CELL_FORWARD, v)),
    Term(
        "c",
        "c_next of lstm_cell_forward at each t, whose c_prev is c_next of t − 1, or 0",
        lambda v: over_time(v.steps, "c_next"),
    ),
    Term(
        "a",
        "a_next of lstm_cell_forward at each t, whose a_prev is a_next of t − 1, or a0",
        lambda v: over_time(v.steps, "a_next"),
    ),
    Term(
        "y",
        "yt_pred of lstm_cell_forward at each t",
        lambda v: over_time(v.steps, "yt_pred"),
    ),
)


def _backward(name: str, cell: tuple[Term, ...], weights: tuple[str, ...]):
    arrows = "da_next = da at t + da_prev of t + 1"
    if "lstm" in name:
        arrows += " and dc_next = dc_prev of t + 1"
    dx = Term(
        "dx",
        f"dxt of {name} at each t, with {arrows}",
        lambda v: over_time(v.steps, "dxt"),
    )
    da0 = Term("da0", "da_prev of the first step", lambda v: v.steps[0].da_prev)
    sums = (summed(w, f"the sum over all t of {w} of {name}") for w in weights)
    return (Term("steps", "", lambda v: walk_back(cell, v)), dx, *sums, da0)


RNN_WEIGHTS = ("dWax", "dWaa", "dba")
LSTM_WEIGHTS = tuple(f"d{kind}{gate}" for kind in "Wb" for gate in GATES)
RNN_BACKWARD = _backward("rnn_cell_backward", RNN_CELL_BACKWARD, RNN_WEIGHTS)
LSTM_BACKWARD = _backward("lstm_cell_backward", LSTM_CELL_BACKWARD, LSTM_WEIGHTS)


def _function(name: str, arguments: str, returns: str, terms: tuple[Term, ...]):
    return name, Function(name, arguments.split(), returns.split(), terms)


_BACK = " ".join(LSTM_WEIGHTS)
FUNCTIONS = dict(
    (
        _function(
            "rnn_cell_forward",
            "xt a_prev parameters",
            "a_next yt_pred",
            RNN_CELL_FORWARD,
        ),
        _function("rnn_forward", "x a0 parameters", "a y_pred", RNN_FORWARD),
        _function(
            "rnn_cell_backward",
            "da_next cache",
            "dxt da_prev dWax dWaa dba",
            RNN_CELL_BACKWARD,
        ),
        _function("rnn_backward", "da caches", "dx da0 dWax dWaa dba", RNN_BACKWARD),
        _function(
            "lstm_cell_forward",
            "xt a_prev c_prev parameters",
            "a_next c_next yt_pred",
            LSTM_CELL_FORWARD,
        ),
        _function("lstm_forward", "x a0 parameters", "a y c", LSTM_FORWARD),
        _function(
            "lstm_cell_backward",
            "da_next dc_next cache",
            f"dxt da_prev dc_prev {_BACK}",
            LSTM_CELL_BACKWARD,
        ),
        _function("lstm_backward", "da caches", f"dx da0 {_BACK}", LSTM_BACKWARD),
    )
)
