"""Weights from other libraries and to them: the same bits, outputs and states."""

import ast
import functools
import importlib
import io

import chex
import jax
import numpy as np
import pytest
from bridge_to import bridge_to, float32
from discovered import assert_close
from processes import ROOT
from random_data import random_params
from soak import bridges

from seqjax import (
    Bidirectional,
    Elman,
    Reversed,
    Stack,
)
from seqjax.cells import (
    GRU,
    LSTM,
    GRUResetAfter,
    PeepholeLSTM,
)

NAMES = ("torch", "keras", "linen", "nnx", "haiku", "equinox", "onnx")
TOLERANCE = {"keras": 2e-6}  # float32; elsewhere float64


@pytest.mark.parametrize("library", bridges.LIBRARIES)
def test_a_bridge_is_exact(library):
    bridge_to(library.removesuffix("_equations"))
    errors = bridges.errors(library, seed=1)
    wrong = {k: e for k, e in errors.items() if e > TOLERANCE.get(library, 1e-14)}
    assert not wrong and max(errors.values()) > 0


def test_the_largest_error_of_each_bridge_is_told(monkeypatch):
    monkeypatch.setattr(bridges, "LIBRARIES", {"a": "numpy", "b": "jax", "c": "nobody"})
    found = {"a": {"x": 1.0, "y": 3.0}, "b": {"x": 2.0}}
    monkeypatch.setattr(bridges, "errors", lambda name, trials, seed: found[name])
    assert bridges.largest_errors(trials=2) == {"a": 3.0, "b": 2.0}


def test_no_bridge_imports_its_library_before_it_is_asked():
    files = sorted((ROOT / "seqjax" / "bridges").glob("*.py"))
    assert {f.stem for f in files if f.stem[0] != "_"} == set(NAMES)
    for file in files:
        for node in ast.parse(file.read_text()).body:
            names = [alias.name for alias in getattr(node, "names", [])]
            modules = [node.module] if isinstance(node, ast.ImportFrom) else names
            roots = {str(name).split(".")[0] for name in modules}
            assert not roots & {*bridges.LIBRARIES.values()}, file.name


def test_a_state_dict_of_a_whole_model_has_a_prefix():
    bridge = bridge_to("torch")
    torch = importlib.import_module("torch")
    parts = {
        "rnn": torch.nn.RNN(3, 4, nonlinearity="relu"),
        "read": torch.nn.Linear(4, 2),
    }
    state = torch.nn.ModuleDict(parts).state_dict()
    layer, params = bridge.from_state_dict(state, prefix="rnn.", nonlinearity="relu")
    assert layer == Elman(4, activation="relu")
    assert (params.w_x.T == state["rnn.weight_ih_l0"].numpy()).all()


def test_torch_is_left_as_it_was():
    bridge = bridge_to("torch")
    torch = importlib.import_module("torch")
    module, state = torch.nn.LSTM(3, 4), torch.get_rng_state()
    _, params = bridge.load(module)
    before = params.w_h.copy()
    with torch.no_grad():
        module.weight_hh_l0.mul_(2)
    assert (params.w_h == before).all()
    exported = bridge.export(LSTM(4), params)
    assert (torch.get_rng_state() == state).all()
    with torch.no_grad():
        exported.weight_hh_l0.mul_(2)
    assert (params.w_h == before).all()
    assert all(p.requires_grad for p in exported.parameters())


def test_bfloat16_keeps_its_bits_in_torch():
    bridge = bridge_to("torch")
    torch = importlib.import_module("torch")
    module = torch.nn.GRU(3, 4, bias=False, dtype=torch.bfloat16)
    layer, params = bridge.load(module)
    assert params.w_x.dtype.name == "bfloat16"
    there = bridge.export(layer, params).state_dict()["weight_ih_l0"]
    assert there.dtype == torch.bfloat16
    assert torch.equal(there, module.weight_ih_l0)


def test_a_flax_unit_of_one_gate_has_that_gate_twice():
    bridge = bridge_to("linen")
    soak = bridges.module_of("linen")
    layer, params = bridge.load(*soak.make("MGUCell", np.random.default_rng(0)))
    r, z, _ = np.split(np.asarray(params.w_x), 3, axis=1)
    assert layer == GRUResetAfter(soak.H) and (r == z).all()


def test_ten_cores_of_haiku_keep_their_order():
    bridge = bridge_to("haiku")
    layer = Stack(tuple(LSTM(width) for width in range(3, 15)))
    _, params = bridge.export(layer, float32(layer))
    assert list(params)[1] == "lstm_1/linear"
    mixed = dict(sorted(params.items()))
    assert list(mixed)[1] == "lstm_10/linear" or "lstm_1/linear" in mixed
    assert bridge.load(mixed)[0] == layer


def test_nnx_takes_a_gru_whose_inner_bias_is_zero():
    bridge, layer = bridge_to("nnx"), GRUResetAfter(4)
    params = float32(layer)._replace(b_n=np.zeros(4, np.float32))
    again, back = bridge.load(bridge.export(layer, params))
    assert again == layer and not np.asarray(back.b_n).any()
    assert (np.asarray(back.b) == params.b).all()


@pytest.mark.parametrize(
    ("name", "layer", "to"),
    [
        ("torch", Stack((Bidirectional(GRUResetAfter(4)),) * 2), "to_state_dict"),
        ("keras", Stack((GRU(4), Bidirectional(GRUResetAfter(3)))), "to_weights"),
        ("linen", Stack((Reversed(LSTM(4)), GRUResetAfter(3))), "to_params"),
        ("nnx", Stack((Bidirectional(LSTM(4)), Elman(3))), "to_params"),
        ("haiku", Stack((LSTM(4), GRU(3))), "to_params"),
        ("onnx", Bidirectional(PeepholeLSTM(4)), "to_node"),
        ("equinox", GRUResetAfter(4), "export"),
    ],
)
def test_a_gradient_comes_home(name, layer, to):
    """Each number has one place there, so that the pull-back of them all is they."""
    convert = functools.partial(getattr(bridge_to(name), to), layer)
    params = random_params(layer)

    def arrays(params):
        leaves = jax.tree.leaves(convert(params))
        return [leaf for leaf in leaves if isinstance(leaf, jax.Array)]

    there, home = jax.vjp(arrays, params)
    (back,) = home(there)
    expected = params
    if name == "haiku":  # there b_f is less by 1
        b = params[0].b.at[4:8].add(-1)
        expected = (params[0]._replace(b=b), params[1])
    assert_close(back, expected)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LSTM", {"num_layers": 2, "bidirectional": True}),
        ("GRU", {"num_layers": 2, "batch_first": True}),
        ("RNN", {"nonlinearity": "relu"}),
    ],
)
def test_what_pytorch_exports_to_onnx_is_read_as_pytorch_is(name, options):
    bridge, torch_bridge = bridge_to("onnx"), bridge_to("torch")
    onnx, torch = map(importlib.import_module, ("onnx", "torch"))
    module, file = getattr(torch.nn, name)(3, 4, **options), io.BytesIO()
    torch.onnx.export(module, (torch.zeros(5, 2, 3),), file, dynamo=False)
    layer, params = bridge.load(onnx.load_from_string(file.getvalue()))
    expected, same = torch_bridge.load(module)
    assert layer == expected
    chex.assert_trees_all_equal(params, same)


def test_stacks_in_stacks_come_back_flat():
    bridge = bridge_to("torch")
    layer = Stack((LSTM(4), Stack((LSTM(4), LSTM(4)))))
    again, _ = bridge.load(bridge.export(layer, float32(layer)))
    assert again == Stack((LSTM(4),) * 3)
