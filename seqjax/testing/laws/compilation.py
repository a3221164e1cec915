"""What JAX may do with a layer: share its traces, and forget them."""

import copy
import dataclasses
import functools
import gc

import jax

from seqjax.testing.comparison import require
from seqjax.testing.data import random_arguments, random_flags
from seqjax.testing.programs import loss, random_weights
from seqjax.testing.registry import every_layer, law

STEPS, ROWS = 3, 5


@law(every_layer)
def equal_layers_share_a_trace(layer, in_features):
    """Layers of equal fields share one trace when they are passed through jit."""
    traced = []

    @jax.jit
    def unroll(layer, params, inputs):
        traced.append(layer)
        return layer.unroll(params, inputs)[1]

    params, inputs, _ = random_arguments(layer, in_features, STEPS, ROWS)
    for equal in (layer, copy.deepcopy(layer), dataclasses.replace(layer)):
        unroll.eval_shape(equal, params, inputs)
    require(len(traced) == 1, f"three equal layers were traced {len(traced)} times")


@law(every_layer)
def no_tracer_leaks(layer, in_features):
    """Nothing of a trace is kept by the layer after it."""
    arguments = random_arguments(layer, in_features, STEPS, ROWS)
    f = functools.partial(
        loss,
        layer,
        weights=random_weights(layer, arguments),
        chunk=2,
        **random_flags(STEPS, ROWS),
    )
    gc.freeze()  # the search for leaks collects garbage, and would go through it all
    try:
        with jax.checking_leaks():
            jax.eval_shape(jax.grad(f), arguments)
    finally:
        gc.unfreeze()
