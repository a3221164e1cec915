"""Models of every shape with random variables, and programs that compile quickly."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
from discovered import jit
from random_data import random_like

from seqjax import Bidirectional, Stack
from seqjax.cells import GRU, LSTM, Elman
from seqjax.models import Classifier, EncoderDecoder, Tagger

V, LABELS = 5, 3
TOKENS = jnp.array([[0, 2, 4, 1], [2, 1, 7, 99], [3, 8, 8, 8]])
CLEAN = TOKENS % V  # without anything but tokens in the padding
LENGTHS = jnp.array([4, 2, 1])
PADDED_ROWS = (1, 2)  # the first row is full
TARGET = jnp.array([[1, 0, 2], [2, 2, 77], [0, 1, 9]])
TARGET_LENGTHS = jnp.array([3, 2, 2])

AHEAD, BOTH = LSTM(4), Bidirectional(GRU(3))
CLASSIFIERS = {
    f"{pooling}-{name}": Classifier(layer, LABELS, nn.Embed(V, 6), pooling)
    for pooling, name, layer in (
        ("last", "ahead", AHEAD),
        ("last", "both", BOTH),
        ("mean", "both", BOTH),
        ("max", "ahead", AHEAD),
        ("attention", "both", BOTH),
    )
}
TAGGERS = {
    "softmax": Tagger(Bidirectional(LSTM(4)), LABELS, nn.Embed(V, 6)),
    "binary": Tagger(LSTM(4), 1, nn.Embed(V, 6)),
    "crf": Tagger(Stack((GRU(4), LSTM(3))), LABELS, nn.Embed(V, 6), crf=True),
}
SEVERAL = Tagger(GRU(4), LABELS, nn.Embed(V, 6), several=True)
READERS = CLASSIFIERS | TAGGERS | {"several": SEVERAL}
TRANSLATORS = {
    kind: EncoderDecoder(encoder, decoder, V, LABELS, 6, kind)
    for kind, encoder, decoder in (
        ("none", Bidirectional(GRU(4)), GRU(5)),
        ("additive", LSTM(4), Stack((LSTM(3), Elman(4)))),
        ("multiplicative", Bidirectional(LSTM(3)), GRU(5)),
    )
}


def random_variables_for(model, *arguments, seed=1):
    """Variables of which none is zero, in float64; nothing is drawn or compiled."""
    return random_like(shapes_of(model, *arguments), seed)


def shapes_of(model, *arguments):
    """The variables of a model, as shapes and dtypes alone."""
    return jax.eval_shape(lambda: model.init(jax.random.key(0), *arguments))


@functools.cache
def _program(model, method, options):
    def apply(variables, arguments, rngs):
        keywords = dict(options)
        return model.apply(variables, *arguments, method=method, rngs=rngs, **keywords)

    return jit(apply)


def apply(model, variables, *arguments, method=None, rngs=None, **options):
    """`model.apply`, compiled once for a model, a method, options and shapes."""
    program = _program(model, method, tuple(sorted(options.items())))
    return program(variables, arguments, rngs)


def over(models):
    return pytest.mark.parametrize("model", models.values(), ids=models.keys())


def arguments(model):
    if isinstance(model, EncoderDecoder):
        return TOKENS, LENGTHS, TARGET, TARGET_LENGTHS
    return TOKENS, LENGTHS


@functools.cache
def random_variables(model):
    return random_variables_for(model, *arguments(model))


def call(model, *args, **options):
    return apply(model, random_variables(model), *args, **options)


def step_of(model, variables):
    """A model's step as a function of carry and token."""

    def step(carry, token):
        return model.apply(variables, carry, token, method="step")

    return step
