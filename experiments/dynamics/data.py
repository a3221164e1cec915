"""Three bits to remember, and the Lorenz system.

A flip-flop holds its last pulse. Of three, each reads one number of the input, which is
1 or −1 for a pulse and 0 otherwise, and gives its last pulse at every step: the task of
Sussillo and Barak (2013). Every sequence begins with a pulse for each bit, so a perfect
memory is always right.

Of the Lorenz system, see `seqjax.data.systems`, a state is to be followed by the next.
"""

import pathlib
from typing import NamedTuple

import numpy as np

from seqjax.data import Dataset, Splits, Table, split
from seqjax.data.files import DataError, numbered_lines
from seqjax.data.systems import lorenz, runge_kutta

BITS = 3
PULSES = {"-1": -1.0, "0": 0.0, "1": 1.0}
DT = 0.05  # of a step of the Lorenz system, in its units of time
LARGEST = 0.9056  # its largest exponent, nats per unit of time: Viswanath (1998)
CENTER, SCALE = np.array([0.0, 0.0, 23.5]), np.array([7.9, 9.0, 8.6])


class Example(NamedTuple):
    """What is read at each step, and what is right there."""

    inputs: np.ndarray  # [T, 3]
    targets: np.ndarray  # [T, 3]


def draw_flip_flops(
    seed: int, count: int, steps: int = 100, share: float = 0.05
) -> list[Example]:
    """Draws sequences of pulses, and what a perfect memory says.

    Args:
      seed: of the draws.
      count: how many.
      steps: T of each.
      share: of the steps of each bit that have a pulse.
    """
    rng = np.random.default_rng([seed, steps])
    signs = rng.choice([-1.0, 1.0], (count, steps, BITS))
    pulses = signs * (rng.random(signs.shape) < share)
    pulses[:, 0] = signs[:, 0]
    return [Example(row, held(row)) for row in pulses]


def held(pulses: np.ndarray) -> np.ndarray:
    """The last pulse of each bit at each step, [T, 3], 0 before the first."""
    steps = np.arange(len(pulses))[:, None]
    last = np.maximum.accumulate(np.where(pulses != 0, steps, 0), axis=0)
    return np.take_along_axis(pulses, last, axis=0)


def read_pulses(path: str | pathlib.Path) -> Splits:
    """Reads three numbers of −1, 0 and 1 a line, a line a step.

    A blank line ends a sequence.

    Raises:
      DataError: as `numbered_lines` does, a line is none of these, the first step of a
        sequence leaves a bit unset, or there are fewer than three sequences.
    """
    sequences: list[list[list[float]]] = [[]]
    for number, line in numbered_lines(path):
        row = [PULSES.get(word) for word in line.split()]
        if not row:
            sequences.append([])
        elif len(row) != BITS or None in row:
            raise DataError(
                f"{path}, line {number}: three numbers of -1, 0 and 1 are needed"
            )
        elif not sequences[-1] and 0 in row:
            raise DataError(
                f"{path}, line {number}: the first step of a sequence must set each bit"
            )
        else:
            sequences[-1].append(row)
    pulses = [np.array(rows) for rows in sequences if rows]
    try:
        return split([Example(row, held(row)) for row in pulses], range(len(pulses)))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def draw_lorenz(seed: int, count: int, steps: int = 50) -> list[Example]:
    """Integrates the Lorenz system from random states, after it has settled.

    Args:
      seed: of the states.
      count: how many.
      steps: T of each, `DT` apart.

    Returns:
      States centred and scaled to about one, each with the next.
    """
    state = np.random.default_rng([seed, steps]).normal(CENTER, SCALE, (count, 3))
    states = []
    for _ in range(500 + steps):
        state = runge_kutta(lorenz, state, DT, parts=10)
        states.append((state - CENTER) / SCALE)
    rows = np.stack(states[-steps - 1 :], axis=1)
    return [Example(row[:-1], row[1:]) for row in rows]


def _flip_flops() -> tuple[Splits, float]:
    return Splits(
        *(draw_flip_flops(*few) for few in ((0, 2000), (1, 200), (2, 200)))
    ), 1.0


def _lorenz() -> tuple[Splits, None]:
    return Splits(*(draw_lorenz(*few) for few in ((0, 2000), (1, 200), (2, 200)))), None


TABLE = Table(
    format="A text file for the flip-flops: three numbers of -1, 0 and 1 a line, a "
    "line a step, a blank line between sequences; the first step of each sets every "
    "bit.",
    read=read_pulses,
    datasets=(
        Dataset(
            name="flip_flop",
            load=_flip_flops,
            licence="none needed: generated",
            origin="experiments.dynamics.data.draw_flip_flops",
            description="2400 sequences of 100 steps, in which each of three bits has "
            "a pulse at one step in twenty; a perfect memory is always right.",
        ),
        Dataset(
            name="lorenz",
            load=_lorenz,
            licence="none needed: generated",
            origin="experiments.dynamics.data.draw_lorenz",
            description="2400 trajectories of the Lorenz system, 50 steps of 0.05 "
            "units of time each.",
        ),
    ),
)
