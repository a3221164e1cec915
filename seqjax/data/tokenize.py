"""Texts as tokens and back: words, characters or byte pairs; and how words are written.

The byte pairs are those of Sennrich, Haddow and Birch (2016), by the tokenizers library.
"""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from seqjax.data.vocabulary import EOS, Vocabulary
from seqjax.extras import library

WORD = re.compile(r"\w+(?:[-'’.]\w+)*|[^\w\s]+?")
CASINGS = ("other", "lower", "Capital", "UPPER", "number", "miXed")
BYTES = 256  # a vocabulary of byte pairs holds every byte

Kind = Literal["chars", "spaced", "words", "bpe"]


def split_words(text: str) -> list[str]:
    """Splits a text into its words and punctuation marks.

    Example:
      >>> split_words("He said, Teddy's bears are on sale!")
      ['He', 'said', ',', "Teddy's", 'bears', 'are', 'on', 'sale', '!']
    """
    return WORD.findall(text)


SPLITTERS: dict[str, Callable[[str], list[str]]] = {
    "chars": list,
    "spaced": str.split,
    "words": split_words,
}


@dataclasses.dataclass(frozen=True)
class Tokenizer:
    """Turns texts into integers and integers into texts.

    Attributes:
      kind: "chars"; "spaced", what white space parts; "words", with punctuation marks
        apart; or "bpe", byte pairs.
      tokens: those of its `Vocabulary`.
      merges: the byte pairs, as the tokenizers library writes them.

    Raises:
      ValueError: the tokens make no vocabulary.
    """

    kind: Kind
    tokens: tuple[str, ...]
    merges: str = ""

    def __post_init__(self):
        if self.kind != "bpe" and self.kind not in SPLITTERS:
            raise ValueError(f"no tokenizer {self.kind!r}: {', '.join(SPLITTERS)}, bpe")
        Vocabulary(self.tokens)

    @classmethod
    def build(
        cls, texts: Iterable[str], kind: Kind, size: int | None = None
    ) -> "Tokenizer":
        """Learns the tokens of texts.

        Args:
          texts: to learn from.
          kind: as above.
          size: of the vocabulary, the most frequent tokens first, `<EOS>` and `<UNK>`
            not counted; all tokens if None.

        Raises:
          ValueError: byte pairs need a size of at least 256.
          MissingLibrary: tokenizers is not installed, for byte pairs.
        """
        texts = list(texts)
        if kind != "bpe":
            split = map(SPLITTERS[kind], texts)
            return cls(kind, Vocabulary.build(split, size).tokens)
        if size is None or size < BYTES:
            raise ValueError(f"a vocabulary of byte pairs needs {BYTES} or more")
        merges = _learn_byte_pairs(texts, size)
        known = Vocabulary.build([merges.get_vocab()])
        return cls(kind, known.tokens, merges.to_str())

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens that are known."""
        return Vocabulary(self.tokens)

    def tokenize(self, text: str) -> list[str]:
        """Splits a text into tokens, known or not."""
        if self.kind != "bpe":
            return SPLITTERS[self.kind](text)
        return self._byte_pairs.encode(text).tokens

    def encode(self, text: str, eos: bool = True) -> np.ndarray:
        """Turns a text into int32 [length]; `eos` puts `<EOS>` at the end."""
        return self.vocabulary.encode(self.tokenize(text), eos)

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Puts tokens together; an `<EOS>` among them ends a line."""
        if self.kind == "bpe":
            return self._byte_pairs.decoder.decode(list(tokens)).strip()
        lines = ["\n" if token == EOS else token for token in tokens]
        text = ("" if self.kind == "chars" else " ").join(lines)
        return (
            re.sub(r" ([.,!?;:])(?= |$)", r"\1", text) if self.kind == "words" else text
        )

    def decode(self, ids: Iterable[int] | np.ndarray) -> str:
        """Turns integers [length] into a text, up to the first `<EOS>`."""
        return self.detokenize(self.vocabulary.decode(ids))

    @functools.cached_property
    def _byte_pairs(self) -> Any:
        return library("tokenizers").Tokenizer.from_str(self.merges)


def _learn_byte_pairs(texts: list[str], size: int) -> Any:
    tokenizers = library("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(texts, trainer)
    return made


def casing(word: str) -> int:
    """Tells how a word is written: its place in `CASINGS`.

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
