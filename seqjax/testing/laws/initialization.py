"""How layers begin: keys, and the scale of each gate."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.initializers import Glorot, Orthogonal
from seqjax.testing.comparison import assert_close, require
from seqjax.testing.data import parameter_shapes
from seqjax.testing.programs import jit
from seqjax.testing.registry import every_layer, fused_cells, fused_kernels, law


@functools.partial(jit, static_argnames=("in_features",))
def draw(layer, key, in_features):
    """Draws parameters, compiled."""
    return layer.init(key, in_features, jnp.float64)


def trace_of_init(layer, key, in_features):
    """Traces `init` anew."""
    return jax.make_jaxpr(lambda key: layer.init(key, in_features, jnp.float64))(key)


def is_plain(matrix: np.ndarray) -> bool:
    """Tells whether a matrix is constant, or a multiple of the identity."""
    identity = matrix[0, 0] * np.eye(*matrix.shape)
    return bool(np.all(matrix == matrix[0, 0]) or np.all(matrix == identity))


@law(every_layer)
def init_is_a_function_of_its_key(layer, in_features):
    """`init` draws by its key alone, so each key draws other kernels."""
    keys = [jax.random.key(seed) for seed in (5, 6)]
    one, again = (trace_of_init(layer, keys[0], in_features) for _ in range(2))
    same = str(one) == str(again)
    same = same and all(map(np.array_equal, one.consts, again.consts))
    require(same, "two calls with the same key differ")
    drawn, other = (jax.device_get(draw(layer, key, in_features)) for key in keys)
    pairs = zip(
        jax.tree_util.tree_leaves_with_path(drawn), jax.tree.leaves(other), strict=True
    )
    for (path, matrix), twin in pairs:
        if matrix.ndim == 2 and not is_plain(matrix):
            name = f"params{jax.tree_util.keystr(path)}"
            require(np.any(matrix != twin), f"two keys draw the same {name}")


@law(every_layer)
def many_keys_draw_at_once(layer, in_features):
    """`init` can be mapped over keys."""

    def init(key):
        return layer.init(key, in_features)

    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), 2))
    drawn = jax.eval_shape(jax.vmap(init), keys)
    alone = parameter_shapes(layer, in_features)
    wanted = jax.tree.map(lambda a: (2, *a.shape), alone)
    found = jax.tree.map(lambda a: a.shape, drawn)
    require(found == wanted, f"two keys draw {found}, not {wanted}")


def cells_with_initializers(layer) -> bool:
    """The fused cells whose kernels are drawn by their fields."""
    names = ("kernel_init", "recurrent_init")
    return fused_cells(layer) and all(hasattr(layer, name) for name in names)


@law(cells_with_initializers)
def each_gate_is_scaled_as_a_kernel_of_its_own(layer, in_features):
    """Each gate's part of a fused kernel is drawn and scaled as a kernel of its own."""
    del in_features
    rows, features = 120, 40
    layer = dataclasses.replace(
        layer, features=features, kernel_init=Glorot(), recurrent_init=Orthogonal(0.5)
    )
    params = jax.device_get(draw(layer, jax.random.key(0), rows))
    inward, recurrent = (
        np.split(kernel, kernel.shape[1] // features, axis=1)
        for kernel in (jax.tree.leaves(params)[i] for i in fused_kernels(layer) or ())
    )
    for gate in recurrent:
        assert_close(gate.T @ gate, 0.5**2 * np.eye(features))
    for gate in inward:
        require_glorot(gate)
    for gates in (recurrent, inward):
        for one, other in itertools.combinations(gates, 2):
            require(np.all(one != other), "two gates are drawn alike")


def require_glorot(gate: np.ndarray) -> None:
    """Raises LawError unless a kernel is uniform, with the variance 2 / (in + out)."""
    variance = 2 / sum(gate.shape)
    bound = np.sqrt(3 * variance)
    largest = np.abs(gate).max()
    require(
        0.99 * bound < largest <= bound,
        f"the largest weight of a gate is {largest:.3g}, not {bound:.3g}",
    )
    require(
        abs(gate.var() / variance - 1) < 0.05,
        f"the variance of a gate is {gate.var():.3g}, not {variance:.3g}",
    )
