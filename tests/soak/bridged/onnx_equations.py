"""ONNX's operators by the equations of its specification, in loops.

With lengths, every direction, peepholes, coupled gates, and activations, so that what
the reference evaluator leaves out is computed, too. Outputs are as with layout 0.
https://onnx.ai/onnx/operators/onnx__LSTM.html, and GRU and RNN there.
"""

import numpy as np
import onnx

from seqjax import Bidirectional, Elman, Reversed, Stack
from seqjax.cells import LSTM, PeepholeLSTM
from soak.bridged import onnx as evaluated

__all__ = ["CASES", "DTYPE", "EXPORTS", "export", "load", "make", "run"]

DTYPE = "float64"
BOTH = {"direction": "bidirectional"}
CASES = evaluated.CASES | {
    "LSTM coupled": [("LSTM", {"input_forget": 1}, "B")],
    "LSTM coupled both": [("LSTM", {"input_forget": 1} | BOTH, "B")],
    "RNN relu backwards": [
        ("RNN", {"activations": ["Relu"], "direction": "reverse"}, "B")
    ],
    "RNN of two": [("RNN", {"activations": ["Sigmoid", "Relu"]} | BOTH, "B")],
    "LSTM activations told": [
        ("LSTM", {"activations": ["Sigmoid", "Tanh", "Tanh"]}, "P")
    ],
}
EXPORTS = evaluated.EXPORTS | {
    "nested coupled": Stack(
        (
            Bidirectional(LSTM(3, coupled=True)),
            Reversed(Elman(2, activation="relu")),
            Bidirectional(Elman(3), Elman(3, activation="sigmoid")),
            PeepholeLSTM(2),
        )
    )
}
FUNCTIONS = {
    "Sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "Tanh": np.tanh,
    "Relu": lambda a: np.maximum(a, 0),
}
USUAL = {
    "LSTM": ["Sigmoid", "Tanh", "Tanh"],
    "GRU": ["Sigmoid", "Tanh"],
    "RNN": ["Tanh"],
}
load = evaluated.load


def make(case, rng):
    return evaluated.make(case, rng, CASES)


def export(layer, params):
    return evaluated.export(layer, params, lengths=True)


def run(model, xs, lengths):
    """Through every recurrent node; between them, directions go side by side."""
    known = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    states = []
    for node in model.graph.node:
        if node.op_type in USUAL:
            names = ["X", "W", "R", "B", "lengths", "h", "c", "P"]
            given = dict(zip(names, node.input, strict=False))
            tensors = {n: known[given[n]] for n in "WRBP" if given.get(n) in known}
            attributes = {
                a.name: onnx.helper.get_attribute_value(a) for a in node.attribute
            }
            attributes["direction"] = attributes.get("direction", b"forward").decode()
            if "activations" in attributes:
                attributes["activations"] = [
                    a.decode() for a in attributes["activations"]
                ]
            ys, last = operator(node.op_type, tensors, attributes, xs, lengths)
            xs, states = ys, states + last
    return xs, states


def operator(op, tensors, attributes, xs, lengths, initial=None):
    """One node: outputs [T, B, D·H], and h, or h and c, [B, H] of each direction."""
    direction = attributes.get("direction", "forward")
    D, (T, B, _) = len(tensors["W"]), xs.shape
    names = attributes.get("activations") or USUAL[op] * D
    width = tensors["R"].shape[-1]
    ys = np.zeros((T, B, D, width), xs.dtype)
    count = 2 if op == "LSTM" else 1
    last = (
        np.zeros((D, count, B, width), xs.dtype) if initial is None else initial.copy()
    )
    for d in range(D):
        weights = {name: a[d] for name, a in tensors.items()}
        functions = [FUNCTIONS[n] for n in names[d * len(USUAL[op]) :]]
        for b in range(B):
            times = range(lengths[b])
            backwards = direction == "reverse" or d == 1
            for t in reversed(times) if backwards else times:
                state = last[d, :, b]
                last[d, :, b] = STEPS[op](
                    xs[t, b], state, weights, functions, attributes
                )
                ys[t, b, d] = last[d, 0, b]
    return ys.reshape(T, B, -1), [leaf for walk in last for leaf in walk]


def gates(names, x, h, weights):
    """Of each gate X·Wᵀ, H·Rᵀ, Wb and Rb, by its letter."""
    zero = np.zeros(2 * len(weights["W"]))
    inputs, states = np.split(weights.get("B", zero), 2)
    parts = (weights["W"] @ x, weights["R"] @ h, inputs, states)
    each = zip(*(np.split(part, len(names)) for part in parts), strict=True)
    return dict(zip(names, each, strict=True))


def lstm(x, state, weights, functions, attributes):
    h, c = state
    f, g, out = functions[:3]
    of = {name: sum(parts) for name, parts in gates("iofc", x, h, weights).items()}
    p_i, p_o, p_f = np.split(weights.get("P", np.zeros(3 * len(h))), 3)
    i = f(of["i"] + p_i * c)
    forget = 1 - i if attributes.get("input_forget") else f(of["f"] + p_f * c)
    c = forget * c + i * g(of["c"])
    return f(of["o"] + p_o * c) * out(c), c


def gru(x, state, weights, functions, attributes):
    (h,) = state
    f, g = functions[:2]
    of = gates("zrh", x, h, weights)
    z, r = f(sum(of["z"])), f(sum(of["r"]))
    wx, rh, wb, rb = of["h"]
    if attributes.get("linear_before_reset"):
        candidate = g(wx + r * (rh + rb) + wb)
    else:
        last = weights["R"][2 * len(h) :]
        candidate = g(wx + last @ (r * h) + rb + wb)
    return ((1 - z) * candidate + z * h)[None]


def rnn(x, state, weights, functions, attributes):
    (h,) = state
    return functions[0](sum(gates("i", x, h, weights)["i"]))[None]


STEPS = {"LSTM": lstm, "GRU": gru, "RNN": rnn}
