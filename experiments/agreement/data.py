"""Subject and verb far apart: "the cat, which already ate …, was full".

In the data set "nested" other subjects and verbs stand in between, and are asked for
as well; see `nested`. In "synthetic", the first, only one number is to be held, so that
one unit which is set and stays so for ever is enough: a sentence is a preamble, a
subject, a clause of a given number of words, and the verb, which agrees with the
subject: the noun before ", which". Other nouns stand before and behind it. Those in the
clause whose number differs from the subject's are attractors: who goes by the last noun
is wrong there. A perfect model is always right.
"""

import itertools
import pathlib
from collections.abc import Callable

import numpy as np

from experiments.agreement.nested import draw_nested
from experiments.agreement.words import NOUNS, PLURAL, SINGULAR, WORDS, Sentence
from seqjax.data import Dataset, Table
from seqjax.data.files import DataError, numbered_lines
from seqjax.data.quoting import shown

Draw = Callable[[int, int, int, int], list[Sentence]]


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
    clause = _words(rng, distance - 2)
    nouns = int(rng.integers(min(attractors, len(clause)) + 1))
    others = 0
    for place in rng.choice(len(clause), nouns, replace=False):
        is_plural = bool(rng.integers(2))
        clause[place] = _noun(rng, is_plural)
        others += is_plural != plural
    words = (*_preamble(rng), "the", _noun(rng, plural), ",", "which", *clause)
    return Sentence(words, "were" if plural else "was", distance, others)


def _preamble(rng) -> list[str]:
    """Up to six words, a noun of either number among them half of the time."""
    words = _words(rng, rng.integers(7))
    if words and rng.integers(2):
        words[int(rng.integers(len(words)))] = _noun(rng, bool(rng.integers(2)))
    return words


def _words(rng, count: int) -> list[str]:
    return [WORDS[i] for i in rng.integers(len(WORDS), size=count)]


def _noun(rng, plural: bool) -> str:
    return NOUNS[rng.integers(len(NOUNS))] + "s" * plural


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
            raise DataError(f"{path}, line {number}: {shown(verb)} is no known verb")
        before = tuple(words[: marked[0]])
        sentences.append(Sentence(before, verb, _distance(before), -1))
    return sentences


def _distance(words: tuple[str, ...]) -> int:
    pairs = list(itertools.pairwise(words))
    subject = pairs.index((",", "which")) - 1 if (",", "which") in pairs else 1
    return len(words) - subject - 1


def _drawn(draw: Draw) -> tuple[list[Sentence], float]:
    return draw(0, 10_000, 2, 20) + draw(0, 4000, 21, 200), 1.0


DRAWS: dict[str, Draw] = {"synthetic": draw_sentences, "nested": draw_nested}

TABLE = Table(
    format="A text file of sentences to test on, with their verbs *marked*.",
    read=read_sentences,
    datasets=(
        Dataset(
            name="synthetic",
            load=lambda: _drawn(draw_sentences),
            licence="none needed: generated",
            origin="experiments.agreement.data.draw_sentences",
            description="10000 sentences with 2 to 20 words between subject and verb, "
            "and 4000 with 21 to 200; a perfect model is always right.",
        ),
        Dataset(
            name="nested",
            load=lambda: _drawn(draw_nested),
            licence="none needed: generated",
            origin="experiments.agreement.nested.draw_nested",
            description="as many as long, with clauses in clauses in between, whose "
            "verbs are asked for too; a perfect model is always right.",
        ),
    ),
)
