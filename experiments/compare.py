"""Puts runs beside each other: a table of their scores, and their curves.

    python -m experiments.compare runs/lstm runs/gru --output=runs

prints the table and writes comparison.png, whose runs are named by the flags in which
they differ.
"""

import pathlib
import sys
from typing import NoReturn

from absl import app, flags

from seqjax.data import DataError
from seqjax.figures import compare
from seqjax.inspect import comparison_table, read_run

FLAGS = flags.FLAGS
OUTPUT = flags.DEFINE_string(
    "output", ".", "The folder that comparison.png is written to."
)
MARKDOWN = flags.DEFINE_bool("markdown", False, "Print the table as Markdown.")


def main(argv: list[str]) -> None:
    """Reads the runs, prints the table, draws the figure."""
    folders = list(dict.fromkeys(argv[1:]))
    if not folders:
        stop("name the folders of one or more runs", 2)
    try:
        runs = [read_run(folder) for folder in folders]
    except DataError as error:
        stop(str(error), 1)
    print(comparison_table(runs, markdown=MARKDOWN.value))
    path = pathlib.Path(OUTPUT.value) / "comparison.png"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        compare(path, runs, title="runs compared")
    except OSError as error:
        stop(f"--output: {path}: {error.strerror or error}", 2)
    print(f"the figure: {path}")


def parse(argv: list[str]) -> list[str]:
    """Parses the flags; a bad one ends in one sentence."""
    try:
        return FLAGS(argv)
    except flags.Error as error:
        stop(str(error).replace("\n", " "), 2)


def stop(sentence: str, code: int) -> NoReturn:
    """Prints what is wrong and exits."""
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
