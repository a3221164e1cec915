"""Trains an experiment with every combination of flags, and compares the scores.

    python -m experiments.sweep names --cell=gru,lstm --features=32,64 --seeds=3 \\
        --steps=500 --workdir=runs/sweep
    python -m experiments.sweep names --cell='gru,lstm(coupled=True, chrono=9)'

Any flag of the experiment may have several values, parted by commas outside of brackets
or, where a value has commas itself, by semicolons. Each combination is run with each of
--seeds. A run is a process, and has the folder, the files and the numbers of its own
command line; runs of like shapes share their compiled programs. A sweep that was
stopped goes on by --resume --workdir=…, which then also takes more values and seeds.

Writes results.jsonl (a line a run), sweep.txt (the table), figures/sweep.png (the score
against each flag), result.json, logs/, and the folders of the runs.
"""

import datetime
import json
import pathlib
from typing import Any

from absl import app, flags, logging

import experiments.shared.flags  # noqa: F401
from experiments.shared import ranges
from experiments.shared.begun import refuse_begun
from experiments.shared.errors import one_sentence, stop
from experiments.sweep import arguments, processes, report
from experiments.sweep.check import check
from experiments.sweep.grid import Grid
from experiments.sweep.run import sweep

FLAGS = flags.FLAGS
for flag in ("workdir", "resume", "seed", "seeds", "quiet"):
    flags.declare_key_flag(flag)
FLAGS["workdir"].help = "The folder of the sweep; a new one below runs/ if None."
FLAGS["resume"].help = (
    "Go on with the sweep in --workdir, with the flags in its flags.txt; flags with "
    "several values, and --seeds, may have others now."
)
FLAGS["quiet"].help = "Print the result line only."
flags.DEFINE_integer(
    "jobs",
    1,
    "Runs at once, each on its share of the cores; 1 times them best.",
    1,
    1000,
)
flags.DEFINE_integer(
    "subset", 0, "Draw so many combinations at random (random search); 0: all.", 0
)
OWN = ("workdir", "resume", "seed", "seeds", "quiet", "jobs", "subset")
ABSL = ("help", "helpshort", "helpfull", "h", "only_check_args")


def parse(argv: list[str]) -> list[str]:
    """Parses the flags of the sweep, and has the experiment check its own."""
    logging.set_verbosity(logging.WARNING)
    with one_sentence():
        words = FLAGS.read_flags_from_files(argv[1:], force_gnu=True)
        mine, others = arguments.divide(words, OWN + ABSL)
        FLAGS([argv[0], *mine])
        ranges.check(FLAGS[name] for name in OWN)
        grid = _grid(others)
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        folder = pathlib.Path(FLAGS.workdir or f"runs/sweep-{grid.task}-{stamp}")
        refuse_begun(folder, FLAGS.resume)
        processes.prepare(grid.task)
        check(grid, FLAGS.jobs)
        FLAGS.workdir = str(folder)
        return [argv[0], *others]


def _grid(words: list[str]) -> Grid:
    given = [name for name in OWN if FLAGS[name].present]
    values: list[Any] = [FLAGS[name].value for name in arguments.OPTIONS]
    return arguments.grid_of(words, arguments.Options(*values), given)


def main(words: list[str]) -> None:
    """Runs the grid, prints the table, names what failed."""
    with one_sentence():
        grid, folder = _grid(words[1:]), pathlib.Path(FLAGS.workdir)
        if not FLAGS.quiet:
            trials = grid.trials()
            print(f"{grid.task}: {len(trials)} runs, in {folder}", flush=True)
        result = sweep(grid, folder, FLAGS.jobs, FLAGS.quiet)
    if not FLAGS.quiet:
        print(f"\n{report.table(result)}\n\nfigure: {folder / 'figures/sweep.png'}")
    print(json.dumps(result), flush=True)
    failures = [f for row in result["rows"] for f in row["failures"]]
    if failures:
        stop(f"{len(failures)} of the runs failed: {failures[0]}", 1)


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
