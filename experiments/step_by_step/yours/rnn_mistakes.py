"""Classic mistakes in a step of the RNN, and in what the LSTM shares with it."""

from typing import Any

import numpy as np

from experiments.step_by_step.by_hand import σ
from experiments.step_by_step.yours.equations import Mistake, Values, softmax


def of_output(weight: str) -> list[Mistake]:
    """In softmax(W a_next + by), with W of the name `weight`."""
    name = "yt_pred"

    def z(v: Values) -> Any:
        return getattr(v, weight) @ v.a_next + v.by

    return [
        Mistake(name, "σ stands in the place of softmax", lambda v: σ(z(v))),
        Mistake(name, "softmax is left out", z),
        Mistake(
            name,
            "softmax runs over the batch, not over the classes",
            lambda v: softmax(z(v).T).T,
        ),
        Mistake(
            name,
            "softmax divides by the sum of the whole array, not of each column",
            lambda v: np.exp(z(v)) / np.exp(z(v)).sum(),
        ),
        Mistake(name, "by is left out", lambda v: softmax(z(v) - v.by)),
        Mistake(
            name,
            "a_prev stands in the place of a_next",
            lambda v: softmax(getattr(v, weight) @ v.a_prev + v.by),
        ),
    ]


def of_bias(name: str, d: str) -> list[Mistake]:
    """In the sum over the batch of the term `d`."""

    def at(v: Values) -> Any:
        return getattr(v, d)

    return [
        Mistake(name, f"{d} is not summed over the batch", at),
        Mistake(
            name,
            "keepdims=True is left out of the sum over the batch",
            lambda v: at(v).sum(axis=1),
        ),
        Mistake(
            name,
            "the sum runs over the units, axis 0, and not over the batch, axis 1",
            lambda v: at(v).sum(axis=0, keepdims=True),
        ),
        Mistake(
            name,
            "the sum runs over all axes, and not over the batch alone",
            lambda v: at(v).sum(),
        ),
        Mistake(
            name,
            "the mean over the batch stands in the place of its sum",
            lambda v: at(v).mean(axis=1, keepdims=True),
        ),
    ]


def of_weight(name: str, d: str, source: str) -> list[Mistake]:
    """In the product d sourceᵀ."""

    def product(v: Values) -> Any:
        return getattr(v, d) @ getattr(v, source).T

    return [
        Mistake(
            name,
            f"the product is taken the wrong way round, {source} {d}ᵀ",
            lambda v: product(v).T,
        ),
        Mistake(
            name,
            "it is divided by m, which is the loss's affair",
            lambda v: product(v) / getattr(v, d).shape[1],
        ),
    ]


def _z(v: Values) -> Any:
    return v.Waa @ v.a_prev + v.Wax @ v.xt + v.ba


FORWARD = [
    Mistake("a_next", "ba is left out", lambda v: np.tanh(_z(v) - v.ba)),
    Mistake(
        "a_next",
        "Waa a_prev is left out",
        lambda v: np.tanh(v.Wax @ v.xt + v.ba),
    ),
    Mistake(
        "a_next",
        "Wax xt is left out",
        lambda v: np.tanh(v.Waa @ v.a_prev + v.ba),
    ),
    Mistake(
        "a_next",
        "Waa is transposed",
        lambda v: np.tanh(v.Waa.T @ v.a_prev + v.Wax @ v.xt + v.ba),
    ),
    Mistake("a_next", "σ stands in the place of tanh", lambda v: σ(_z(v))),
    Mistake("a_next", "tanh is left out", _z),
    *of_output("Wya"),
]

BACKWARD = [
    Mistake("dtanh", "(1 − a_next²) is left out", lambda v: v.da_next),
    Mistake("dtanh", "da_next is left out", lambda v: 1 - v.a_next**2),
    Mistake(
        "dtanh",
        "a_next stands in the place of its square",
        lambda v: (1 - v.a_next) * v.da_next,
    ),
    Mistake(
        "dtanh",
        "a_prev stands in the place of a_next",
        lambda v: (1 - v.a_prev**2) * v.da_next,
    ),
    Mistake(
        "dtanh",
        "tanh is taken of a_next, which is a tanh already",
        lambda v: (1 - np.tanh(v.a_next) ** 2) * v.da_next,
    ),
    Mistake(
        "dtanh",
        "the derivative of σ, a_next ∗ (1 − a_next), stands in the place of tanh's",
        lambda v: v.a_next * (1 - v.a_next) * v.da_next,
    ),
    Mistake("da_prev", "Waa is not transposed", lambda v: v.Waa @ v.dtanh),
    Mistake(
        "dWaa",
        "a_next stands in the place of a_prev",
        lambda v: v.dtanh @ v.a_next.T,
    ),
    *of_weight("dWax", "dtanh", "xt"),
    *of_weight("dWaa", "dtanh", "a_prev"),
    *of_bias("dba", "dtanh"),
]
