"""Genomes drawn from a hidden Markov model of genes, which can also label them best.

Between genes bases are drawn one by one. A gene is ATG, codons of a table in which some
are rare, and a stop; half of the genes are on the other strand. Its states are the
first, first two and all letters of a codon, so that what the model has said is known.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from seqjax.data.nucleotides import BASES, encode, reverse_complement
from seqjax.data.nucleotides import decode as letters_of
from seqjax.data.reading_frames import STOPS
from seqjax.metrics import Matthews
from seqjax.predict.nucleotides import CODON, STRAND

GENE = 60  # codons of a gene, in the mean
BETWEEN = 60  # bases between genes, in the mean
COMPOSITION = 0.3, 0.2, 0.2, 0.3  # of the bases between genes
BIAS = 2.0  # of the Dirichlet distribution that codons are drawn from

Codons = Mapping[str, float]  # P of each


class Machine(NamedTuple):
    """A hidden Markov model of S states; the first state is between genes."""

    transitions: np.ndarray  # [S, S], from a state (row) to the next
    emissions: np.ndarray  # [S, 4], P of each base
    labels: np.ndarray  # [S], of seqjax.predict.nucleotides


def make(seed: int) -> Machine:
    """Draws a table of codons, and builds the model."""
    rng = np.random.default_rng(seed)
    names = ["".join(three) for three in itertools.product(BASES, repeat=CODON)]
    inner = [name for name in names if name not in STOPS]
    within = dict(zip(inner, rng.dirichlet(np.full(len(inner), BIAS)), strict=True))
    start, stop = {"ATG": 1.0}, dict.fromkeys(STOPS, 1 / len(STOPS))
    ahead = start, within, stop
    strands = ahead, tuple(map(_other_strand, reversed(ahead)))
    nodes = (
        (strand, group, name[:depth])
        for strand, groups in enumerate(strands)
        for group, codons in enumerate(groups)
        for name in codons
        for depth in range(1, CODON + 1)
    )
    states = {node: i for i, node in enumerate([None, *dict.fromkeys(nodes)])}
    rows = [_leads_to(node, states, strands) for node in states]
    emissions = [_emits(node) for node in states]
    return Machine(
        np.array(rows), np.array(emissions), np.array([*map(_label, states)])
    )


def _other_strand(codons: Codons) -> Codons:
    return {letters_of(reverse_complement(encode(c))): p for c, p in codons.items()}


def _leads_to(node: Any, states: Mapping, strands: Any) -> np.ndarray:
    """P of the states after one: what a strand, a part of a gene and letters lead to.

    The parts are the first codon, those within, and the last one.
    """
    row = np.zeros(len(states))

    def lead(strand, group, prefix, share):
        """Goes on by one letter of the codons that begin like this."""
        codons = strands[strand][group]
        begun = sum(p for name, p in codons.items() if name.startswith(prefix))
        for name, p in codons.items():
            if name.startswith(prefix):
                after = strand, group, name[: len(prefix) + 1]
                row[states[after]] += share * p / begun

    if node is None:
        row[0] = 1 - 1 / BETWEEN
        for strand in range(2):
            lead(strand, 0, "", 0.5 / BETWEEN)
    elif len(node[2]) < CODON:
        lead(*node, 1.0)
    elif node[1] == 2:
        row[0] = 1.0
    else:
        lead(node[0], 1, "", 1 - 1 / GENE)
        lead(node[0], 2, "", 1 / GENE)
    return row


def _emits(node: Any) -> list[float]:
    if node is None:
        return list(COMPOSITION)
    return [float(base == node[2][-1]) for base in BASES]


def _label(node: Any) -> int:
    if node is None:
        return 0
    strand, _, prefix = node
    return 2 * CODON + 1 - len(prefix) if strand else len(prefix)


def draw(
    machine: Machine, rng: np.random.Generator, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draws the bases and labels of a genome: integers [T] each."""
    after, bases = (np.cumsum(p, axis=1) for p in machine[:2])
    state, codes, labels = 0, np.zeros(length, np.int32), np.zeros(length, np.int32)
    for t, (u, v) in enumerate(rng.random((length, 2))):
        state = min(int(np.searchsorted(after[state], u)), len(after) - 1)
        codes[t] = min(int(np.searchsorted(bases[state], v)), len(BASES) - 1)
        labels[t] = machine.labels[state]
    return codes, labels


@jax.jit
def posterior(machine: Machine, codes: np.ndarray) -> jax.Array:
    """Computes P of each label at each base, by the forward–backward recursion.

    Args:
      machine: is between genes before the first base.
      codes: integers [T] below 4.

    Returns:
      [T, 7].
    """
    a, emitted = jnp.asarray(machine.transitions), jnp.asarray(machine.emissions).T

    def ahead(state, code):
        state = (state @ a) * emitted[code]
        return (state / jnp.sum(state),) * 2

    def back(state, code):  # of the bases after a step; that of the step comes next
        before = a @ (state * emitted[code])
        return before / jnp.sum(before), state

    first = jnp.zeros(len(a)).at[0].set(1)
    _, forward = lax.scan(ahead, first, codes)
    _, backward = lax.scan(back, jnp.ones(len(a)), codes, reverse=True)
    states = forward * backward
    states /= jnp.sum(states, axis=1, keepdims=True)
    return states @ jnp.eye(len(STRAND))[machine.labels]


def best_score(machine: Machine, genomes: Sequence[Any]) -> float:
    """Returns the Matthews correlation of coding bases by the model's own posterior."""
    total = Matthews(np.zeros((2, 2), int))
    for genome in genomes:
        none = np.asarray(posterior(machine, genome.codes))[:, 0]
        total = total.merge(Matthews.of(genome.labels > 0, none < 0.5, 2))
    return total.result()
