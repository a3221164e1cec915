"""Seqjax as its README uses it, on every core.

Beside it, `seqjax_jit` is the same in an ordinary `jax.jit`.
"""

import functools

from experiments.speed.cases import Case
from experiments.speed.peers import Runner, _jax, _ours
from seqjax import train
from seqjax.layers.readout import ReadoutParams
from seqjax.losses import readout_cross_entropy

PACKAGES = ("seqjax", "jax", "jaxlib")
begin = train.use_every_core
SPLIT_SEQUENCE = functools.partial(train.data_parallel, batch=(1, 2), axis=1)
SPLIT_TEXT = functools.partial(train.data_parallel, batch=(2, 3), axis=1)


def sequence(
    case: Case,
    compiler: _jax.Compiler = SPLIT_SEQUENCE,
) -> Runner:
    """Outputs or gradient; ragged rows by a mask."""
    layer = _ours.layer(case)

    def apply(params, xs, mask):
        return layer.unroll(params, xs, mask=mask)[1]

    def convert(weights):
        return _ours.params(case, weights)

    return _jax.sequence(case, convert, apply, compiler=compiler)


def streaming(case: Case) -> Runner:
    """A step a call."""
    layer = _ours.layer(case)
    carry = layer.initial_carry((case.B,))
    return _jax.streaming(case, lambda w: _ours.params(case, w), layer.step, carry)


def language_model(
    case: Case,
    compiler: _jax.Compiler = SPLIT_TEXT,
) -> Runner:
    """A table of embeddings, the layers, a readout."""
    layer = _ours.layer(case)

    def convert(weights):
        layers = {"layers": _ours.params(case, weights)}
        return weights._asdict() | layers

    def nats(params, tokens, targets):
        _, ys = layer.unroll(params["layers"], params["embedding"][tokens])
        readout = ReadoutParams(params["w_y"], params["b_y"])
        return readout_cross_entropy(readout, ys, targets).total

    return _jax.language_model(case, convert, nats, compiler)
