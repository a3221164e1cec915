"""Progress and speed: a bar in a terminal, a plain line now and then in a pipe."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import jax
from tqdm import tqdm


class Progress:
    """Shows how far a run is, on standard error.

    Args:
      total: steps in all.
      done: steps already done.
      quiet: shows nothing.
      every: seconds between lines in a pipe.
    """

    def __init__(self, total: int, done: int = 0, quiet: bool = False, every=10.0):
        self._terminal = sys.stderr.isatty() and not quiet
        self._quiet, self._every, self._total = quiet, every, total
        self._began = self._last = time.monotonic()
        self._first = done
        self._bar = tqdm(
            total=total,
            initial=done,
            unit="step",
            dynamic_ncols=True,
            disable=not self._terminal,
        )

    def update(self, step: int, **shown: float) -> None:
        """Moves to `step`, with numbers to show."""
        text = {
            name: f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
            for name, value in shown.items()
        }
        self._bar.set_postfix(text, refresh=False)
        self._bar.update(step - self._bar.n)
        now = time.monotonic()
        if self._terminal or self._quiet or now - self._last < self._every:
            return
        self._last = now
        left = (now - self._began) / (step - self._first) * (self._total - step)
        numbers = ", ".join(f"{name} {value}" for name, value in text.items())
        line = f"step {step}/{self._total}, {numbers}, {left:.0f} s left"
        print(line, file=sys.stderr, flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()


class Clock:
    """Times dispatches; the first of each shape compiles, and does not count."""

    def __init__(self):
        self._began = time.monotonic()
        self._shapes, self._time, self._counted = set(), 0.0, 0
        self.tokens = 0

    @contextlib.contextmanager
    def timing(self, batches: Any) -> Iterator[None]:
        """Times what is done inside; add to `tokens` there."""
        shape = tuple(a.shape for a in jax.tree.leaves(batches))
        start, tokens = time.monotonic(), self.tokens
        yield
        if shape in self._shapes:
            self._time += time.monotonic() - start
            self._counted += self.tokens - tokens
        self._shapes.add(shape)

    @property
    def speed(self) -> float:
        """Tokens per second, compilation and evaluation left out."""
        return self._counted / self._time if self._time else 0.0

    def seconds(self) -> float:
        """Since the clock was made, all counted."""
        return time.monotonic() - self._began
