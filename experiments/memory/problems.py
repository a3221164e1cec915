"""The classic tasks of long memory, each drawn without end, each with its chance level.

copy: ten symbols of eight, blanks, a signal, and then the ten again (Hochreiter and
Schmidhuber, 1997; as in Arjovsky, Shah and Bengio, 2016, section 5.1). adding: numbers
from 0 to 1, two of them marked, whose sum is asked at the end (the same). parity: at
each bit, whether the ones up to it are odd in number. anbn and dyck: what may follow
in aⁿbⁿ and in balanced brackets; see `languages`. flipflop: three bits, each the last
pulse that it had (Sussillo and Barak, 2013).
"""

import dataclasses
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import numpy as np

from experiments.dynamics.data import BITS, draw_flip_flops
from experiments.memory.languages import SYMBOLS, draw_anbn, draw_dyck
from seqjax import memory

KINDS, COPIED = 8, 10  # symbols to choose from, and how many are to be copied
BLANK, SIGNAL = KINDS, KINDS + 1


class Drawn(NamedTuple):
    """Sequences to read, and what is right at which steps."""

    inputs: np.ndarray  # float32 [B, T, in]
    targets: np.ndarray  # int32 [B, T] classes; float32 [B, T, out] numbers or bits
    mask: np.ndarray  # bool [B, T], True at the steps that are asked for


@dataclasses.dataclass(frozen=True)
class Problem:
    """One of the tasks.

    Attributes:
      inputs: the width of an input.
      outputs: how many numbers are read out at a step.
      kind: what they are: logits of "classes", "numbers", or a logit for each of
        several "bits".
      draw: draws sequences from a generator and their sizes, integers [B].
      steps: T of the sequences whose largest size is given.
      length: the size to train on, unless another is asked for.
      test_length: the size to test up to; None for that of training.
      ragged: whether sizes are uniform from 1 to the largest, and a sequence counts as
        a whole; else all sizes are the largest.
      size: names a size.
    """

    inputs: int
    outputs: int
    kind: Literal["classes", "numbers", "bits"]
    draw: Callable[[np.random.Generator, np.ndarray], Drawn]
    steps: Callable[[int], int]
    length: int
    test_length: int | None = None
    ragged: bool = False
    size: str = "steps"

    def sequences(
        self, seed: list[int], count: int, length: int, shortest: int = 1
    ) -> Drawn:
        """Draws sequences.

        Args:
          seed: of the draws.
          count: B.
          length: the largest size.
          shortest: the smallest, where sizes differ.

        Returns:
          Sequences of T = `steps(length)`; shorter ones are filled up with zeros.

        Raises:
          DoesNotFit: so many numbers are more than there is memory for.
        """
        least = jax.ShapeDtypeStruct((count, self.steps(length)), np.float32)
        memory.check(least, f"--length: {count:,} sequences of {length:,}")
        rng = np.random.default_rng(seed)
        sizes = np.full(count, length)
        if self.ragged:
            sizes = rng.integers(shortest, length + 1, count)
        drawn = self.draw(rng, sizes)
        return Drawn(*(_filled(part, self.steps(length)) for part in drawn))


def _filled(part: np.ndarray, steps: int) -> np.ndarray:
    """Fills a part up with zeros to so many steps."""
    missing = [(0, 0), (0, steps - part.shape[1]), *[(0, 0)] * (part.ndim - 2)]
    return np.pad(part, missing)


def draw_copy(rng: np.random.Generator, sizes: np.ndarray) -> Drawn:
    """Draws symbols that are to be written again after `sizes[0]` steps.

    Read are ten symbols, T − 1 blanks, a signal and ten blanks. Right are T + 10 blanks
    and the ten symbols.
    """
    count, length = len(sizes), int(sizes[0])
    symbols = rng.integers(0, KINDS, (count, COPIED))
    read = np.full((count, length + 2 * COPIED), BLANK)
    read[:, :COPIED] = symbols
    read[:, length + COPIED - 1] = SIGNAL
    right = np.full_like(read, BLANK)
    right[:, -COPIED:] = symbols
    inputs = np.eye(KINDS + 2, dtype=np.float32)[read]
    return Drawn(inputs, right.astype(np.int32), np.ones(read.shape, bool))


def draw_adding(rng: np.random.Generator, sizes: np.ndarray) -> Drawn:
    """Draws numbers from 0 to 1, one marked in each half; their sum is asked last."""
    count, length = len(sizes), int(sizes[0])
    numbers = rng.random((count, length), np.float32)
    first = rng.integers(0, length // 2, count)
    second = rng.integers(length // 2, length, count)
    rows, marks = np.arange(count), np.zeros_like(numbers)
    marks[rows, first] = marks[rows, second] = 1
    targets = np.zeros((count, length, 1), np.float32)
    targets[:, -1, 0] = np.sum(numbers * marks, axis=1)
    mask = np.broadcast_to(np.arange(length) == length - 1, numbers.shape)
    return Drawn(np.stack([numbers, marks], axis=-1), targets, mask)


def draw_parity(rng: np.random.Generator, sizes: np.ndarray) -> Drawn:
    """Draws bits; right is at each whether the ones up to it are odd in number."""
    bits = rng.integers(0, 2, (len(sizes), int(sizes[0]), 1))
    odd = np.cumsum(bits, axis=1) % 2
    mask = np.ones(bits.shape[:2], bool)
    return Drawn(bits.astype(np.float32), odd.astype(np.float32), mask)


def draw_flipflop(rng: np.random.Generator, sizes: np.ndarray) -> Drawn:
    """Draws pulses of −1 and 1; right is of each bit whether its last one was 1."""
    seed = int(rng.integers(2**31))
    rows = draw_flip_flops(seed, len(sizes), int(sizes[0]))
    pulses = np.stack([row.inputs for row in rows]).astype(np.float32)
    held = np.stack([row.targets for row in rows]) > 0
    return Drawn(pulses, held.astype(np.float32), np.ones(pulses.shape[:2], bool))


def _same(length: int) -> int:
    return length


def _language(draw: Callable[..., tuple[np.ndarray, ...]], size: str) -> Problem:
    def drawn(rng: np.random.Generator, sizes: np.ndarray) -> Drawn:
        return Drawn(*draw(rng, sizes))

    width = len(SYMBOLS)
    how = {"length": 100, "test_length": 256, "ragged": True, "size": size}
    return Problem(width, width, "bits", drawn, lambda n: 2 * n + 1, **how)


PROBLEMS = {
    "copy": Problem(
        KINDS + 2, KINDS + 1, "classes", draw_copy, lambda n: n + 2 * COPIED, 1000
    ),
    "adding": Problem(2, 1, "numbers", draw_adding, _same, 200),
    "parity": Problem(1, 1, "bits", draw_parity, _same, 32, 256),
    "anbn": _language(draw_anbn, "n, the number of a"),
    "dyck": _language(draw_dyck, "n, the pairs of brackets"),
    "flipflop": Problem(BITS, BITS, "bits", draw_flipflop, _same, 100, 400),
}
