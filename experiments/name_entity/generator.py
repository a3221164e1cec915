"""Sentences about made-up people, places and companies, each word with its tag.

Whether a word is part of a name, and of whose, is told by its neighbours on both sides
and never by itself: Teddy, Washington and Green are names or not as the frame has it,
and most surnames and towns are invented anew for each sentence.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.name_entity.conll import Tagged
from seqjax.metrics import OUTSIDE

FIRST = (
    "Teddy Rose Mark Grace Hunter Bill Jack Olive Daisy Pearl Harry Hermione Anna "
    "Robert Maria Ahmed Yuki"
).split()
FIRST_OR_THING = FIRST[:10]  # Teddy bears, Rose gardens
ANYTHING = (  # person, place or company
    "Washington Jordan Georgia Paris Chelsea Amazon Lincoln Victoria Sydney Austin"
).split()
SURNAMES = "Roosevelt Potter Granger Baker Brown Green Woods Banks Fields".split()
THINGS = "bears gardens stamps caps bells shirts prints buttons boxes lamps".split()
SYLLABLES = "ba den fro gal hin jor kel lum mar nor pel ras sol tev ul wen zor".split()
FRAMES = tuple(
    frame.split()
    for frame in (
        "He said , P was a great president .",
        "He said , T are on sale !",
        "She said , P was late again .",
        "She said , T are very old .",
        "P was born in L and moved to L .",
        "P invented a new spell .",
        "P and P invented a new spell .",
        "T are sold by C .",
        "Yesterday , P met P in L .",
        "Yesterday , T were found in L .",
        "Shares of C fell by two percent .",
        "C bought C for a billion dollars .",
        "C said profits rose in L .",
        "The mayor of L thanked P .",
        "P left C to live in L .",
        "In L , P sang for the workers of C .",
        "The red T were made in L .",
        "the old green house near L belongs to P .",
        "a baker walked through the woods and fields near L .",
        "brown bears and green parrots are rare in L .",
        "grace and mercy are what P asked for .",
        "will the hunter sell his pearl to C ?",
        "P , who lives in L , hunts brown bears .",
        "It rained in L from morning to night .",
    )
)
TEDDY = (  # are never drawn, so that a model can be asked them
    "He said , Teddy Roosevelt was a great president .",
    "He said , Teddy bears are on sale !",
)


def draw_sentences(seed: int, count: int) -> list[Tagged]:
    """Draws sentences; a model that sees all of one can tag it without an error."""
    rng = np.random.default_rng(seed)
    drawn = []
    while len(drawn) < count:
        frame = FRAMES[rng.integers(len(FRAMES))]
        pairs = [pair for slot in frame for pair in _filled(rng, slot)]
        words, tags = zip(*pairs, strict=True)
        if " ".join(words) not in TEDDY:
            drawn.append(Tagged(words, tags))
    return drawn


def _filled(rng: np.random.Generator, slot: str) -> Iterator[tuple[str, str]]:
    fill = {"P": _person, "L": _place, "C": _company, "T": _things}.get(slot)
    if not fill:
        return iter([(slot, OUTSIDE)])
    words, kind = fill(rng)
    tags = [f"{'I' if i else 'B'}-{kind}" if kind else OUTSIDE for i in range(9)]
    return zip(words, tags, strict=False)


def _person(rng) -> tuple[list[str], str]:
    last = _one(rng, SURNAMES, ANYTHING, [_name(rng)], [_name(rng)])
    first = _one(rng, FIRST)
    return [[first, last], [first, last], [first], [last]][rng.integers(4)], "PER"


def _place(rng) -> tuple[list[str], str]:
    town = _name(rng)
    names = [_one(rng, ANYTHING)], [town + "ville"], [town], ["New", town]
    return names[rng.integers(4)], "LOC"


def _company(rng) -> tuple[list[str], str]:
    name = _one(rng, SURNAMES, ANYTHING, [_name(rng)])
    names = [name], [name, "Inc"], [name, "&", "Sons"], ["Bank", "of", name]
    return names[rng.integers(4)], "ORG"


def _things(rng) -> tuple[list[str], str]:
    return [_one(rng, FIRST_OR_THING), _one(rng, THINGS)], ""


def _one(rng: np.random.Generator, *choices: Sequence[str]) -> str:
    chosen = choices[int(rng.integers(len(choices)))]
    return chosen[int(rng.integers(len(chosen)))]


def _name(rng) -> str:
    return "".join(rng.choice(SYLLABLES, rng.integers(2, 4))).capitalize()
