"""Dynamical systems whose next values are to be predicted.

The Mackey–Glass equation (1977) is ẋ = 0.2 x(t−τ) / (1 + x(t−τ)¹⁰) − 0.1 x; at τ = 17
it is weakly chaotic. The Lorenz system (1963) is ẋ = σ (y − x), ẏ = x (ρ − z) − y,
ż = x y − β z with σ = 10, ρ = 28, β = 8/3. NARMA-10, Atiya and Parlos (2000):

    y⟨t+1⟩ = 0.3 y⟨t⟩ + 0.05 y⟨t⟩ Σ_{i<10} y⟨t−i⟩ + 1.5 u⟨t−9⟩ u⟨t⟩ + 0.1.
"""

from collections.abc import Callable

import numpy as np

LOSS = 0.1  # of x in a unit of time, in the Mackey–Glass equation
BURST = 1.0  # a NARMA-10 that has come so far may run away; the usual ones stay below


def mackey_glass(
    starts: np.ndarray,
    steps: int,
    *,
    lag: int = 17,
    parts: int = 20,
    settle: int = 1000,
) -> np.ndarray:
    """Integrates the Mackey–Glass equation from constant histories.

    Runge–Kutta of the fourth order, with the delayed value between two grid points by
    cubic Hermite interpolation, which is of that order too. The delayed values of a
    whole stretch of τ are known before it begins, so that the stretch is a linear
    equation, and its steps are a linear filter.

    Args:
      starts: x(t) for t ≤ 0, [N].
      steps: T, how many values to return, a unit of time apart.
      lag: τ, in units of time.
      parts: Runge–Kutta steps in a unit of time; at 20, halving them changes a value
        after 100 units of time by 1e-10.
      settle: units of time that are left out at the beginning.

    Returns:
      [T, N].
    """
    from scipy.signal import lfilter  # which brings all of scipy.stats with it

    x = np.repeat(np.asarray(starts, float)[None], lag * parts + 1, axis=0)
    between, h, kept = x[1:], 1 / parts, []
    decay, begin, middle, end = (_decaying(unit, h) for unit in np.eye(4))
    for _ in range(-(-(settle + steps) // lag)):
        gain, gain_between = _gain(x), _gain(between)
        drive = begin * gain[:-1] + middle * gain_between + end * gain[1:]
        after, _ = lfilter([1.0], [1.0, -decay], drive, axis=0, zi=decay * x[-1:])
        x = np.concatenate([x[-1:], np.asarray(after)])
        bend = (gain[:-1] - LOSS * x[:-1]) - (gain[1:] - LOSS * x[1:])
        between = (x[:-1] + x[1:]) / 2 + h / 8 * bend
        kept.append(x[:-1:parts])
    return np.concatenate(kept)[settle : settle + steps]


def lorenz(states: np.ndarray) -> np.ndarray:
    """The rates of change ẋ, ẏ, ż of states [..., 3], per unit of time."""
    x, y, z = np.moveaxis(states, -1, 0)
    return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], axis=-1)


def runge_kutta(
    rates: Callable[[np.ndarray], np.ndarray],
    state: np.ndarray,
    step: float,
    parts: int,
) -> np.ndarray:
    """Returns the state after a `step` of time, in so many steps of fourth order."""
    h = step / parts
    for _ in range(parts):
        a = rates(state)
        b = rates(state + h / 2 * a)
        c = rates(state + h / 2 * b)
        state = state + h / 6 * (a + 2 * b + 2 * c + rates(state + h * c))
    return state


def narma10(seed: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws inputs u uniform in [0, 0.5], and what NARMA-10 makes of them.

    A seed whose y runs away, as happens now and then, is passed over for the next.

    Args:
      seed: of the inputs.
      steps: T.

    Returns:
      u⟨t⟩ [T] and y⟨t+1⟩ [T], which depends on u⟨t⟩ and nine inputs before it.
    """
    rng = np.random.default_rng([seed, steps])
    while True:
        u, y = rng.uniform(0, 0.5, steps + 200), np.zeros(steps + 201)
        for t in range(9, steps + 200):
            memory = 0.05 * y[t] * y[t - 9 : t + 1].sum()
            y[t + 1] = 0.3 * y[t] + memory + 1.5 * u[t - 9] * u[t] + 0.1
            if y[t + 1] > BURST:
                break
        else:
            return u[200:], y[201:]


def _gain(x: np.ndarray) -> np.ndarray:
    return 0.2 * x / (1 + x**10)


def _decaying(values: np.ndarray, h: float) -> float:
    """A Runge–Kutta step of ẋ = g − 0.1 x from x, with g at begin, middle and end."""
    x, begin, middle, end = values
    a = begin - LOSS * x
    b = middle - LOSS * (x + h / 2 * a)
    c = middle - LOSS * (x + h / 2 * b)
    return float(x + h / 6 * (a + 2 * b + 2 * c + end - LOSS * (x + h * c)))
