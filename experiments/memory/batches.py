"""Endless batches, whose length may grow as training goes on."""

import bisect
import itertools

import jax
import numpy as np

from experiments.memory.problems import Drawn, Problem

LEARN, VALID, TEST = range(3)  # parts, whose sequences are seeded apart


class Endless:
    """A new batch at each training step: a function of the seed and the step.

    Args:
      problem: that draws the sequences.
      length: the largest size.
      batch_size: B.
      seed: of the draws.
      steps: the training steps of the run, which the curriculum is laid out over.
      begin: the size that the curriculum begins with; 0 for `length` at all steps.
    """

    def __init__(
        self,
        problem: Problem,
        length: int,
        batch_size: int,
        seed: int,
        steps: int,
        begin: int = 0,
    ):
        self.problem, self.batch_size, self.seed = problem, batch_size, seed
        self.lengths = growing(begin or length, length)
        self.ends = stages([problem.steps(n) for n in self.lengths], steps)

    def in_words(self) -> str:
        """Says the lengths, and up to which step each has its turn."""
        if len(self.lengths) == 1:
            return f"length {self.lengths[0]}"
        steps = zip(self.lengths, self.ends, strict=True)
        words = ", ".join(f"{n} up to step {end:,}" for n, end in steps)
        return f"lengths that grow: {words}"

    def length_at(self, step: int) -> int:
        """The largest size of the batch of a training step."""
        place = bisect.bisect_right(self.ends, step)
        return self.lengths[min(place, len(self.lengths) - 1)]

    def run_length(self, step: int, most: int) -> int:
        """Counts the steps from `step` on, up to `most`, of one length."""
        place = bisect.bisect_right(self.ends, step)
        left = self.ends[place] - step if place < len(self.ends) else most
        return min(most, left)

    def stacked(self, step: int, count: int) -> Drawn:
        """The batches of `count` steps from `step` on; leaves [count, B, ...]."""
        drawn = [
            self.problem.sequences(
                [self.seed, LEARN, at], self.batch_size, self.length_at(at)
            )
            for at in range(step, step + count)
        ]
        return jax.tree.map(lambda *parts: np.stack(parts), *drawn)


def growing(begin: int, length: int) -> list[int]:
    """Sizes from `begin` on, doubled until `length` is reached, or nearly so.

    Example:
      >>> growing(10, 100), growing(12, 100)
      ([10, 20, 40, 80, 100], [12, 24, 48, 100])
    """
    doubled = (begin * 2**i for i in itertools.count())
    return [*itertools.takewhile(lambda n: 6 * n < 5 * length, doubled), length]


def stages(costs: list[int], steps: int) -> list[int]:
    """The training step at which each stage ends, where all take as long.

    Args:
      costs: of a training step of each stage.
      steps: in all.

    Returns:
      The ends of all stages, the last of which is `steps`. Each has a step at least,
      as far as there are as many.

    Example:
      >>> stages([10, 20, 40], 70)
      [40, 60, 70]
    """
    shares = np.cumsum([1 / cost for cost in costs])
    ends = np.rint(steps * shares / shares[-1]).astype(int).tolist()
    for i in range(1, len(ends)):
        ends[i] = max(ends[i], ends[i - 1] + 1)
    return [min(end, steps) for end in ends]
