"""Signals to predict: Mackey–Glass, NARMA-10, Lorenz, and the Santa Fe laser."""

import io
import pathlib
from typing import NamedTuple

import numpy as np

from seqjax.data import DataError, Dataset, Table, read_series, wheels
from seqjax.data.systems import lorenz, mackey_glass, narma10, runge_kutta
from seqjax.predict import Scale

RESERVOIRPY = wheels.Wheel(
    "reservoirpy",
    "0.4.2",
    "cb6f61b2a3b90986d4cc89e14aa0c0b92632711272ff6f7dcd94e0c973217432",
    0.2,
    "MIT, as reservoirpy; data set A of the Santa Fe competition (1991)",
)
LASER = "reservoirpy/datasets/santafe_laser.npy"
WARM = 1000  # steps before those of a test that are scored
LEARN, TESTS = 20_000, 100  # steps to learn from, and stretches to test on
DT = 0.02  # of a step of the Lorenz system, in its units of time
SHORTEST = 400  # values of a file of one's own


class Signal(NamedTuple):
    """What is read and what is right, to learn from and in stretches to test on.

    A stretch is warm-up, of which nothing is scored, and then `ahead` steps.
    """

    inputs: np.ndarray  # [T, n]
    targets: np.ndarray  # [T, m], at each step what is right after it
    test_inputs: np.ndarray  # [B, warm + ahead, n]
    test_targets: np.ndarray  # [B, warm + ahead, m]
    horizon: int  # the step whose error is scored, of a network that runs by itself;
    # 0 where the targets are not the next inputs, or one step is the task
    closed: bool  # whether the targets are the next inputs
    warm: int
    squash: bool = False

    def first(self, tests: int) -> "Signal":
        """The same with so many of the stretches to test on, at most."""
        inputs, targets = self.test_inputs[:tests], self.test_targets[:tests]
        return self._replace(test_inputs=inputs, test_targets=targets)

    @property
    def scales(self) -> tuple[Scale, Scale]:
        """How inputs and targets are scaled."""
        if self.squash:
            both = Scale((1.0,), (1.0,), squash=True)
            return both, both
        reads = Scale.of(self.inputs)
        return reads, reads if self.closed else Scale.of(self.targets)


def from_values(
    learn: np.ndarray, tests: np.ndarray, horizon: int, warm: int = WARM, **more: bool
) -> Signal:
    """A signal whose targets are its next values: learn [T + 1, n], tests [B, S, n]."""
    pairs = learn[:-1], learn[1:], tests[:, :-1], tests[:, 1:]
    return Signal(*pairs, horizon, True, warm, **more)


def in_time(values: np.ndarray, learn: int, warm: int, ahead: int) -> Signal:
    """Splits values [T] in time: the first to learn from, all others to test on.

    The others are cut into stretches of `ahead` steps, each after a warm-up of what
    came before it, which is known by then.
    """
    values = values[:, None]
    starts = range(learn, len(values) - ahead, ahead)
    tests = np.stack([values[s - warm : s + ahead + 1] for s in starts])
    return from_values(values[: learn + 1], tests, 0, warm)


def read_signal(path: str | pathlib.Path) -> Signal:
    """Reads a series from a CSV file; its last four tenths are to test on.

    Raises:
      DataError: as `read_series` does, the series is constant, or it has fewer than
        400 values.
    """
    values = read_series(path)
    if len(values) < SHORTEST:
        raise DataError(f"{path}: {len(values)} values are too few; give {SHORTEST}")
    learn = len(values) * 6 // 10
    if np.ptp(values[:learn]) == 0:
        raise DataError(f"{path}: a constant series, in which nothing is to be learned")
    return in_time(values, learn, min(WARM, learn // 3), min(100, len(values) // 20))


def _mackey_glass() -> tuple[Signal, None]:
    rng = np.random.default_rng(0)
    learn = mackey_glass(rng.uniform(0.9, 1.5, 1), LEARN + 1)
    tests = mackey_glass(rng.uniform(0.9, 1.5, TESTS), WARM + 301)
    return from_values(learn, tests.T[..., None], 84, squash=True), None


def _lorenz() -> tuple[Signal, None]:
    state = np.random.default_rng(0).normal([0, 0, 24], 8, (TESTS + 1, 3))
    states = []
    for _ in range(1000 + WARM + 501):
        state = runge_kutta(lorenz, state, DT, parts=4)
        states.append(state)
    tests = np.stack(states[1000:], axis=1)[1:]
    learn = [state[0]]
    for _ in range(LEARN):
        learn.append(runge_kutta(lorenz, learn[-1], DT, parts=4))
    return from_values(np.stack(learn), tests, 110), None


def _narma10() -> tuple[Signal, None]:
    learn, tests = narma10(0, LEARN), [narma10(1 + i, WARM + 400) for i in range(10)]
    u, y = (np.stack(column)[..., None] for column in zip(*tests, strict=True))
    signal = Signal(learn[0][:, None], learn[1][:, None], u, y, 0, False, WARM)
    return signal, None


def _laser() -> tuple[Signal, None]:
    (raw,) = wheels.read(RESERVOIRPY, LASER)
    values = np.load(io.BytesIO(raw), allow_pickle=False).ravel().astype(float)
    return in_time(values, 6000, WARM, 100), None


TABLE = Table(
    format="A CSV file with a header, whose column named value is the series, a line a "
    "step.",
    read=read_signal,
    datasets=(
        Dataset(
            name="mackey_glass",
            load=_mackey_glass,
            licence="none needed: generated",
            origin="seqjax.data.systems.mackey_glass",
            description="the Mackey–Glass equation with a lag of 17, a unit of time a "
            "step: 20,000 steps, and 100 tests from other starts, of which the 84th "
            "step is scored.",
        ),
        Dataset(
            name="narma10",
            load=_narma10,
            licence="none needed: generated",
            origin="seqjax.data.systems.narma10",
            description="a driven system with a memory of ten steps: 20,000 steps, and "
            "10 tests of 400.",
        ),
        Dataset(
            name="lorenz",
            load=_lorenz,
            licence="none needed: generated",
            origin="seqjax.data.systems.lorenz",
            description="the Lorenz system, 0.02 units of time a step: 20,000 steps, "
            "and 100 tests from other starts, of which the 110th step is scored: "
            "twice the time in which an error grows e-fold.",
        ),
        Dataset(
            name="laser",
            load=_laser,
            licence=RESERVOIRPY.licence,
            origin=f"PyPI package reservoirpy 0.4.2: {LASER}",
            description="intensities of a chaotic laser, 10,093 steps: 6,000 to learn "
            "from, the rest to test on, one step ahead.",
        ),
    ),
)
