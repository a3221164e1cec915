"""Says whether the files of runs, or of saved models, are what was written.

    python -m experiments.verify runs/lstm runs/gru

prints a line for each damaged or missing file, and how many are sound. The exit code is
1 if any is not.
"""

import collections
import pathlib
import warnings

from absl import app, flags, logging

from experiments.shared.errors import UsageError, one_sentence, stop
from experiments.shared.verifying import verify

FLAGS = flags.FLAGS


def main(argv: list[str]) -> None:
    """Verifies each folder."""
    warnings.simplefilter("ignore")  # what is passed over has a line of its own
    with one_sentence():
        if len(argv) < 2:
            raise UsageError("name the folders of one or more runs")
        found = collections.Counter()
        for folder in map(pathlib.Path, argv[1:]):
            if not folder.is_dir():
                raise UsageError(f"{folder}: there is no such folder")
            verdicts = list(verify(folder))
            if not verdicts:
                raise UsageError(f"{folder}: no run and no model is in it")
            for verdict in verdicts:
                found[bool(verdict.problem)] += 1
                if verdict.problem:
                    print(f"{verdict.path}: {verdict.problem}")
        if found[True]:
            stop(f"{found[True]} of {found.total()} files are not sound", 1)
        print(f"{found.total()} files are sound")


def parse(argv: list[str]) -> list[str]:
    """Parses the flags."""
    logging.set_verbosity(logging.WARNING)
    with one_sentence():
        return FLAGS(argv)


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
