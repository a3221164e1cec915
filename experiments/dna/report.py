"""The figures, the files and the numbers of a run over genomes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.dna.baselines import BASELINES, FRAMES, longest_frames
from experiments.dna.division import (
    Division,
    Scores,
    marks_of,
    numbers,
    score,
)
from experiments.dna.records import Genome
from experiments.dna.relatives import is_new, nearest_relative
from experiments.shared.run import Run
from seqjax import figures
from seqjax.data.nucleotides import decode
from seqjax.predict.nucleotides import MARKS, by_strand
from seqjax.train import TrainResult

RELATIVE = "nearest relative"
SIGN = np.array([0, 1, -1])  # of each mark, for a figure
STRETCH = 8000  # bases in the figure
WIDTH = 60  # letters in a line


def baselines(parts: Division) -> dict[str, list[np.ndarray]]:
    """The marks of the held-out genomes by each baseline."""
    markers = {name: make(parts) for name, make in BASELINES.items()}
    markers[RELATIVE] = nearest_relative(parts.known)
    return {name: list(map(mark, parts.test)) for name, mark in markers.items()}


def draw_learning(run: Run, result: TrainResult, parts: Division) -> None:
    """Draws the learning curves beside the reading frames' score."""
    mark = longest_frames(parts)
    frames = score(parts.valid, list(map(mark, parts.valid)))
    run.learning_curves(
        result,
        figures.Panel(
            "−log P of a label (nats)",
            {"training, with dropout": "loss", "validation": "valid"},
        ),
        figures.Panel(
            "1 − Matthews correlation",
            {"validation": "valid_matthews"},
            {FRAMES: 1 - frames.coding.result()},
        ),
    )


def draw_stretch(
    run: Run,
    genome: Genome,
    marks: np.ndarray,
    probabilities: np.ndarray,
    others: Mapping[str, np.ndarray],
) -> None:
    """Draws a stretch of a held-out genome with its annotation over the posterior.

    It is the one whose annotation changes most often.

    Args:
      run: the run.
      genome: with its annotation.
      marks: the network's, [T].
      probabilities: [T, 7].
      others: marks [T] by name.
    """
    changes = np.cumsum(np.diff(marks_of(genome), prepend=0) != 0)
    within = changes[STRETCH:] - changes[:-STRETCH]
    first = int(within.argmax()) if len(within) else 0
    here = slice(first, first + STRETCH)
    shares = by_strand(probabilities)
    tracks = {"annotation": marks_of(genome), "network": marks}
    signs = {name: SIGN[m[here]] for name, m in (tracks | dict(others)).items()}
    title = f"{genome.name}, never seen in training"
    where = first + 1
    shown = shares[here, 1:]
    run.figure(figures.annotation, "genome", signs, shown, where, title=title)


def as_fasta(genomes: Sequence[Genome], marks: Sequence[np.ndarray]) -> str:
    """Bases and their marks, as --data reads them."""
    lines = []
    for genome, each in zip(genomes, marks, strict=True):
        text = "".join(MARKS[mark] for mark in each)
        lines += [f">{genome.name}", *wrapped(decode(genome.codes)), *wrapped(text)]
    return "".join(f"{line}\n" for line in lines)


def wrapped(text: str) -> list[str]:
    """A text in lines."""
    return [text[i : i + WIDTH] for i in range(0, len(text), WIDTH)]


def report(
    run: Run,
    result: TrainResult,
    parts: Division,
    marks: Sequence[np.ndarray],
    others: Mapping[str, Sequence[np.ndarray]],
) -> dict[str, Any]:
    """Prints and writes the result."""
    ours = score(parts.test, marks)
    theirs = {name: score(parts.test, guess) for name, guess in others.items()}
    names = ", ".join(genome.name for genome in parts.test)
    run.say(f"never seen: {names}", _row("network", ours))
    run.say(*(_row(name, scores) for name, scores in theirs.items()))
    new = [is_new(genome, parts.known) for genome in parts.test]
    share = float(np.mean(np.concatenate(new)))
    far = _only(parts.test, marks, new), _only(parts.test, others[FRAMES], new)
    run.say(
        f"on the {share:.1%} of bases that are in no 15 letters of a genome learned "
        f"from: Matthews correlation {far[0].result():.4f}; by the {FRAMES} "
        f"{far[1].result():.4f}"
    )
    return run.finish(
        result,
        metric="Matthews correlation of coding bases on genomes never seen",
        lower_is_better=False,
        score=ours.coding.result(),
        baseline=theirs[FRAMES].coding.result(),
        baseline_name=FRAMES,
        best_possible=run.source.best if run.source else None,
        network=numbers(ours),
        baselines_by_name={name: numbers(scores) for name, scores in theirs.items()},
        test=[genome.name for genome in parts.test],
        new_bases={"share": share, "score": far[0].result(), FRAMES: far[1].result()},
        valid=result.scores["valid"],
    )


def _only(genomes: Sequence[Genome], marks: Sequence, where: Sequence) -> Any:
    """The correlation on some of the bases."""
    pieces = [
        Genome(genome.name, genome.codes[here], genome.labels[here])
        for genome, here in zip(genomes, where, strict=True)
    ]
    return score(pieces, [m[h] for m, h in zip(marks, where, strict=True)]).coding


def _row(name: str, scores: Scores) -> str:
    n = numbers(scores)
    return (
        f"{name}: Matthews correlation {n['matthews']:.4f} ({n['matthews_strands']:.4f}"
        f" with strands), F1 of coding {n['f1']:.4f}, {n['accuracy']:.4f} of bases "
        f"right with their strand"
    )
