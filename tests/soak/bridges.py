"""Each bridge at random weights on ragged rows: its largest error, over many trials."""

import importlib
import importlib.util

import chex
import jax
import jax.numpy as jnp
import numpy as np

from seqjax.masks import from_lengths
from soak.bridged import IN, drawn

# The file of a library in `soak.bridged`, and what is imported there.
LIBRARIES = {
    "torch": "torch",
    "keras": "keras",
    "linen": "flax",
    "nnx": "flax",
    "haiku": "haiku",
    "equinox": "equinox",
    "onnx": "onnx",
    "onnx_equations": "onnx",
}
# Haiku adds 1 to b_f at run time, so that its bias there and back is rounded twice.
ROUNDED = ("haiku",)
STEPS, ROWS = 6, 4


@jax.jit
def unroll(layer, params, xs, mask):
    return layer.unroll(params, xs, mask=mask)


def installed(library):
    """Whether a file of `soak.bridged` finds what it imports."""
    return importlib.util.find_spec(LIBRARIES[library]) is not None


def module_of(library):
    return importlib.import_module(f"soak.bridged.{library}")


def data(rng, dtype):
    """Inputs [T, B, in], and the rows' lengths: one whole, one of a single step."""
    xs = rng.normal(size=(STEPS, ROWS, IN)).astype(dtype)
    lengths = rng.integers(1, STEPS + 1, ROWS)
    lengths[rng.permutation(ROWS)[:2]] = STEPS, 1
    return xs, lengths


def imported(library, case, seed):
    """The error of a library's object and of ours that is read from it.

    Raises:
      AssertionError: it is another layer, or other bits, after it went there and back.
    """
    bridge, rng = module_of(library), np.random.default_rng(seed)
    theirs = bridge.make(case, rng)
    layer, params = bridge.load(theirs)
    error = _error(bridge, theirs, layer, params, rng)
    return max(error, _there_and_back(bridge, library, layer, params, rng))


def exported(library, case, seed):
    """The error of a layer of ours and of the library's object that is built from it.

    Raises:
      AssertionError: it is another layer, or other bits, after it went there and back.
    """
    bridge, rng = module_of(library), np.random.default_rng(seed)
    layer = bridge.EXPORTS[case]
    shapes = jax.eval_shape(lambda: layer.init(jax.random.key(0), IN))
    params = jax.tree.map(lambda leaf: drawn(rng, leaf.shape, bridge.DTYPE), shapes)
    return _there_and_back(bridge, library, layer, params, rng)


def _there_and_back(bridge, library, layer, params, rng):
    for dtype in ("float32", bridge.DTYPE):
        narrow = jax.tree.map(lambda a, d=dtype: np.asarray(a).astype(d), params)
        theirs = bridge.export(layer, narrow)
        again, back = bridge.load(theirs)
        assert again == layer, f"{layer} came back as {again}"
        chex.assert_trees_all_equal_structs(back, narrow)
        pairs = zip(jax.tree.leaves(back), jax.tree.leaves(narrow), strict=True)
        for there, here in ((np.asarray(a), b) for a, b in pairs):
            assert there.dtype == dtype
            allowed = np.finfo(dtype).eps if library in ROUNDED else 0
            assert np.abs(there - here).max() <= allowed
    return _error(bridge, theirs, layer, params, rng)


def _error(bridge, theirs, layer, params, rng):
    """The largest difference of outputs and last states."""
    xs, lengths = data(rng, bridge.DTYPE)
    ys, states = bridge.run(theirs, xs, lengths)
    mask = from_lengths(jnp.asarray(lengths), STEPS)
    carry, ours = unroll(layer, params, jnp.asarray(xs), mask)
    pairs = [(np.where(mask[..., None], ys, 0), ours)]
    pairs += zip(states, jax.tree.leaves(carry), strict=True)
    for there, here in pairs:
        assert there.shape == here.shape and there.dtype == here.dtype
    return max(float(np.abs(there - here).max()) for there, here in pairs)


def errors(library, trials=1, seed=0):
    """The error of each case of a library, absolute, the largest of some trials."""
    bridge = module_of(library)
    every = [(case, imported) for case in bridge.CASES]
    every += [(case, exported) for case in bridge.EXPORTS]
    with jax.enable_x64(True):
        return {
            case: max(check(library, case, seed + trial) for trial in range(trials))
            for case, check in every
        }


def largest_errors(trials, seed=0):
    """The largest error of each bridge: {"torch": 4e-16, …}, of those installed.

    Args:
      trials: how many weights and inputs are drawn for each of its cases.
      seed: of the first.
    """
    found = filter(installed, LIBRARIES)
    return {name: max(errors(name, trials, seed).values()) for name in found}
