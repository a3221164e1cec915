"""ONNX: the operators LSTM (with peepholes, or coupled), GRU (both kinds) and RNN.

Gates stand as i, o, f, c (LSTM) and z, r, h (GRU), kernels are transposed, and there
are two biases, of which ours is the sum, rounded once. `linear_before_reset` decides
the GRU: 0 resets before the product (`GRU`; the operator's gate keeps the state and
ours takes the candidate, so that z's columns change sign), else after it
(`GRUResetAfter`, whose `b_n` is the second bias of h). `direction` "reverse" is
`Reversed`, "bidirectional" is `Bidirectional`. `layout` says only how inputs and
outputs lie: 1 is batch first. Going out, b becomes the first bias, and the second is
zero but for `b_n`.

`load` and `export` are about models, `from_node` and `to_node` about one node's arrays.

https://onnx.ai/onnx/operators/onnx__LSTM.html, and GRU and RNN there.
"""

from typing import Any

import numpy as np

from seqjax.bridges._common import BridgeError, Pair, layers_of, stacked
from seqjax.bridges._onnx_nodes import GATES, Node, from_node, to_node
from seqjax.extras import library
from seqjax.layer import Layer, Params

__all__ = ["Node", "export", "from_node", "load", "to_node"]

INPUTS = {
    "LSTM": "X W R B sequence_lens initial_h initial_c P".split(),
    "GRU": "X W R B sequence_lens initial_h".split(),
    "RNN": "X W R B sequence_lens initial_h".split(),
}
OPSET = 14  # the first whose recurrent operators have a layout


def load(model: Any) -> Pair:
    """Takes the weights of a model's recurrent nodes.

    Args:
      model: an `onnx.ModelProto`. What stands before its first recurrent node and after
        its last is left to the caller, and so is a first state that the model takes or
        computes; between them the directions may be put side by side, nothing else.

    Returns:
      (layer, params): of the one node, or a `Stack` of several; arrays of NumPy.

    Raises:
      BridgeError: there is no such node, weights are no initializers, a state is given
        that is not zero, or the nodes do not simply stand on each other.
    """
    onnx = library("onnx", "test")
    known = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            known[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
    nodes = [node for node in model.graph.node if node.op_type in GATES]
    if not nodes:
        raise BridgeError("the model has no LSTM, GRU or RNN")
    for below, above in zip(nodes, nodes[1:], strict=False):
        _stand_on_each_other(onnx, model.graph, below, above, known)
    return stacked([_loaded(onnx, node, known) for node in nodes])


def export(
    layer: Layer, params: Params, *, layout: int = 0, lengths: bool = False
) -> Any:
    """Builds the model of a layer.

    Args:
      layer: see `to_node`; or a `Stack` of any of these.
      params: of the layer, float16, float32 or float64.
      layout: of inputs and outputs: 0 for [T, B, …], 1 for [B, T, …].
      lengths: whether the model takes `sequence_lens` [B] int32 as well.

    Returns:
      An `onnx.ModelProto` from X [T, B, in] to Y [T, B, features] and each layer's last
      state, Y_h_0 [D, B, H] and, of an LSTM, Y_c_0; D directions. T and B are free.

    Raises:
      BridgeError: ONNX has no exact equivalent.
    """
    onnx = library("onnx", "test")
    helper, nodes, constants, outputs = onnx.helper, [], {}, []
    below, pairs = "X", layers_of(layer, params)
    for i, pair in enumerate(pairs):
        node = to_node(*pair, layout=layout)
        weights = {f"{name}_{i}": np.asarray(a) for name, a in node.tensors.items()}
        constants |= weights
        states = [f"Y_{s}_{i}" for s in ("hc" if node.op_type == "LSTM" else "h")]
        sides = [
            below,
            f"W_{i}",
            f"R_{i}",
            f"B_{i}",
            "sequence_lens" if lengths else "",
        ]
        sides += ["", "", f"P_{i}"] if f"P_{i}" in weights else []
        each, above = [f"each_{i}", *states], "Y" if i + 1 == len(pairs) else f"Y_{i}"
        make = helper.make_node(node.op_type, sides, each, **node.attributes)
        nodes += [make, *_side_by_side(helper, f"each_{i}", above, layout)]
        outputs += states
        below = above
    constants["width"] = np.array([0, 0, -1], np.int64)
    return _model(onnx, nodes, constants, outputs, lengths)


def _side_by_side(helper: Any, each: str, above: str, layout: int) -> list[Any]:
    """The nodes that put the directions of [T, D, B, H] or [B, T, D, H] together."""
    if layout:
        return [helper.make_node("Reshape", [each, "width"], [above])]
    turned = f"turned_{each}"
    turn = helper.make_node("Transpose", [each], [turned], perm=[0, 2, 1, 3])
    return [turn, helper.make_node("Reshape", [turned, "width"], [above])]


def _model(
    onnx: Any,
    nodes: list[Any],
    constants: dict[str, np.ndarray],
    states: list[str],
    lengths: bool,
) -> Any:
    helper, dtype = onnx.helper, constants["W_0"].dtype
    if dtype not in (np.float16, np.float32, np.float64):
        raise BridgeError(f"ONNX's recurrent operators have no {dtype}")
    kind = helper.np_dtype_to_tensor_dtype(dtype)
    value = helper.make_tensor_value_info
    inputs = [value("X", kind, [None, None, constants["W_0"].shape[-1]])]
    if lengths:
        inputs.append(value("sequence_lens", onnx.TensorProto.INT32, [None]))
    outputs = [value("Y", kind, [None] * 3)]
    outputs += [value(name, kind, [None] * 3) for name in states]
    tensors = [onnx.numpy_helper.from_array(a, name) for name, a in constants.items()]
    graph = helper.make_graph(nodes, "seqjax", inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    return model


def _loaded(onnx: Any, node: Any, known: dict[str, np.ndarray]) -> Pair:
    inputs = dict(zip(INPUTS[node.op_type], node.input, strict=False))
    given = {name: place for name, place in inputs.items() if place}
    for state in ("initial_h", "initial_c"):
        if state in given and np.any(known.get(given[state], 0)):
            raise BridgeError(
                f"{state} of {node.name or node.op_type} is a constant that is not "
                f"zero; LearnedInitialCarry is for such"
            )
    weights = [name for name in ("W", "R", "B", "P") if name in given]
    for name in weights:
        if given[name] not in known:
            raise BridgeError(
                f"{name} of {node.op_type} is no initializer of the model"
            )
    attributes = {a.name: _value(onnx, a) for a in node.attribute}
    tensors = {name: np.array(known[given[name]]) for name in weights}
    return from_node(node.op_type, tensors, attributes)


def _value(onnx: Any, attribute: Any) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [v.decode() if isinstance(v, bytes) else v for v in value]
    return value


def _stand_on_each_other(
    onnx: Any, graph: Any, below: Any, above: Any, known: dict[str, np.ndarray]
) -> None:
    """Raises unless a node reads the other's outputs, directions side by side.

    Raises:
      BridgeError: it reads something else.
    """
    makers = {name: node for node in graph.node for name in node.output}
    name, path = above.input[0], []
    while name != below.output[0] and name in makers:
        node = makers[name]
        name = node.input[0] if node.input else ""
        path.insert(0, _step(onnx, node, known))
    attributes = {a.name: _value(onnx, a) for a in below.attribute}
    batch_first = attributes.get("layout", 0)
    one = attributes.get("direction", "forward") != "bidirectional"
    allowed = ["Reshape"] if batch_first else ["Transpose [0, 2, 1, 3]", "Reshape"]
    alone = [f"Squeeze [{2 if batch_first else 1}]"] if one else None
    if name != below.output[0] or path not in (allowed, alone):
        raise BridgeError(
            f"{above.op_type} does not read just the outputs of the {below.op_type} "
            f"before it, directions side by side, but {', '.join(path) or 'others'}"
        )


def _step(onnx: Any, node: Any, known: dict[str, np.ndarray]) -> str:
    """What a node between two recurrent ones does, in a few words."""
    attributes = {a.name: _value(onnx, a) for a in node.attribute}
    second = known.get(node.input[1]) if len(node.input) > 1 else None
    if node.op_type == "Transpose":
        return f"Transpose {attributes.get('perm')}"
    if node.op_type == "Squeeze":
        axes = attributes.get("axes") if second is None else second.tolist()
        return f"Squeeze {axes}"
    if node.op_type == "Reshape" and second is not None and len(second) == 3:
        return "Reshape"
    return (
        f"{node.op_type} of another kind" if node.op_type == "Reshape" else node.op_type
    )
