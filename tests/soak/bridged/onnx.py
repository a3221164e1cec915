"""ONNX: models in its reference evaluator, row by row, for that ignores lengths.

Neither has it the activations, ReLU of an RNN or coupled gates: see `onnx_equations`.
"""

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from seqjax import Bidirectional, PeepholeLSTM, Reversed, Stack
from seqjax.bridges import onnx as bridge
from seqjax.cells import GRU, LSTM, GRUResetAfter
from soak.bridged import IN, H, drawn

__all__ = ["CASES", "DTYPE", "EXPORTS", "export", "load", "make", "run"]

DTYPE = "float64"
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
BOTH = {"direction": "bidirectional"}
BACK = {"direction": "reverse"}
# The operators of a model, from the input up: attributes, and the optional weights.
CASES = {
    "LSTM": [("LSTM", {}, "B")],
    "LSTM without bias": [("LSTM", {}, "")],
    "LSTM peepholes": [("LSTM", {}, "BP")],
    "LSTM peepholes both, batch first": [("LSTM", BOTH | {"layout": 1}, "BP")],
    "LSTM peepholes without bias backwards": [("LSTM", BACK, "P")],
    "GRU": [("GRU", {}, "B")],
    "GRU both": [("GRU", BOTH, "B")],
    "GRU linear before reset": [("GRU", {"linear_before_reset": 1}, "B")],
    "GRU linear before reset back, batch first": [
        ("GRU", BACK | {"linear_before_reset": 1, "layout": 1}, "B")
    ],
    "GRU linear before reset without bias": [("GRU", {"linear_before_reset": 1}, "")],
    "RNN": [("RNN", {}, "B")],
    "two LSTMs": [("LSTM", {}, "B"), ("LSTM", BACK, "BP")],
}
EXPORTS = {
    "nested": Stack(
        (
            Bidirectional(PeepholeLSTM(3)),
            Reversed(GRUResetAfter(2)),
            LSTM(3),
            Bidirectional(GRU(2)),
        )
    )
}
export, load = bridge.export, bridge.load


def make(case, rng, cases=CASES):
    """A model whose layers are squeezed and stand on each other."""
    nodes, tensors, below, width = [], {}, "X", IN
    for i, (op, attributes, more) in enumerate(cases[case]):
        D = 2 if attributes.get("direction") == "bidirectional" else 1
        G = GATES[op]
        shapes = {"W": (D, G * H, width), "R": (D, G * H, H)}
        shapes |= {"B": (D, 2 * G * H)} if "B" in more else {}
        shapes |= {"P": (D, 3 * H)} if "P" in more else {}
        tensors |= {f"{name}{i}": drawn(rng, shape) for name, shape in shapes.items()}
        inputs = [below, f"W{i}", f"R{i}", f"B{i}" if "B" in more else ""]
        inputs += ["", "", "", f"P{i}"] if "P" in more else []
        states = [f"Y_h{i}", *([f"Y_c{i}"] if op == "LSTM" else [])]
        outputs = [f"Y{i}", *states]
        nodes.append(helper.make_node(op, inputs, outputs, hidden_size=H, **attributes))
        nodes.append(helper.make_node("Squeeze", [f"Y{i}", "one"], [f"S{i}"]))
        below, width = f"S{i}", H
    raw = f"Y{len(cases[case]) - 1}"
    tensors["one"] = np.array([1])
    return _model(nodes[:-1], tensors, raw)


def _model(nodes, tensors, raw):
    double = onnx.TensorProto.DOUBLE
    states = [name for n in nodes for name in n.output if name.startswith("Y_")]
    outputs = [(raw, [None] * 4), *((name, [None] * 3) for name in states)]
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info("X", double, [None, None, IN])],
        [helper.make_tensor_value_info(name, double, dims) for name, dims in outputs],
        [onnx.numpy_helper.from_array(a, name) for name, a in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    onnx.checker.check_model(model)
    return model


def run(model, xs, lengths):
    each = [_row(model, xs[:length, b]) for b, length in enumerate(lengths)]
    padded = [np.pad(ys, ((0, len(xs) - len(ys)), (0, 0))) for ys, _ in each]
    states = [np.stack(leaf) for leaf in zip(*(s for _, s in each), strict=True)]
    return np.stack(padded, axis=1), states


def _row(model, xs):
    """Outputs [T, F], and last states [H] by layer, direction, and h before c."""
    layout = any(
        helper.get_node_attr_value(node, "layout")
        for node in model.graph.node
        if any(a.name == "layout" for a in node.attribute)
    )
    names = [output.name for output in model.graph.output]
    given = xs[None] if layout else xs[:, None]
    ys, *last = ReferenceEvaluator(model).run(names, {"X": given})
    layers = {}
    for name, state in zip(names[1:], last, strict=True):
        of_row = state[0] if layout else state[:, 0]  # [D, H]
        layers.setdefault(name.strip("Y_hc"), []).append(of_row)
    states = [
        leaf
        for layer in layers.values()
        for direction in zip(*layer, strict=True)
        for leaf in direction
    ]
    return ys.reshape(len(xs), -1), states  # of one row, D after T in either layout
