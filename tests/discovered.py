"""Every layer to test, found by being there, and random data to test it on."""

import dataclasses
import functools
import typing

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqjax import (
    CELLS,
    Bidirectional,
    Cell,
    Layer,
    LearnedStart,
    Readout,
    Residual,
    Stack,
)
from seqjax.cells import LSTM, Elman, GRUResetAfter, PeepholeLSTM, SimplifiedGRU, make

IN, FEATURES = 3, 4

# The laws compile far longer than they run.
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


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
    "fast_weights": FastWeights(FEATURES),
}

NESTINGS = {
    "stack": Stack((Elman(3), LSTM(4), SimplifiedGRU(2))),
    "stack_of_bidirectional": Stack((Bidirectional(PeepholeLSTM(2)),) * 2),
    "bidirectional": Bidirectional(LSTM(2), GRUResetAfter(3)),
    "bidirectional_sum": Bidirectional(SimplifiedGRU(4), Elman(4), merge="sum"),
    "bidirectional_mean": Bidirectional(Elman(4), merge="mean"),
    "bidirectional_learned_start": Bidirectional(LearnedStart(Elman(3))),
    "residual": Residual(LSTM(IN)),
    "learned_start": LearnedStart(LSTM(4)),
    "stack_of_learned_start": Stack((LearnedStart(SimplifiedGRU(3)), Elman(4))),
    "stack_with_readout": Stack((LSTM(4), Readout(2))),
}

LAYERS = {**CELL_LAYERS, **NESTINGS}


def _parts(layer):
    """The layer and all layers inside it."""
    yield layer
    for field in dataclasses.fields(layer):
        value = getattr(layer, field.name)
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, Layer):
                yield from _parts(inner)


STEPPERS = {
    name: layer
    for name, layer in LAYERS.items()
    if all(type(part).step is not Layer.step for part in _parts(layer))
}


def over(layers):
    """Repeats a test for each layer of a dictionary."""
    return pytest.mark.parametrize("layer", layers.values(), ids=layers.keys())


both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["ahead", "back"])


def random_like(tree, seed):
    """Normal float64 arrays of the shapes of a tree."""
    leaves, structure = jax.tree.flatten(tree)
    rng = np.random.default_rng(seed)
    drawn = [jnp.asarray(0.7 * rng.normal(size=leaf.shape)) for leaf in leaves]
    return structure.unflatten(drawn)


@functools.cache
def random_params(layer, in_features=IN, seed=1):
    """Parameters of which none is zero, biases and peepholes included."""
    shapes = jax.eval_shape(lambda: layer.init(jax.random.key(0), in_features))
    return random_like(shapes, seed)


def random_carry(layer, batch_shape, seed=2):
    return random_like(layer.initial_carry(batch_shape), seed)


def random_inputs(*shape, seed=3):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(*shape, IN)))


def patterns(steps):
    """Every pattern of flags over time: bool [steps, 2 ** steps]."""
    bits = np.arange(2**steps) >> np.arange(steps)[:, None] & 1
    return bits.astype(bool)


def every_mask_and_reset(steps):
    """Every mask together with every pattern of resets: twice [steps, 4 ** steps]."""
    flags = patterns(steps)
    return np.repeat(flags, 2**steps, axis=1), np.tile(flags, 2**steps)


def poison(mask, xs):
    """Puts NaN and infinities wherever the mask is False."""
    bad = np.resize([np.nan, np.inf, -np.inf], xs.shape)
    return np.where(mask[..., None], xs, bad)


assert_close = functools.partial(chex.assert_trees_all_close, rtol=1e-10, atol=1e-12)
