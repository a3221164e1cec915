"""Words of a text, and how they are written."""

import re

WORD = re.compile(r"\w+(?:[-'’.]\w+)*|[^\w\s]+?")
CASINGS = ("other", "lower", "Capital", "UPPER", "number", "miXed")


def split_words(text: str) -> list[str]:
    """The words and punctuation marks of a text.

    Example:
      >>> split_words("He said, Teddy's bears are on sale!")
      ['He', 'said', ',', "Teddy's", 'bears', 'are', 'on', 'sale', '!']
    """
    return WORD.findall(text)


def casing(word: str) -> int:
    """How a word is written: its place in `CASINGS`.

    Example:
      >>> [CASINGS[casing(w)] for w in ("Harry", "met", "NATO", "1996-08-22", ",")]
      ['Capital', 'lower', 'UPPER', 'number', 'other']
    """
    if any(c.isdigit() for c in word):
        return CASINGS.index("number")
    if not any(c.isalpha() for c in word):
        return CASINGS.index("other")
    if word.islower():
        return CASINGS.index("lower")
    if word.isupper() and len(word) > 1:
        return CASINGS.index("UPPER")
    rest = word[1:]
    capital = word[0].isupper() and (not rest or rest == rest.lower())
    return CASINGS.index("Capital" if capital else "miXed")
