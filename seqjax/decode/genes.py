"""The best labels of bases among those that are whole genes.

Of all labellings in which every gene begins with a start codon, ends with its first
stop and keeps its frame, the one of which most bases are right in expectation: the
optimal accuracy decoder of Käll, Krogh and Sonnhammer (2005), with the rules of genes.
A gene may run over the ends of the sequence, and genes may overlap, in which case one
of them is labelled as far as it goes, and the other where it is alone.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from seqjax.data.nucleotides import reverse_complement
from seqjax.data.reading_frames import CODON, STARTS, STOPS, codons, ids

LABELS = 1 + 2 * CODON  # none, the bases of a codon, and those on the other strand
AFTER = np.array([0, 2, 3, 1, 6, 4, 5])  # what follows each label inside a gene
NEVER = -1e9


def whole_genes(codes: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns the best labels, integers [T], as `NucleotidePredictor` has them.

    Args:
      codes: the bases, integers [T].
      probabilities: P of each label at each base, [T, 7].
    """
    if not len(codes):
        return np.zeros(0, int)
    allowed = _allowed(codes)
    return np.asarray(_best(jnp.asarray(allowed), jnp.asarray(probabilities)))


@jax.jit
def _best(allowed: jax.Array, gains: jax.Array) -> jax.Array:
    """The path [T] of the largest sum of gains [T, K] by allowed steps [T, K, K]."""

    def ahead(total, step):
        gain, may = step
        paths = jnp.where(may, total[:, None], NEVER)
        total = jnp.max(paths, axis=0) + gain
        # totals are kept near zero, where floats are exact to the last base
        return total - jnp.max(total), jnp.argmax(paths, axis=0)

    def back(label, pointer):
        return pointer[label], label

    total, pointers = lax.scan(ahead, gains[0], (gains[1:], allowed[1:]))
    first, labels = lax.scan(back, jnp.argmax(total), pointers, reverse=True)
    return jnp.concatenate([first[None], labels])


def _allowed(codes: np.ndarray) -> np.ndarray:
    """Which label may follow which at each base: [T, from, to]; that at 0 is unused."""
    enter, leave, stopped = _borders(codes)
    gene = np.arange(LABELS) > 0
    inside = (AFTER[:, None] == np.arange(LABELS)) & gene[:, None]
    allowed = inside & ~stopped[:, :, None]
    enters, leaves = enter[:, None, :], leave[:, :, None]
    allowed[:, 0, 0] = True
    allowed[:, :1] |= enters
    allowed[:, :, :1] |= leaves
    both = gene[:, None] & gene
    return allowed | (both & (enters | leaves))


def _borders(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a gene may begin at a base, and may or must have ended before it.

    Returns:
      Three arrays [T, 7]: labels that may begin at a base; those that may be the last
      one before it; those after which a gene cannot go on.
    """
    length = len(codes)
    enter, leave, stopped = (np.zeros((length + 1, LABELS), bool) for _ in range(3))
    ahead, behind = codons(codes), codons(reverse_complement(codes))[::-1]
    starts, stops = ids(STARTS), ids(STOPS)
    at = np.arange(len(ahead))
    enter[at, 1] = np.isin(ahead, starts)
    leave[at + CODON, 3] = stopped[at + CODON, 3] = np.isin(ahead, stops)
    enter[at, 6] = stopped[at, 4] = np.isin(behind, stops)
    leave[at + CODON, 4] = np.isin(behind, starts)
    return enter[:-1], leave[:-1], stopped[:-1]
