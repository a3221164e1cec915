"""Why there is no exact equivalent, in a sentence."""

import importlib

import jax
import numpy as np
import pytest
from bridge_to import bridge_to, float32
from random_data import random_params

from seqjax import (
    Bidirectional,
    Elman,
    LearnedInitialCarry,
    Residual,
    Reversed,
    Stack,
)
from seqjax.bridges import BridgeError
from seqjax.cells import (
    GRU,
    LSTM,
    GRUResetAfter,
    MinimalGatedUnit,
    PeepholeLSTM,
    ProjectedLSTM,
)

NAMES = ("torch", "keras", "linen", "nnx", "haiku", "equinox", "onnx")
TOLERANCE = {"keras": 2e-6}  # float32; elsewhere float64


REFUSED = {
    "every": [
        (MinimalGatedUnit(4), "MinimalGatedUnit has no exact equivalent in"),
        (Residual(LSTM(3)), "Residual has no exact equivalent in"),
        (LearnedInitialCarry(LSTM(4)), "LearnedInitialCarry has no exact"),
        (LSTM(4, output_activation="identity"), "output_activation"),
        (Elman(4, activation="swish"), "swish|Elman has no exact"),
    ],
    "torch": [
        (LSTM(4, coupled=True), "no LSTM whose forget gate is 1 − its input gate"),
        (GRU(4), "GRU has no exact equivalent in PyTorch"),
        (PeepholeLSTM(4), "PeepholeLSTM has no exact equivalent in PyTorch"),
        (Elman(4, activation="sigmoid"), "RNN has no activation 'sigmoid'"),
        (Stack((LSTM(4), LSTM(3))), "all of one kind and width"),
        (Bidirectional(LSTM(4), Elman(4)), "all of one kind and width"),
        (Bidirectional(LSTM(4), merge="sum"), "only concatenates two directions"),
        (Stack((Bidirectional(LSTM(4)), LSTM(4))), "all have one direction, or"),
        (Reversed(LSTM(4)), "Reversed has no exact equivalent"),
    ],
    "keras": [
        (LSTM(4, coupled=True), "Keras has no LSTM whose forget gate"),
        (Bidirectional(LSTM(4), LSTM(3)), "are of one kind and width"),
        (Bidirectional(GRU(4), GRUResetAfter(4)), "are of one kind and width"),
        (Reversed(LSTM(4)), "Reversed has no exact equivalent"),
        (ProjectedLSTM(4), "ProjectedLSTM has no exact equivalent"),
    ],
    "linen": [
        (GRU(4), "GRU has no exact equivalent in Flax"),
        (Bidirectional(LSTM(4), merge="mean"), "only concatenates two directions"),
        (Bidirectional(Stack((LSTM(4),))), "Stack has no exact equivalent"),
    ],
    "nnx": [
        (GRUResetAfter(4), "no bias inside the reset, and b_n is not zero"),
        (Bidirectional(LSTM(4), merge="mean"), "only concatenates two directions"),
        (Reversed(Bidirectional(LSTM(4))), "Bidirectional has no exact"),
    ],
    "haiku": [
        (GRUResetAfter(4), "GRUResetAfter has no exact equivalent in Haiku"),
        (Elman(4), "VanillaRNN is of ReLU, and the activation here is 'tanh'"),
        (Bidirectional(LSTM(4)), "Bidirectional has no exact equivalent"),
    ],
    "equinox": [
        (Stack((LSTM(4), LSTM(4))), "Stack has no exact equivalent in Equinox"),
        (Elman(4), "Elman has no exact equivalent in Equinox"),
    ],
    "onnx": [
        (ProjectedLSTM(4), "ProjectedLSTM has no exact equivalent in ONNX"),
        (Bidirectional(GRU(4), GRUResetAfter(4)), "are of one kind and width"),
        (Bidirectional(LSTM(4), PeepholeLSTM(4)), "are of one kind and width"),
        (Reversed(Bidirectional(LSTM(4))), "Reversed has no exact equivalent"),
    ],
}


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_without_an_equivalent_is_refused_with_the_reason(name):
    export = bridge_to(name).export
    for layer, reason in REFUSED["every"] + REFUSED[name]:
        with pytest.raises(BridgeError, match=reason):
            export(layer, random_params(layer))


def test_what_seqjax_lacks_is_refused_with_the_reason_by_torch():
    bridge = bridge_to("torch")
    torch = importlib.import_module("torch")
    with pytest.raises(BridgeError, match="Linear has no exact equivalent in seqjax"):
        bridge.load(torch.nn.Linear(2, 3))
    state = torch.nn.LSTM(3, 4, num_layers=3).state_dict()
    holed = {k: v for k, v in state.items() if "_l1" not in k}
    whole = {k: torch.ones(v.shape, dtype=torch.int32) for k, v in state.items()}
    cut = state | {"weight_hh_l2": torch.ones(16, 3)}
    for wrong, reason in [
        (holed, "layers l0, l1, … after '', or one cell; it has _l0, _l2"),
        ({}, "it has none"),
        (whole, "weight_ih_l0 holds torch.int32"),
        (cut, r"weight_ih_l2 has 16 rows at 3 units"),
        ({"weight": state["weight_ih_l0"]}, "has a parameter 'weight'"),
        ({"weight_ih_l0": state["weight_ih_l0"]}, "no 'weight_hh_l0'"),
    ]:
        with pytest.raises(BridgeError, match=reason):
            bridge.from_state_dict(wrong)


def test_what_seqjax_lacks_is_refused_with_the_reason_by_keras():
    bridge = bridge_to("keras")
    layers = importlib.import_module("keras").layers
    for layer, reason in [
        (layers.LSTM(4, recurrent_activation="hard_sigmoid"), "hard_sigmoid and tanh"),
        (layers.SimpleRNN(4, activation="gelu"), "'gelu' is not known"),
        (layers.GRU(4, go_backwards=True), "goes backwards returns the last"),
        (layers.Bidirectional(layers.LSTM(4), "mul"), "no merge 'mul'"),
        (layers.Dense(4), "Dense has no exact equivalent in seqjax"),
    ]:
        layer.build((None, None, 3))
        with pytest.raises(BridgeError, match=reason):
            bridge.load(layer)
    with pytest.raises(BridgeError, match="no weights before it is built"):
        bridge.load(layers.LSTM(4))


@pytest.mark.parametrize("name", ["linen", "nnx"])
def test_what_seqjax_lacks_is_refused_with_the_reason_by_flax(name):
    bridge = bridge_to(name)
    flax = importlib.import_module(f"flax.{name}")
    linen = name == "linen"
    more = {} if linen else {"rngs": flax.Rngs(0)}
    width = () if linen else (3,)
    back = flax.RNN(flax.GRUCell(*width, 4, **more), reverse=True)
    both = [flax.RNN(flax.GRUCell(*width, 4, **more)) for _ in range(2)]
    for module, reason in [
        (flax.SimpleCell(*width, 4, residual=True, **more), "adds its state inside"),
        (flax.SimpleCell(*width, 4, activation_fn=flax.elu, **more), "is none of tanh"),
        (flax.LSTMCell(*width, 4, gate_fn=flax.tanh, **more), "functions?|gate_fn"),
        (back, "keep_order=False returns the last step's output first"),
        (flax.Bidirectional(*both, merge_fn=np.add), "merge_fn is not the one"),
        (flax.Dropout(0.5), "Dropout has no exact equivalent in seqjax"),
        *([(both[0], "not those of the module: they lack 'ir'")] if linen else []),
    ]:
        with pytest.raises(BridgeError, match=reason):
            if linen:
                bridge.load(module, {"params": {"cell": {}}})
            else:
                bridge.load(module)


def test_what_seqjax_lacks_is_refused_with_the_reason_by_haiku():
    bridge = bridge_to("haiku")
    linear = {"w": np.ones((7, 16)), "b": np.ones(16)}
    for params, reason in [
        ({"a/linear": linear, "b/linear": linear}, "here they are a, b"),
        ({}, "here they are none"),
        ({"conv": {"w": np.ones(3)}}, "module 'conv' has the parameters of no hk.LSTM"),
        ({"lstm/linear": {"w": np.ones((7, 16), int), "b": linear["b"]}}, "int64"),
    ]:
        with pytest.raises(BridgeError, match=reason):
            bridge.load(params)


def test_what_seqjax_lacks_is_refused_with_the_reason_by_onnx():
    bridge = bridge_to("onnx")
    node = bridge.to_node(PeepholeLSTM(4), float32(PeepholeLSTM(4)))
    gru = bridge.to_node(GRU(4), float32(GRU(4)))
    for op, tensors, attributes, reason in [
        (*node[::2], {"clip": 1.0}, "clips its gates' inputs"),
        (*node[::2], {"input_forget": 1}, "peepholes and coupled gates"),
        (*node[::2], {"activations": ["Tanh"] * 3}, "not Tanh, Tanh, Tanh"),
        (*node[::2], {"direction": "both"}, "direction 'both' is none"),
        (*node[::2], {"direction": "bidirectional"}, r"W must be \(2, 16, 3\), not"),
        (*node[::2], {"hidden_size": 5}, "hidden_size is 5, and R is of 4"),
        ("GRU", node.tensors, {}, r"W must be \(1, 12, 3\), not \(1, 16, 3\)"),
        ("RNN", gru.tensors, {}, r"W must be \(1, 4, 3\)"),
        ("RNN", {"W": gru.tensors["W"]}, {}, r"not \['W'\]"),
        ("Gemm", gru.tensors, {}, "no recurrent operator of ONNX is 'Gemm'"),
    ]:
        with pytest.raises(BridgeError, match=reason):
            bridge.from_node(op, tensors, attributes)


def test_a_model_of_onnx_that_is_no_stack_is_refused():
    bridge = bridge_to("onnx")
    onnx = importlib.import_module("onnx")
    layer = Stack((LSTM(4), LSTM(4)))
    models = [bridge.export(layer, float32(layer)) for _ in range(5)]
    turn = next(n for n in models[0].graph.node if n.op_type == "Transpose")
    turn.attribute[0].ints[:] = [1, 0, 2, 3]
    models[1].graph.node[3].input[0] = "X"
    del models[2].graph.initializer[0]
    del models[3].graph.node[:]
    state = onnx.numpy_helper.from_array(np.ones((1, 2, 4), np.float32), "start")
    models[4].graph.initializer.append(state)
    models[4].graph.node[0].input[:] = [*models[4].graph.node[0].input[:4], "", "start"]
    for model, reason in zip(
        models,
        [
            r"but Transpose \[1, 0, 2, 3\], Reshape",
            "does not read just the outputs of the LSTM before it.* but others",
            "W of LSTM is no initializer",
            "the model has no LSTM, GRU or RNN",
            "initial_h of LSTM is a constant that is not zero",
        ],
        strict=True,
    ):
        with pytest.raises(BridgeError, match=reason):
            bridge.load(model)


def test_onnx_has_no_bfloat16():
    bridge = bridge_to("onnx")
    params = jax.tree.map(lambda a: a.astype("bfloat16"), random_params(LSTM(4)))
    with pytest.raises(BridgeError, match="have no bfloat16"):
        bridge.export(LSTM(4), params)
