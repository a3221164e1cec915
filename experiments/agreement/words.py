"""The words of generated sentences, and what a sentence is."""

from typing import NamedTuple

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


class Sentence(NamedTuple):
    """What stands before the verb, and the verb."""

    words: tuple[str, ...]
    verb: str
    distance: int  # words between the subject and the verb
    attractors: int  # nouns of the other number between them; -1 where not known
    inner: tuple[int, ...] = ()  # places in `words` of verbs to be predicted as well
