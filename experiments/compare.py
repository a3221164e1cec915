"""Puts runs beside each other: a table of their scores, and their curves.

    python -m experiments.compare runs/lstm runs/gru --output=runs

prints the table and writes comparison.png, whose runs are named by the flags in which
they differ.
"""

import pathlib

from absl import app, flags

from experiments.shared.errors import UsageError, one_sentence
from seqjax.figures import compare
from seqjax.inspect import comparison_table, read_run

FLAGS = flags.FLAGS
OUTPUT = flags.DEFINE_string(
    "output", ".", "The folder that comparison.png is written to."
)
MARKDOWN = flags.DEFINE_bool("markdown", False, "Print the table as Markdown.")


def main(argv: list[str]) -> None:
    """Reads the runs, prints the table, draws the figure."""
    with one_sentence():
        folders = list(dict.fromkeys(argv[1:]))
        if not folders:
            raise UsageError("name the folders of one or more runs")
        runs = [read_run(folder) for folder in folders]
        print(comparison_table(runs, markdown=MARKDOWN.value))
        path = pathlib.Path(OUTPUT.value) / "comparison.png"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            compare(path, runs, title="runs compared")
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"--output: {path}: {reason}") from None
        print(f"the figure: {path}")


def parse(argv: list[str]) -> list[str]:
    """Parses the flags."""
    with one_sentence():
        return FLAGS(argv)


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
