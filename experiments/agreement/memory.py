"""How a trained cell holds the number of the subject: traces, and interventions.

A number can be held in two ways. A gate that lets a memory pass unchanged carries it:
what is added to the memory stays added (E12). Or the units drive each other into one of
two states and keep each other there, as a latch: a small push is undone within some
words, but a push over the middle stays. The second needs no gate, yet no gradient
passes through it either, for what it undoes in the state it undoes in the derivative.

So the units that tell the number best are pushed, while the layer reads, by a tenth of
the way between their mean states after subjects of the two numbers, and by all of it,
which is to flip them; what else the state holds stays. To see which units matter by
what breaks with them is the method of Lakretz et al. (2019), "The emergence of number
and syntax units in LSTM language models".
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.agreement.data import PLURAL, Sentence
from seqjax import Cell
from seqjax.data.padding import pad
from seqjax.inspect import Trace, activity, cells_of, half_life, trace
from seqjax.masks import from_lengths
from seqjax.predict import ClassPredictor

FILE = "memory.json"
ROWS = 256  # sentences that are read
WHEN = 5  # words after the subject, where the layer is pushed
SMALL = 0.1  # of the way to the other number
KEEPS = {"f": lambda f: f, "z": lambda z: z, "u": lambda u: 1 - u}  # by their gates


class Reading(NamedTuple):
    """Sentences as a layer reads them."""

    xs: np.ndarray  # [T, B, in]
    mask: Any  # bool [T, B]
    subject: np.ndarray  # [B], the steps at which the subjects are read
    plural: np.ndarray  # bool [B]
    reach: int  # words after the subject that all have


class Units(NamedTuple):
    """The units by how well each alone tells the number at the end of the reach."""

    order: np.ndarray  # [H], the best first
    leaf: int  # of the carry, the one where the best unit tells most
    means: np.ndarray  # [2, leaves, H] at `WHEN`: of singular and plural subjects
    right: float  # how often the best unit alone tells it, by the middle of its means


def measure(
    predictor: ClassPredictor, sentences: Sequence[Sentence]
) -> dict[str, Any] | None:
    """Measures how the number is held in sentences that were not learned from.

    Args:
      predictor: the trained classifier.
      sentences: the quarter that is farthest is read, `ROWS` at most.

    Returns:
      Numbers and curves, for JSON; None where the layer is no single cell whose states
      are vectors of its units, or there are too few sentences of either number.
    """
    layer = predictor.model.layer
    if not (isinstance(layer, Cell) and _is_vectors(layer)):
        return None
    params = predictor.variables["params"]
    reading = _reading(predictor, sentences)
    if any(len(set(half)) < 2 for half in (reading.plural[::2], reading.plural[1::2])):
        return None
    run = functools.partial(
        _run, layer, params["recurrent"]["layer"], params["readout"]
    )
    seen, states, verbs = run(reading, None)
    units = _units(states, reading)
    flips = _flips(run, units, verbs, reading)
    needed = next((k for k, turned in flips.items() if turned > 0.5), None)
    group = units.order[:needed]
    left = {
        name: _left(run, units, states, reading, group, share)
        for name, share in (("push", SMALL), ("flip", 1.0))
    }
    return {
        "reach": reading.reach,
        "unit": int(units.order[0]),
        "unit_right": units.right,
        "right": float(np.mean(verbs == reading.plural)),
        **_saturation(seen, reading, int(units.order[0])),
        "needed": needed,
        "flips": {str(k): turned for k, turned in flips.items()},
        "push_half_life": _half(left["push"]),
        "left": {name: _rounded(curve) for name, curve in left.items()},
        "states": _band(states[units.leaf][..., units.order[0]], reading),
    }


def _is_vectors(layer: Cell) -> bool:
    leaves = jax.tree.leaves(layer.initial_carry(()))
    return {leaf.shape for leaf in leaves} == {(layer.features,)}


def _reading(predictor: ClassPredictor, sentences: Sequence[Sentence]) -> Reading:
    reach = int(np.quantile([s.distance for s in sentences], 0.75))
    enough = [s for s in sentences if s.distance >= reach]
    order = np.random.default_rng(0).permutation(len(enough))[:ROWS]
    chosen = [enough[i] for i in order]
    padded = pad([predictor.encode(" ".join(s.words)) for s in chosen])
    ids, lengths = (array[: len(chosen)] for array in padded)
    table = np.asarray(predictor.variables["params"]["embed"]["embedding"])
    return Reading(
        table[ids.T],
        np.asarray(from_lengths(lengths, ids.shape[1])),
        np.array([len(s.words) - s.distance - 1 for s in chosen]),
        np.array([s.verb in PLURAL for s in chosen]),
        reach,
    )


def _run(
    layer: Cell, params: Any, readout: Any, reading: Reading, pushes: np.ndarray | None
) -> tuple[Trace, np.ndarray, np.ndarray]:
    """Reads sentences, with pushes [leaves, B, H] at `WHEN` if given.

    Returns:
      The trace; the carry's leaves from the subject on, [leaves, reach + 1, B, H]; and
      which verbs are plural, bool [B].
    """
    seen = _trace(
        layer, params, reading.xs, reading.mask, _nudges(layer, reading, pushes)
    )
    steps = reading.subject + np.arange(reading.reach + 1)[:, None]  # [reach + 1, B]
    rows = np.arange(len(reading.subject))
    leaves = jax.tree.leaves(next(iter(seen.cells.values())).carry)
    states = np.stack([np.asarray(leaf)[steps, rows] for leaf in leaves])
    last = np.asarray(seen.outputs)[reading.mask.sum(axis=0) - 1, rows]
    logits = last @ np.asarray(readout["kernel"]) + np.asarray(readout["bias"])
    return seen, states, logits[:, 0] > 0


@functools.partial(jax.jit, static_argnums=0)
def _trace(layer: Cell, params: Any, xs: Any, mask: Any, nudges: Any) -> Trace:
    return trace(layer, params, xs, mask=mask, nudges=nudges)


def _nudges(layer: Cell, reading: Reading, pushes: np.ndarray | None) -> dict[str, Any]:
    """What is added to the carry after each step."""
    zero = layer.initial_carry(reading.mask.shape, jnp.float32)
    leaves, structure = jax.tree.flatten(zero)
    if pushes is not None:
        steps = reading.subject + min(WHEN, reading.reach)
        rows = np.arange(len(steps))
        leaves = [
            leaf.at[steps, rows].set(push.astype(leaf.dtype))
            for leaf, push in zip(leaves, pushes, strict=True)
        ]
    return {next(iter(cells_of(layer))): structure.unflatten(leaves)}


def _units(states: np.ndarray, reading: Reading) -> Units:
    """Ranks the units on every second sentence; the others say how good the best is."""
    fit, plural = np.arange(len(reading.plural)) % 2 == 0, reading.plural

    def means(k):  # [2, leaves, H] of the states k words after the subject
        return np.stack(
            [states[:, k, fit & (plural == number)].mean(axis=1) for number in (0, 1)]
        )

    end = means(reading.reach)
    spread = states[:, -1, fit].std(axis=1) + 1e-6
    apart = np.abs(end[1] - end[0]) / spread  # [leaves, H]
    order = np.argsort(-apart.max(axis=0), kind="stable")
    unit, leaf = order[0], int(apart[:, order[0]].argmax())
    low, high = end[:, leaf, unit]
    above = states[leaf, -1, :, unit] > (low + high) / 2
    right = np.mean((above == plural)[~fit] == (high > low))
    return Units(order, leaf, means(min(WHEN, reading.reach)), float(right))


def _pushes(
    units: Units, reading: Reading, group: np.ndarray, share: float
) -> np.ndarray:
    """A share of the way from the mean of a sentence's number to that of the other."""
    number = reading.plural.astype(int)
    way = (units.means[1 - number] - units.means[number]).swapaxes(0, 1)
    chosen = np.isin(np.arange(way.shape[-1]), group)
    return np.where(chosen, share * way, 0)  # [leaves, B, H]


def _flips(run, units, verbs, reading) -> dict[int, float]:
    """The share of verbs that turn when the 1, 2, 4, … best units are flipped."""
    H = len(units.order)
    counts = [2**i for i in range(H.bit_length()) if 2**i < H] + [H]
    turned = {}
    for k in counts:
        pushes = _pushes(units, reading, units.order[:k], 1.0)
        turned[k] = float(np.mean(run(reading, pushes)[2] != verbs))
    return turned


def _left(run, units, states, reading, group, share) -> np.ndarray:
    """What is left of a push of a group, by the words since, in its own direction."""
    pushes = _pushes(units, reading, group, share)
    after = run(reading, pushes)[1] - states
    own = pushes[units.leaf][:, group]  # [B, units]
    moved = after[units.leaf][min(WHEN, reading.reach) :, :, group]
    return np.einsum("kbu,bu->k", moved, own) / max(np.sum(own**2), 1e-30)


def _saturation(seen: Trace, reading: Reading, unit: int) -> dict[str, Any]:
    """How much of the outputs is saturated, the gates' means, what the unit keeps."""
    outputs = activity(seen.outputs, reading.mask, low=-0.9)
    by_unit = np.asarray(outputs.low + outputs.high)
    numbers: dict[str, Any] = {
        "saturated": float(by_unit.mean()),
        "saturated_by_unit": _rounded(np.sort(by_unit)[::-1]),
        "gates": {},
        "gate_half_life": None,
    }
    steps = np.arange(len(reading.mask))[:, None]
    held = reading.mask & (steps > reading.subject)
    for name, gate in next(iter(seen.cells.values())).gates.items():
        means = np.asarray(activity(gate, reading.mask).mean)
        if np.asarray(gate).min() >= 0:  # a sigmoid's
            numbers["gates"][name] = [float(means.mean()), float(means[unit])]
        if name in KEEPS:
            life = float(half_life(KEEPS[name](gate), held)[unit])
            numbers["gate_half_life"] = life if np.isfinite(life) else None
    return numbers


def _half(left: np.ndarray) -> int | None:
    """The words after which less than half of a push is left; None if more stays."""
    under = np.flatnonzero(left < 0.5)
    return int(under[0]) if len(under) else None


def _band(states: np.ndarray, reading: Reading) -> dict[str, list[list[float]]]:
    """The tenth, the mean and the ninetieth hundredth of a unit's states by number."""
    bands = {}
    for name, where in (("singular", ~reading.plural), ("plural", reading.plural)):
        of = states[:, where]
        low, high = np.quantile(of, (0.1, 0.9), axis=1)
        bands[name] = [_rounded(line) for line in (low, of.mean(axis=1), high)]
    return bands


def _rounded(numbers: np.ndarray) -> list[float]:
    return [round(float(number), 4) for number in numbers]
