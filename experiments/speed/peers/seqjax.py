"""Seqjax as its README uses it, on every core.

Beside it, `seqjax_jit` is the same in an ordinary `jax.jit`.
"""

import functools

from experiments.speed.cases import Case, CellWeights, Weights
from experiments.speed.peers import Runner, _jax
from seqjax import Bidirectional, Layer, Stack, train
from seqjax.cells import LSTM, Elman, GRUResetAfter
from seqjax.cells.elman import ElmanParams
from seqjax.cells.gru_reset_after import GRUResetAfterParams
from seqjax.cells.lstm import LSTMParams
from seqjax.layers.bidirectional import Directions
from seqjax.layers.readout import ReadoutParams
from seqjax.losses import readout_cross_entropy

PACKAGES = ("seqjax", "jax", "jaxlib")
begin = train.use_every_core
SPLIT_SEQUENCE = functools.partial(train.data_parallel, batch=(1, 2), axis=1)
SPLIT_TEXT = functools.partial(train.data_parallel, batch=(2, 3), axis=1)
CELLS = {"lstm": LSTM, "gru": GRUResetAfter, "elman": Elman}


def sequence(
    case: Case,
    compiler: _jax.Compiler = SPLIT_SEQUENCE,
) -> Runner:
    """Outputs or gradient; ragged rows by a mask."""
    layer = _layer(case)

    def apply(params, xs, mask):
        return layer.unroll(params, xs, mask=mask)[1]

    def convert(weights):
        return _params(case, weights)

    return _jax.sequence(case, convert, apply, compiler=compiler)


def streaming(case: Case) -> Runner:
    """A step a call."""
    layer = _layer(case)
    carry = layer.initial_carry((case.B,))
    return _jax.streaming(case, lambda w: _params(case, w), layer.step, carry)


def language_model(
    case: Case,
    compiler: _jax.Compiler = SPLIT_TEXT,
) -> Runner:
    """A table of embeddings, the layers, a readout."""
    layer = _layer(case)

    def convert(weights):
        layers = {"layers": _params(case, weights)}
        return weights._asdict() | layers

    def nats(params, tokens, targets):
        _, ys = layer.unroll(params["layers"], params["embedding"][tokens])
        readout = ReadoutParams(params["w_y"], params["b_y"])
        return readout_cross_entropy(readout, ys, targets).total

    return _jax.language_model(case, convert, nats, compiler)


def _layer(case: Case) -> Layer:
    layer = CELLS[case.network.cell](case.H)
    if case.network.directions == 2:
        layer = Bidirectional(layer)
    count = case.network.layers
    return Stack((layer,) * count) if count > 1 else layer


def _params(case: Case, weights: Weights):
    cell = case.network.cell
    each = [[_cell(cell, direction) for direction in layer] for layer in weights.layers]
    layers = tuple(
        Directions(*directions) if len(directions) == 2 else directions[0]
        for directions in each
    )
    return layers if len(layers) > 1 else layers[0]


def _cell(cell: str, direction: CellWeights):
    if cell == "gru":
        return GRUResetAfterParams(
            *direction, b_n=0 * direction.b[: len(direction.w_h)]
        )
    return {"lstm": LSTMParams, "elman": ElmanParams}[cell](*direction)
