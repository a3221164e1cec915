"""What is raced: a kind of network, a shape, and the work; data and weights by seed."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

Array = Any

GATES = {"lstm": 4, "gru": 3, "elman": 1}


class Kind(NamedTuple):
    """What all cases of one name share, whatever their shape."""

    cell: str
    layers: int = 1
    directions: int = 1
    ragged: bool = False
    task: str = "sequence"  # the function of a peer that does it
    modes: tuple[str, ...] = ("forward", "train")


KINDS = {
    "lstm": Kind("lstm"),
    "gru": Kind("gru"),  # the reset after the product
    "elman": Kind("elman"),  # tanh
    "bidirectional": Kind("lstm", directions=2),
    "stacked": Kind("lstm", layers=3),
    "ragged": Kind("lstm", ragged=True),
    "streaming": Kind("lstm", task="streaming", modes=("forward",)),
    "language_model": Kind("lstm", layers=2, task="language_model", modes=("train",)),
}


class CellWeights(NamedTuple):
    """One cell's weights, in seqjax's layout and order of gates: b_n of a GRU is 0."""

    w_x: Array  # [in, G·H]
    w_h: Array  # [H, G·H]
    b: Array  # [G·H]


class Weights(NamedTuple):
    """All weights of a network; the last three of a language model alone."""

    layers: tuple[tuple[CellWeights, ...], ...]  # from the input up, by direction
    embedding: Array | None = None  # [V, H]
    w_y: Array | None = None  # [H, V]
    b_y: Array | None = None  # [V]


class Sequences(NamedTuple):
    """Inputs, padded behind where they are ragged."""

    xs: np.ndarray  # [T, B, in]
    lengths: np.ndarray | None  # [B]
    mask: np.ndarray | None  # [T, B] bool, True where valid


class Text(NamedTuple):
    """Tokens, and the ones that follow them."""

    tokens: np.ndarray  # [T, B] int32
    targets: np.ndarray  # [T, B] int32


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the table."""

    kind: str
    B: int
    T: int
    n_in: int
    H: int
    mode: str

    @property
    def name(self) -> str:
        """As --case takes it."""
        return f"{self.title}/{self.mode}"

    @property
    def title(self) -> str:
        """The name without the mode."""
        return f"{self.kind}/{self.B}x{self.T}x{self.n_in}x{self.H}"

    @property
    def network(self) -> Kind:
        """The kind's entry in the table."""
        return KINDS[self.kind]

    @property
    def gates(self) -> int:
        """G."""
        return GATES[self.network.cell]

    @property
    def calls(self) -> int:
        """Compiled calls in one run; the time given is that of one."""
        return self.T if self.network.task == "streaming" else 1

    @property
    def widths(self) -> list[int]:
        """The width of each layer's input; tokens are embedded in H numbers."""
        first = self.H if self.network.task == "language_model" else self.n_in
        above = self.H * self.network.directions
        return [first, *[above] * (self.network.layers - 1)]

    @property
    def rows(self) -> float:
        """The mean number of rows at a step that are no padding."""
        mask = self.sequences().mask if self.network.ragged else None
        return self.B if mask is None else self.B * float(mask.mean())

    def weights(self) -> Weights:
        """Draws every weight at random; no bias is zero."""
        rng, H, columns = np.random.default_rng(1), self.H, self.gates * self.H

        def uniform(*shape):
            return rng.uniform(-1, 1, shape).astype(np.float32) / np.sqrt(np.float32(H))

        layers = tuple(
            tuple(
                CellWeights(
                    uniform(width, columns), uniform(H, columns), uniform(columns)
                )
                for _ in range(self.network.directions)
            )
            for width in self.widths
        )
        if self.network.task != "language_model":
            return Weights(layers)
        V = self.n_in
        return Weights(layers, uniform(V, H), uniform(H, V), uniform(V))

    def sequences(self) -> Sequences:
        """Draws the inputs; the first row is whole."""
        rng = np.random.default_rng(2)
        xs = rng.normal(size=(self.T, self.B, self.n_in)).astype(np.float32)
        if not self.network.ragged:
            return Sequences(xs, None, None)
        lengths = rng.integers(1, self.T + 1, self.B)
        lengths[0] = self.T
        return Sequences(xs, lengths, np.arange(self.T)[:, None] < lengths)

    def text(self) -> Text:
        """Draws the tokens."""
        tokens = np.random.default_rng(2).integers(self.n_in, size=(self.T + 1, self.B))
        tokens = tokens.astype(np.int32)
        return Text(tokens[:-1], tokens[1:])


def named(weights: Weights) -> dict[str, np.ndarray]:
    """The arrays of `weights`, or of a tree like it, by their names."""
    each = {
        f"layer {i} {way} {field}": array
        for i, layer in enumerate(weights.layers)
        for way, direction in zip(("forward", "backward"), layer, strict=False)
        for field, array in direction._asdict().items()
    }
    rest = {k: a for k, a in weights._asdict().items() if k != "layers"}
    each |= {name: array for name, array in rest.items() if array is not None}
    return {name: np.asarray(array) for name, array in each.items()}
