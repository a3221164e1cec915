"""Pieces drawn from a hidden Markov chain of chords, whose best score is known.

A chord stands for two frames, then gives way to another; given the chord, each key is
down or not by itself. No model that predicts keys by themselves can expect less than
the forward algorithm does, which knows the chain and the probabilities of the keys.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from experiments.music.roll import KEYS, LOWEST, Piece

TRIADS = np.array([[0, 4, 7], [2, 5, 9], [4, 7, 11], [5, 9, 0], [7, 11, 2], [9, 0, 4]])
VOICED, OCTAVE, ELSE = 0.92, 0.06, 0.001  # P of a chord's key: in its voicing, or not
REGISTER = (36, 80)  # of all notes, as numbers of MIDI


@dataclasses.dataclass(frozen=True, eq=False)
class ChordProcess:
    """A distribution over rolls: a Markov chain of S states, with keys given each.

    Attributes:
      start: [S], P of the first state.
      moves: [S, S], P(next state | state).
      down: [S, keys], P(key is down | state).
    """

    start: np.ndarray
    moves: np.ndarray
    down: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator) -> "ChordProcess":
        """Draws voicings and a chain over chords, each in its first or second frame."""
        n = len(TRIADS)
        follows = rng.dirichlet(np.full(n, 0.4), n)
        np.fill_diagonal(follows, 0.02)
        follows /= follows.sum(axis=1, keepdims=True)
        none = np.zeros((n, n))
        moves = np.block([[none, np.eye(n)], [follows, none]])
        down = np.array([_keys(rng, triad) for triad in TRIADS])
        return cls(np.eye(2 * n)[0], moves, np.tile(down, (2, 1)))

    def draw(self, rng: np.random.Generator, length: int) -> np.ndarray:
        """Draws a roll [length, keys]."""
        state, frames = rng.choice(len(self.start), p=self.start), []
        for _ in range(length):
            frames.append(rng.random(self.down.shape[1]) < self.down[state])
            state = rng.choice(len(self.start), p=self.moves[state])
        return np.array(frames)

    def next(self, roll: np.ndarray) -> np.ndarray:
        """P that each key is down in frame t + 1 given frames 1 to t: [T, keys].

        The forward algorithm (Baum, 1972): α⟨t⟩ ∝ (Mᵀ α⟨t−1⟩) P(x⟨t⟩ | state).
        """
        belief, found = self.start, []
        for frame in roll:
            log_p = np.where(frame, np.log(self.down), np.log1p(-self.down)).sum(axis=1)
            belief = belief * np.exp(log_p - log_p.max())
            belief = belief / belief.sum() @ self.moves
            found.append(belief @ self.down)
        return np.array(found)


def draw_pieces(seed: int, count: int) -> tuple[list[Piece], ChordProcess]:
    """Draws pieces of 24 to 48 frames, and says from what."""
    rng = np.random.default_rng(seed)
    process = ChordProcess.random(rng)
    rolls = [process.draw(rng, int(rng.integers(24, 49))) for _ in range(count)]
    names = (f"generated {i}" for i in range(1, count + 1))
    return list(map(Piece, names, rolls)), process


def best_nats(process: ChordProcess, pieces: Sequence[Piece]) -> float:
    """−log P a frame of pieces, in frames 2, …, T, by what knows the process."""
    p = np.concatenate([process.next(piece.roll)[:-1] for piece in pieces])
    after = np.concatenate([piece.roll[1:] for piece in pieces])
    return float(-np.log(np.where(after, p, 1 - p)).sum() / len(after))


def _keys(rng: np.random.Generator, triad: np.ndarray) -> np.ndarray:
    """P that each key is down in a chord: four of its keys nearly always."""
    low, high = (pitch - LOWEST for pitch in REGISTER)
    keys = np.arange(KEYS)
    tones = np.isin((keys + LOWEST) % 12, triad) & (keys >= low) & (keys <= high)
    p = np.where(tones, OCTAVE, ELSE)
    p[rng.choice(keys[tones], 4, replace=False)] = VOICED
    return p
