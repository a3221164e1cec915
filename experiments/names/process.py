"""Generators whose best possible score is known.

A name is a stem and an ending. The stem is a sparse second-order Markov chain of
consonants and vowels in which no two vowels and no three consonants meet; after a
consonant it may stop. The ending agrees with the stem's *first* letter, which no short
context sees. Endings begin with a letter that no stem has, so that a name can be made
in one way only, and its probability is a product along it.
"""

import dataclasses

import numpy as np

CONSONANTS, VOWELS = "bdklmnrst", "aeio"
ENDINGS = "us", "ura", "urus", "umas"


@dataclasses.dataclass(frozen=True, eq=False)
class NameProcess:
    """A distribution over names, with n letters in stems.

    Attributes:
      letters: of the stems.
      following: [n + 1, n + 1, n], P(letter | the two before); n stands for none.
      stopping: [longest + 1, n], P(the stem stops | its length, its last letter);
        1 in the last row.
      endings: none begins with a letter of the stems.
      agreement: [n, endings], P(ending | the stem's first letter).
    """

    letters: str
    following: np.ndarray
    stopping: np.ndarray
    endings: tuple[str, ...]
    agreement: np.ndarray

    def __post_init__(self):
        for ending in self.endings:
            if ending[:1] in self.letters:
                raise ValueError(f"ending {ending!r} begins with a letter of the stems")

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        consonants: str = CONSONANTS,
        vowels: str = VOWELS,
        endings: tuple[str, ...] = ENDINGS,
        shortest: int = 5,
        longest: int = 10,
    ) -> "NameProcess":
        """Draws a process whose stems have `shortest` to `longest` letters.

        After two letters at most five may follow, and after a consonant a stem that
        is long enough stops three times in ten.
        """
        n = len(consonants + vowels)
        is_vowel = np.arange(n) >= len(consonants)
        following = np.zeros((n + 1, n + 1, n))
        following[n, n] = rng.dirichlet(np.ones(n))
        for a, b in np.ndindex(n + 1, n):
            inner = a < n and is_vowel[a] and not is_vowel[b]
            allowed = np.flatnonzero(inner | (is_vowel != is_vowel[b]))
            some = rng.permutation(allowed)[:5]
            following[a, b, some] = rng.dirichlet(np.full(len(some), 2))
        stopping = np.zeros((longest + 1, n))
        stopping[shortest:, ~is_vowel] = 0.3
        stopping[longest] = 1
        agreement = rng.dirichlet(np.full(len(endings), 0.3), n)
        return cls(consonants + vowels, following, stopping, endings, agreement)

    def draw(self, rng: np.random.Generator, count: int) -> list[str]:
        """Draws names, each independent of the others."""
        return [self._draw(rng) for _ in range(count)]

    def _draw(self, rng: np.random.Generator) -> str:
        n = len(self.letters)
        stem = [n, n]
        while stem[-1] == n or rng.random() >= self.stopping[len(stem) - 2, stem[-1]]:
            stem.append(_pick(rng, self.following[stem[-2], stem[-1]]))
        ending = self.endings[_pick(rng, self.agreement[stem[2]])]
        return "".join(self.letters[i] for i in stem[2:]) + ending

    def log_prob(self, name: str) -> float:
        """log P(name) in nats, its end counted; −inf where it cannot be drawn."""
        n = len(self.letters)
        stem = name[: len(name) - len(name.lstrip(self.letters))]
        ending = name[len(stem) :]
        if not 1 <= len(stem) < len(self.stopping) or ending not in self.endings:
            return -np.inf
        ids = [n, n, *map(self.letters.index, stem)]
        p = [self.agreement[ids[2], self.endings.index(ending)]]
        for t in range(1, len(stem) + 1):
            stop = self.stopping[t, ids[t + 1]]
            p += [self.following[ids[t - 1], ids[t], ids[t + 1]]]
            p += [stop if t == len(stem) else 1 - stop]
        with np.errstate(divide="ignore"):
            return float(np.sum(np.log(p)))

    def entropy(self) -> float:
        """The expected −log P(name) over the expected characters, ends counted.

        It is exact, and what a perfect model of the process scores on many new names,
        in nats per character.
        """
        n = len(self.letters)
        begin = self.following[n, n]
        nats, characters = _entropy(begin), 0.0
        reach = np.zeros((n, n + 1, n))  # P(the stem has t letters: first, …, two last)
        reach[np.arange(n), n, np.arange(n)] = begin
        ending_length = np.array([len(ending) + 1 for ending in self.endings])
        for t, stop in enumerate(self.stopping[1:], 1):
            ended = np.sum(reach * stop, axis=(1, 2))
            nats += np.sum(reach * _entropy(np.stack([stop, 1 - stop], -1)))
            nats += ended @ _entropy(self.agreement)
            characters += ended @ (t + self.agreement @ ending_length)
            reach = reach * (1 - stop)
            nats += np.sum(reach * _entropy(self.following[:, :n]))
            onward = np.einsum("fab,abc->fbc", reach, self.following[:, :n])
            reach = np.pad(onward, ((0, 0), (0, 1), (0, 0)))
        return float(nats / characters)


def markov_names(seed: int, count: int) -> tuple[list[str], float]:
    """Draws a process, and names from it.

    Args:
      seed: of both.
      count: how many names; they are independent, so some are equal.

    Returns:
      The names, and the process's entropy: the score that no model can expect to
      beat on new names, in nats per character, a name's end counted as one.
    """
    rng = np.random.default_rng(seed)
    process = NameProcess.random(rng)
    return process.draw(rng, count), process.entropy()


def _pick(rng: np.random.Generator, p: np.ndarray) -> int:
    edges = np.cumsum(p)
    return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))


def _entropy(p: np.ndarray) -> np.ndarray:
    """−Σ p log p over the last axis, in nats."""
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)
