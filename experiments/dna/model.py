"""The labeller of bases: how it is made, what it learns from, and its loss."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from experiments.dna.records import Genome
from experiments.shared.layers import layer_of
from seqjax.data.nucleotides import reverse_complement
from seqjax.data.reading_frames import CODON
from seqjax.models import Bases, CodonFeatures, Tagger
from seqjax.predict import NucleotidePredictor
from seqjax.predict.nucleotides import STRAND, SWAPPED, bases_of


class Example(NamedTuple):
    """A window of a genome."""

    bases: Bases  # [T, ...]
    labels: np.ndarray  # [T]


def make_predictor(options: Any) -> NucleotidePredictor:
    """The labeller that the flags ask for."""
    model = Tagger(
        layer_of(options),
        len(STRAND),
        CodonFeatures(options.embedding, options.frames),
        crf=options.crf,
        dropout=options.dropout,
        gradient=options.gradient,
    )
    return NucleotidePredictor(model, genes=options.genes)


def windows(genomes: Sequence[Genome], steps: int) -> list[Example]:
    """Windows of both strands, each read from its first, second and third base on.

    They overlap by half.

    Args:
      genomes: stretches to learn from.
      steps: of a codon's length, in a window.
    """
    return [
        example
        for genome in genomes
        for codes, labels in (
            (genome.codes, genome.labels),
            (reverse_complement(genome.codes), SWAPPED[genome.labels[::-1]]),
        )
        for example in _windows(bases_of(codes), labels, steps)
    ]


def _windows(bases: Bases, labels: np.ndarray, steps: int) -> Iterator[Example]:
    for phase in range(min(CODON, len(labels))):
        letters, frames, kinds = (a[phase::CODON] for a in (*bases, labels))
        last = max(len(kinds) - steps, 0)
        for start in sorted({*range(0, last, max(steps // 2, 1)), last}):
            here = slice(start, start + steps)
            yield Example(Bases(letters[here], frames[here]), kinds[here])


def loss_of(model: Tagger) -> Callable[..., Any]:
    """The loss is −log P of a window's labels."""

    def loss(variables, batch, key, recurrent_state):
        bases, labels = batch.values
        lengths = batch.lengths.labels
        rngs, how = {"dropout": key}, {"train": True, "method": "loss"}
        nats = model.apply(variables, bases, labels, lengths, rngs=rngs, **how)
        return nats, jnp.sum(lengths), recurrent_state

    return loss


def nats_per_base(
    genomes: Sequence[Genome], probabilities: Sequence[np.ndarray]
) -> float:
    """−log P of the bases' labels, in the mean over all bases.

    Args:
      genomes: with their labels.
      probabilities: [T, 7] of each.
    """
    each = (
        -np.log(p[np.arange(len(p)), g.labels] + 1e-9)
        for g, p in zip(genomes, probabilities, strict=True)
    )
    return float(np.mean(np.concatenate([*each])))
