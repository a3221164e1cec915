"""A case's network as a layer of seqjax, from which the bridges make every peer's."""

from typing import Any

from experiments.speed.cases import Case, CellWeights, Weights
from seqjax import Bidirectional, Layer, Stack
from seqjax.cells import LSTM, Elman, GRUResetAfter
from seqjax.cells.elman import ElmanParams
from seqjax.cells.gru_reset_after import GRUResetAfterParams
from seqjax.cells.lstm import LSTMParams
from seqjax.layers.bidirectional import Directions

CELLS = {"lstm": LSTM, "gru": GRUResetAfter, "elman": Elman}


def cell(case: Case) -> Layer:
    """The case's cell."""
    return CELLS[case.network.cell](case.H)


def layer(case: Case) -> Layer:
    """The whole network, without embeddings and readout."""
    each, count = _one(case), case.network.layers
    return Stack((each,) * count) if count > 1 else each


def params(case: Case, weights: Weights) -> Any:
    """The parameters of `layer`."""
    each = tuple(own for _, own in pairs(case, weights))
    return each if len(each) > 1 else each[0]


def pairs(case: Case, weights: Weights) -> list[tuple[Layer, Any]]:
    """The layers from the input up, each with its parameters."""
    each = (
        [cell_params(case, one) for one in directions] for directions in weights.layers
    )
    return [(_one(case), Directions(*own) if len(own) == 2 else own[0]) for own in each]


def cell_params(case: Case, direction: CellWeights) -> Any:
    """The parameters of one cell; b_n of a GRU is 0."""
    if case.network.cell == "gru":
        b_n = 0 * direction.b[: case.H]
        return GRUResetAfterParams(*direction, b_n=b_n)
    return {"lstm": LSTMParams, "elman": ElmanParams}[case.network.cell](*direction)


def weights_of(case: Case, own: Any) -> Weights:
    """The way back from `params`."""
    layers = own if case.network.layers > 1 else (own,)
    both = (one if case.network.directions == 2 else (one,) for one in layers)
    return Weights(
        tuple(
            tuple(CellWeights(p.w_x, p.w_h, p.b) for p in directions)
            for directions in both
        )
    )


def _one(case: Case) -> Layer:
    return Bidirectional(cell(case)) if case.network.directions == 2 else cell(case)
