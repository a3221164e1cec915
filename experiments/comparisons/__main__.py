"""The course's comparisons, each with a table, a figure and what follows from them.

    python -m experiments.comparisons cells       GRU against LSTM, equal parameters
    python -m experiments.comparisons depth       one to four layers
    python -m experiments.comparisons words       word against character models
    python -m experiments.comparisons vocabulary  its size, unknown words, time, score
    python -m experiments.comparisons directions  both against one, and what they wait
    python -m experiments.comparisons fixed       the fixed network on padded input

Further flags are those of the experiment that is compared, and may have several values,
as in python -m experiments.comparisons depth --layers=1,2 --steps=200. One that was
stopped goes on by --resume --workdir=….

Writes figures/comparison.png, comparison.txt (the table and the conclusion),
result.json, and the folders of its sweeps.
"""

import datetime
import json
import pathlib
import shutil
import time
from typing import Any

from absl import app, flags, logging

import experiments.shared.flags  # noqa: F401
from experiments.comparisons import (
    cells,
    depth,
    directions,
    fixed,
    vocabulary,
    words,
)
from experiments.comparisons.common import Finding, Request, aligned
from experiments.shared import ranges
from experiments.shared.begun import read_flags, refuse_begun
from experiments.shared.errors import UsageError, one_sentence
from experiments.shared.verifying import write_sums
from experiments.sweep import processes
from experiments.sweep.arguments import divide
from experiments.sweep.check import check
from experiments.sweep.grid import Grid
from experiments.sweep.grid import parse as parse_words
from seqjax.data.writing import write_text
from seqjax.train import Interrupted

FLAGS = flags.FLAGS
for flag in ("workdir", "resume", "seeds", "quiet"):
    flags.declare_key_flag(flag)
FLAGS["workdir"].help = "The folder of the comparison; a new one below runs/ if None."
FLAGS["resume"].help = "Go on with the comparison in --workdir, as it was begun."
FLAGS["seeds"].help = "Trainings of each kind."
FLAGS["quiet"].help = "Print the result line only."
FLAGS.set_default("seeds", 3)
flags.DEFINE_integer(
    "jobs", 1, "Trainings at once; with more, times mean less.", 1, 1000
)
OWN = "workdir resume noresume quiet noquiet jobs help helpshort helpfull".split()
COMPARISONS = {
    "cells": cells,
    "depth": depth,
    "words": words,
    "vocabulary": vocabulary,
    "directions": directions,
    "fixed": fixed,
}


def parse(argv: list[str]) -> list[str]:
    """Parses the flags; what is left names the comparison, and what varies."""
    logging.set_verbosity(logging.WARNING)
    with one_sentence():
        words = FLAGS.read_flags_from_files(argv[1:], force_gnu=True)
        mine, others = divide(words, [*OWN, "seeds", "only_check_args"])
        FLAGS([argv[0], *mine])
        ranges.check(FLAGS[name] for name in ("workdir", "seeds", "jobs"))
        seeds = [f"--seeds={FLAGS.seeds}"]
        folder = pathlib.Path(FLAGS.workdir or "")
        if FLAGS.resume:
            if not FLAGS.workdir:
                raise UsageError("--resume: needs a --workdir that holds a comparison")
            if others or FLAGS["seeds"].present:
                raise UsageError("--resume: goes on with the flags it began with")
            others, seeds = read_flags(folder).lines, []
        name, _ = parse_words(others)
        if name not in COMPARISONS:
            known = ", ".join(COMPARISONS)
            raise UsageError(f"there is no comparison {name!r}; there are {known}")
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        folder = pathlib.Path(FLAGS.workdir or f"runs/{name}-{stamp}")
        refuse_begun(folder, FLAGS.resume)
        FLAGS.workdir = str(folder)
        _check(name, folder, others)
        return [argv[0], *others, *seeds]


def _check(name: str, folder: pathlib.Path, words: list[str]) -> None:
    """Refuses flags that the comparison or its experiment does not know."""
    _, given = parse_words([word for word in words if not word.startswith("--seeds")])
    if name == "fixed":
        fixed.settings_of(given)
        return
    task = COMPARISONS[name].TASK
    processes.prepare(task)
    check(Grid(task, given), FLAGS.jobs)


def main(argv: list[str]) -> None:
    """Compares, prints what was found, writes it."""
    with one_sentence():
        name, given = parse_words(argv[1:])
        seeds = int(given.pop("seeds")[0])
        folder = pathlib.Path(FLAGS.workdir)
        again = tuple(argv[1:])
        request = Request(folder, given, seeds, FLAGS.jobs, FLAGS.quiet, again)
        began = time.monotonic()
        module = COMPARISONS[name]
        new = not folder.exists()
        try:
            finding = module.compare(request)
        except Interrupted as error:
            why = str(error).split(";")[0]
            where = f"go on with --resume --workdir={folder}"
            raise Interrupted(f"{why}; {where}", error.name) from None
        except UsageError:
            if new and not list(folder.glob("*/results.jsonl")):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        question = (module.__doc__ or "").splitlines()[0]
        finish(request, name, question, finding, time.monotonic() - began)


def finish(
    request: Request, name: str, question: str, finding: Finding, seconds: float
) -> dict[str, Any]:
    """Prints and writes the table, the conclusion and the result."""
    table = f"{question}\n\n{aligned(finding.rows)}"
    write_text(request.folder / "comparison.txt", f"{table}\n\n{finding.conclusion}\n")
    request.say("", table, "", finding.conclusion, f"figure: {request.figure}")
    result = {
        **finding.numbers,
        "task": f"comparison: {name}",
        "conclusion": finding.conclusion,
        "seconds": round(seconds, 2),
    }
    line = json.dumps(result)
    write_text(request.folder / "result.json", line + "\n")
    write_sums(request.folder)
    print(line, flush=True)
    return result


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
