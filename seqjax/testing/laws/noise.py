"""Noise: drawn from the key of `unroll` alone, however the sequence is run."""

import functools

import jax
import numpy as np

from seqjax.testing.comparison import Case, assert_close, assert_equal, require
from seqjax.testing.data import MASK, RESETS, ROWS, STEPS, poison, random_arguments
from seqjax.testing.programs import OPTIONS, jit, loss, random_weights, run, unroll
from seqjax.testing.registry import law

LEAN = Case(MASK, RESETS, reverse=True, remark="with a key")
WAYS = (
    LEAN,
    LEAN._replace(gradient="plain", chunk=2),
    LEAN._replace(gradient="remat", chunk=1),
)


def layers_with_noise(layer) -> bool:
    """The layers that draw noise from a key."""
    return layer.noisy


@functools.partial(jit, static_argnames=OPTIONS)
def _run(layer, arguments, key, mask, resets, reverse, gradient, chunk):
    how = {"mask": mask, "resets": resets, "reverse": reverse, "key": key}
    how |= {"gradient": gradient, "chunk": chunk}
    weights = random_weights(layer, arguments)
    slopes = jax.grad(functools.partial(loss, weights=weights), argnums=1)
    return unroll(layer, arguments, **how), slopes(layer, arguments, **how)


def run_with(layer, arguments, seed: int, case: Case):
    """Returns what a layer gives with a key, and its gradient."""
    keywords = case._asdict()
    del keywords["remark"]
    return jax.device_get(_run(layer, arguments, jax.random.key(seed), **keywords))


@law(layers_with_noise)
def noise_is_a_function_of_its_key(layer, in_features):
    """One key draws the same noise again, another draws other, and none draws none."""
    arguments = random_arguments(layer, in_features, STEPS, ROWS)
    noisy, _ = run_with(layer, arguments, 1, LEAN)
    again, _ = run_with(layer, arguments, 1, LEAN)
    assert_equal(noisy, again, LEAN)
    for other in (run_with(layer, arguments, 2, LEAN)[0], run(layer, arguments, LEAN)):
        differs = np.any(noisy.outputs != other.outputs)
        require(differs, "outputs do not depend on the key", LEAN)


@law(layers_with_noise)
def noise_is_the_same_however_a_sequence_is_run(layer, in_features):
    """With one key, chunks give the whole and all gradients agree, poisoned or not."""
    arguments = random_arguments(layer, in_features, STEPS, ROWS)
    expected = run_with(layer, arguments, 1, LEAN)
    arguments = arguments._replace(inputs=poison(MASK, arguments.inputs))
    for case in WAYS:
        for found, wanted in zip(
            run_with(layer, arguments, 1, case), expected, strict=True
        ):
            assert_close(found, wanted, case)
