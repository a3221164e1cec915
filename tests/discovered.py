"""Every layer to test, found by being there, and what repeats a law over them."""

import dataclasses
import functools
import typing

import chex
import jax
import jax.numpy as jnp
import pytest

from seqjax import (
    CELLS,
    Bidirectional,
    Cell,
    LearnedInitialCarry,
    LockedDropout,
    Readout,
    Residual,
    Reversed,
    Stack,
    Zoneout,
)
from seqjax.cells import (
    GRU,
    LSTM,
    Elman,
    GRUResetAfter,
    SimplifiedGRU,
    make,
)
from seqjax.layers import AdditiveAttention, FixedContext, MultiplicativeAttention
from seqjax.testing.programs import jit

__all__ = ["jit"]

IN, FEATURES = 3, 4
GRADIENTS = ("lean", "plain", "remat")

assert_close = functools.partial(chex.assert_trees_all_close, rtol=1e-10, atol=1e-12)


@dataclasses.dataclass(frozen=True)
class FastWeights(Cell):
    """Everything in `update`, a dictionary of parameters, a matrix in the carry."""

    features: int

    def init(self, key, in_features, dtype=jnp.float32):
        return {
            "w": jax.random.normal(key, (in_features, 2 * self.features), dtype),
            "decay": jnp.zeros(self.features, dtype),
        }

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        return {"m": jnp.zeros((*batch_shape, self.features, self.features), dtype)}

    def update(self, params, carry, u, v):
        query, key = jnp.split(jnp.tanh(u @ params["w"]), 2, axis=-1)
        kept = jax.nn.sigmoid(params["decay"]) * carry["m"]
        m = jnp.tanh(kept + query[..., :, None] * key[..., None, :])
        return {"m": m}, jnp.sum(m * query[..., None, :], axis=-1)


def _choices(hint):
    """All values of a type that has few of them, alone or in a union."""
    if hint is bool:
        return (False, True)
    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)
    return [choice for part in typing.get_args(hint) for choice in _choices(part)]


def _cells():
    """Each cell from `features` alone, then with one enumerable field changed."""
    for name, cell in CELLS.items():
        yield name, cell(FEATURES)
        hints = typing.get_type_hints(cell)
        for field in dataclasses.fields(cell):
            for value in _choices(hints[field.name]):
                if value != field.default:
                    text = f"{name}({field.name}={value!r})"
                    yield text, make(text, features=FEATURES)


CELL_LAYERS = {
    **dict(_cells()),
    "echo_state(leak=0.3)": make("echo_state(leak=0.3)", features=FEATURES),
    "conv_lstm(grid=(3, 1))": make("conv_lstm(grid=(3, 1))", features=6),
    "fast_weights": FastWeights(FEATURES),
}

NESTINGS = {
    "stack": Stack((Elman(3), LSTM(4))),
    "stack_of_bidirectional": Stack((Bidirectional(SimplifiedGRU(2)),) * 2),
    "bidirectional": Bidirectional(LSTM(2), GRUResetAfter(3)),
    "bidirectional_sum": Bidirectional(SimplifiedGRU(4), Elman(4), merge="sum"),
    "bidirectional_mean_of_learned_start": Bidirectional(
        LearnedInitialCarry(Elman(3)), merge="mean"
    ),
    "residual": Residual(LSTM(IN)),
    "reversed": Reversed(GRUResetAfter(3)),
    "learned_start": LearnedInitialCarry(LSTM(4)),
    "stack_of_learned_start": Stack((LearnedInitialCarry(SimplifiedGRU(3)), Elman(4))),
    "stack_with_readout": Stack((LSTM(4), Readout(2))),
    "learned_start_of_linear": LearnedInitialCarry(make("min_gru", features=3)),
    "locked_dropout": LockedDropout(GRU(3), 0.5),
    "zoneout": Zoneout(LockedDropout(SimplifiedGRU(3), 0.5), 0.4),
}

# The laws give them a memory of their own for each row, ragged.
ATTENTION = {
    "fixed_context": FixedContext(Elman(3), memory_features=2),
    "additive_attention": AdditiveAttention(GRU(3), memory_features=2),
    "multiplicative_attention": MultiplicativeAttention(LSTM(3), memory_features=2),
}

LAYERS = {**CELL_LAYERS, **ATTENTION, **NESTINGS}

# Attention needs its memory first.
STEPPERS = {
    name: layer
    for name, layer in LAYERS.items()
    if layer.causal and name not in ATTENTION
}


def over(layers):
    """Repeats a test for each layer of a dictionary."""
    return pytest.mark.parametrize("layer", layers.values(), ids=layers.keys())


def over_named(*names):
    """Repeats a test for some layers, by their names."""
    return over({name: LAYERS[name] for name in names})


both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["ahead", "back"])
each_gradient = pytest.mark.parametrize("gradient", GRADIENTS)
