"""Progress: a bar in a terminal, a plain line now and then in a pipe."""

import sys
import time
from typing import Any

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
        text = {name: f"{value:.4g}" for name, value in shown.items()}
        self._bar.set_postfix(text, refresh=False)
        self._bar.update(step - self._bar.n)
        now = time.monotonic()
        if self._terminal or self._quiet or now - self._last < self._every:
            return
        self._last = now
        left = (now - self._began) / (step - self._first) * (self._total - step)
        numbers = ", ".join(f"{name} {value}" for name, value in text.items())
        self.say(f"step {step}/{self._total}, {numbers}, {left:.0f} s left")

    def say(self, *lines: Any) -> None:
        """Prints lines without breaking the bar."""
        if not self._quiet:
            for line in lines:
                tqdm.write(str(line), file=sys.stderr)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()
