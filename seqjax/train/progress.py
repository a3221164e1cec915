"""Progress and speed: a bar in a terminal, a plain line now and then in a pipe."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import jax
from tqdm import tqdm


class Progress:
    """Shows on standard error how far a run is.

    Args:
      total: the number of steps in all.
      done: the number of steps already done.
      unit: the unit of the loss, printed behind it.
      quiet: whether to show nothing.
      every: seconds between lines in a pipe.
    """

    def __init__(
        self,
        total: int,
        done: int = 0,
        unit: str = "",
        quiet: bool = False,
        every: float = 10.0,
    ):
        self._terminal = sys.stderr.isatty() and not quiet
        self._quiet, self._every, self._total = quiet, every, total
        self._unit, self._last = unit, time.monotonic()
        self._bar = tqdm(
            total=total,
            initial=done,
            bar_format="{percentage:3.0f}%|{bar}| step {n_fmt}/{total_fmt}{postfix}",
            dynamic_ncols=True,
            disable=not self._terminal,
        )

    def update(
        self, step: int, loss: float, tokens_per_second: float, left: float | None
    ) -> None:
        """Moves to a step.

        Args:
          step: the number of steps done.
          loss: in the unit.
          tokens_per_second: the speed, 0 while it is not known.
          left: seconds to the end, None while they are not known.
        """
        text = f"loss {_short(loss)} {self._unit}".rstrip()
        if tokens_per_second:
            text += f", {tokens_per_second:,.0f} tokens/s"
        if left is not None:
            text += f", {duration(left)} left"
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(step - self._bar.n)
        now = time.monotonic()
        if self._terminal or self._quiet or now - self._last < self._every:
            return
        self._last = now
        print(f"step {step}/{self._total}, {text}", file=sys.stderr, flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()


class Clock:
    """Times dispatches and evaluations; the first of each shape compiles.

    What compiles is left out of the speed and of the time left: a run with many shapes
    compiles for a while, and would seem to take days.

    Attributes:
      tokens: the number of tokens so far; the caller adds to it in each dispatch.
    """

    def __init__(self):
        self._began = time.monotonic()
        self._shapes, self._time, self._steps, self._counted = set(), 0.0, 0, 0
        self._evaluations: list[float] = []
        self.tokens = 0

    @contextlib.contextmanager
    def dispatch(self, batches: Any, steps: int) -> Iterator[None]:
        """Times the steps inside; add to `tokens` there."""
        shape = tuple(a.shape for a in jax.tree.leaves(batches))
        start, tokens = time.monotonic(), self.tokens
        yield
        if shape in self._shapes:
            self._time += time.monotonic() - start
            self._steps += steps
            self._counted += self.tokens - tokens
        self._shapes.add(shape)

    @contextlib.contextmanager
    def evaluation(self) -> Iterator[None]:
        """Times an evaluation."""
        start = time.monotonic()
        yield
        self._evaluations.append(time.monotonic() - start)

    @property
    def tokens_per_second(self) -> float:
        """The speed of training after compilation; 0 before it is known."""
        return self._counted / self._time if self._time else 0.0

    def seconds_left(self, steps: int, evaluations: int) -> float | None:
        """Returns the time that steps and evaluations will take.

        It is None before a step has run that did not compile. Evaluations count from
        the second on, since the first one compiles.
        """
        if not self._steps:
            return None
        warm = self._evaluations[1:]
        each = sum(warm) / len(warm) if warm else 0.0
        return self._time / self._steps * steps + each * evaluations

    def seconds(self) -> float:
        """Returns the seconds since the clock was made, all counted."""
        return time.monotonic() - self._began


def duration(seconds: float) -> str:
    """Returns a time in the unit that suits it.

    Example:
      >>> duration(77.2), duration(745), duration(9000)
      ('77 s', '12 min', '2 h 30 min')
    """
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return (
        f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
    )


def _short(number: float) -> str:
    """Three digits, or all before the point."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
