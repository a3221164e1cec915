"""Subject and verb far apart: "the cat, which already ate …, was full".

A sentence is a preamble, a subject, a clause of a given number of words, and the verb,
which agrees with the subject: the noun before ", which". Other nouns stand before and
behind it. Those in the clause whose number differs from the subject's are attractors:
who goes by the last noun is wrong there. A perfect model is always right.

In flat sentences one bit is enough: the first subject's number, held for ever, whatever
follows. In nested ones that fails. Clauses have subjects with clauses and verbs of
their own, "the cat, which the dogs, which ran, see, was", and the question may come at
any of them, so that a subject's number is to be held while others are written, read and
forgotten: a stack of bounded depth, as in Hewitt et al. (2020), "RNNs can generate
bounded hierarchical languages with optimal memory". Linzen, Dupoux and Goldberg (2016)
ask the same of real sentences.
"""

import functools
import itertools
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from seqjax.data import Dataset, Table
from seqjax.data.files import DataError, numbered_lines

SINGULAR, PLURAL = ("was", "is", "has"), ("were", "are", "have")
NOUNS = (
    "cat",
    "dog",
    "bird",
    "girl",
    "boy",
    "king",
    "farmer",
    "horse",
    "judge",
    "nurse",
)
WORDS = (
    "already ate slowly and saw near the old small beside under with very gladly "
    "chased behind loudly often never then quietly red liked heard by"
).split()

INNER_VERBS = (("sees", "see"), ("chases", "chase"), ("hears", "hear"))
_NUMBERS = {noun: False for noun in NOUNS} | {f"{noun}s": True for noun in NOUNS}
DEPTH = 3  # subjects that wait for their verbs at once, at most


class Sentence(NamedTuple):
    """What stands before the verb, and the verb."""

    words: tuple[str, ...]
    verb: str
    distance: int  # words between the subject and the verb
    attractors: int  # nouns of the other number between them; -1 where not known


def draw_sentences(
    seed: int, count: int, shortest: int, longest: int, attractors: int = 3
) -> list[Sentence]:
    """Draws sentences whose clauses have `shortest` to `longest` words.

    Args:
      seed: of the draws.
      count: how many.
      shortest: the fewest words between subject and verb, at least 2.
      longest: the most.
      attractors: the most nouns in a clause; each has either number.
    """
    rng = np.random.default_rng([seed, shortest, longest])
    return [_draw(rng, shortest, longest, attractors) for _ in range(count)]


def _draw(rng, shortest: int, longest: int, attractors: int) -> Sentence:
    plural = bool(rng.integers(2))
    distance = int(rng.integers(shortest, longest + 1))
    clause = [str(word) for word in rng.choice(WORDS, distance - 2)]
    nouns = int(rng.integers(min(attractors, len(clause)) + 1))
    others = 0
    for place in rng.choice(len(clause), nouns, replace=False):
        is_plural = bool(rng.integers(2))
        clause[place] = _noun(rng, is_plural)
        others += is_plural != plural
    words = (*_preamble(rng), "the", _noun(rng, plural), ",", "which", *clause)
    return Sentence(words, "were" if plural else "was", distance, others)


def draw_nested(seed: int, count: int, shortest: int, longest: int) -> list[Sentence]:
    """Draws sentences whose clauses have subjects and verbs of their own.

    Args:
      seed: of the draws.
      count: how many.
      shortest: the fewest words between subject and verb, at least 2.
      longest: the most.
    """
    rng = np.random.default_rng([seed, shortest, longest, DEPTH])
    return [_draw_nested(rng, shortest, longest) for _ in range(count)]


def _draw_nested(rng, shortest: int, longest: int) -> Sentence:
    waiting = int(rng.integers(DEPTH))  # subjects whose verbs would come later
    words = _preamble(rng)
    for _ in range(waiting):
        words += [*_subject(rng, bool(rng.integers(2))), *_fillers(rng, 3)]
    plural = bool(rng.integers(2))
    distance = int(rng.integers(shortest, longest + 1))
    clause = _clause(rng, distance - 2, DEPTH - 1 - waiting)
    others = sum(noun_is_plural(word) is (not plural) for word in clause)
    words += [*_subject(rng, plural), *clause]
    return Sentence(tuple(words), "were" if plural else "was", distance, others)


def _clause(rng, length: int, depth: int) -> list[str]:
    """Words, and whole clauses with their verbs, nested to a depth: `length` in all."""
    words = []
    while (left := length - len(words)) > 0:
        if depth and left > 6 and rng.integers(2):
            plural = bool(rng.integers(2))
            inside = _clause(rng, int(rng.integers(1, min(left - 5, 16))), depth - 1)
            verbs = INNER_VERBS[rng.integers(len(INNER_VERBS))]
            words += [*_subject(rng, plural), *inside, ",", verbs[plural]]
        else:
            words.append(str(rng.choice(WORDS)))
    return words


def _subject(rng, plural: bool) -> list[str]:
    return ["the", _noun(rng, plural), ",", "which"]


def noun_is_plural(word: str) -> bool | None:
    """The number of a noun; None for what is no noun."""
    return _NUMBERS.get(word)


def _fillers(rng, most: int) -> list[str]:
    return [str(word) for word in rng.choice(WORDS, rng.integers(most + 1))]


def _preamble(rng) -> list[str]:
    """Up to six words, a noun of either number among them half of the time."""
    words = _fillers(rng, 6)
    if words and rng.integers(2):
        words[int(rng.integers(len(words)))] = _noun(rng, bool(rng.integers(2)))
    return words


def _noun(rng, plural: bool) -> str:
    return str(rng.choice(NOUNS)) + "s" * plural


def read_sentences(path: str | pathlib.Path) -> list[Sentence]:
    """Reads one sentence a line, its verb marked: `the cat , which ate , *was* full`.

    The subject is the word before the first ", which", or else the second; the distance
    is counted from it. What follows the verb is passed over.

    Raises:
      DataError: as `numbered_lines` does, or a line has no marked verb, or another one
        than was, is, has, were, are, have.
    """
    sentences = []
    for number, line in numbered_lines(path, longest=10_000):
        if not (words := line.split()):
            continue
        marked = [i for i, word in enumerate(words) if word[:1] == word[-1:] == "*"]
        if len(marked) != 1 or marked[0] < 2:
            raise DataError(
                f"{path}, line {number}: one verb must be marked, as in *was*"
            )
        verb = words[marked[0]].strip("*")
        if verb not in SINGULAR + PLURAL:
            raise DataError(f"{path}, line {number}: {verb!r} is no known verb")
        before = tuple(words[: marked[0]])
        sentences.append(Sentence(before, verb, _distance(before), -1))
    return sentences


def _distance(words: tuple[str, ...]) -> int:
    pairs = list(itertools.pairwise(words))
    subject = pairs.index((",", "which")) - 1 if (",", "which") in pairs else 1
    return len(words) - subject - 1


GENERATORS: dict[str, Callable[[int, int, int, int], list[Sentence]]] = {
    "synthetic": draw_sentences,
    "nested": draw_nested,
}


def _generated(name: str) -> tuple[list[Sentence], float]:
    draw = GENERATORS[name]
    return draw(0, 10_000, 2, 20) + draw(0, 4000, 21, 200), 1.0


TABLE = Table(
    format="A text file of sentences to test on, with their verbs *marked*.",
    read=read_sentences,
    datasets=(
        Dataset(
            name="synthetic",
            load=functools.partial(_generated, "synthetic"),
            licence="none needed: generated",
            origin="experiments.agreement.data.draw_sentences",
            description="10000 sentences with 2 to 20 words between subject and verb, "
            "and 4000 with 21 to 200; a perfect model is always right.",
        ),
        Dataset(
            name="nested",
            load=functools.partial(_generated, "nested"),
            licence="none needed: generated",
            origin="experiments.agreement.data.draw_nested",
            description="As many, whose clauses have subjects and verbs of their own, "
            "so that several numbers must be held at once; again 1.0 is possible.",
        ),
    ),
)
