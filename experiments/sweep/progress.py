"""How far a grid is: a bar in a terminal, and a line a run."""

import pathlib
import re
import sys
import time

from tqdm import tqdm

from experiments.sweep.grid import Trial
from seqjax.train import log
from seqjax.train.progress import duration


class Progress:
    """How far the whole grid is: a bar in a terminal, and a line a run."""

    def __init__(
        self, folder: pathlib.Path, trials: list[Trial], done: int, quiet: bool
    ):
        self._folder, self._total, self._quiet = folder, len(trials), quiet
        self._first, self._done, self._began = done, done, time.monotonic()
        off = quiet or not sys.stderr.isatty()
        form = "{percentage:3.0f}%|{bar}| {postfix}"
        self._bar = tqdm(total=len(trials), bar_format=form, disable=off)

    def show(self, running: list[Trial]) -> None:
        """Moves the bar to what is done, and to the steps of what is running."""
        if self._bar.disable:
            return
        shares = [self._share(trial) for trial in running]
        names = "; ".join(
            f"{t.name}: {share:.0%}" for t, share in zip(running, shares, strict=True)
        )
        self._bar.set_postfix_str(f"{self._done}/{self._total} runs, {names}", False)
        self._bar.n = self._done + sum(shares)
        self._bar.refresh()

    def _share(self, trial: Trial) -> float:
        """The share of a run's steps that it has logged."""
        own = self._folder / trial.folder
        lines = log.read(own / "metrics.jsonl")
        if not lines or not (own / "flags.txt").exists():
            return 0.0
        steps = re.search(r"^--steps=(\d+)$", (own / "flags.txt").read_text(), re.M)
        return lines[-1]["step"] / int(steps[1]) if steps else 0.0

    def report(self, name: str, said: str, done: int) -> None:
        """Says what became of a run, and how long the others will take.

        Args:
          name: of the run.
          said: its score, or why it failed.
          done: how many runs are over.
        """
        self._done = done
        if self._quiet:
            return
        each = (time.monotonic() - self._began) / (done - self._first)
        left = each * (self._total - done)
        text = f"{done}/{self._total} runs, {name}: {said}"
        self._bar.clear()
        print(text + f" ({duration(left)} left)" * bool(left), flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()
