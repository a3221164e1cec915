"""Texts as tokens and back: characters, words or byte pairs; and how words are written.

Byte pairs are learned as in Sennrich, Haddow and Birch (2016), on bytes, so that every
text has tokens. The tokenizers library learns and applies them.
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
      kind: "chars" for characters; "spaced" for what stands between white space;
        "words" for words, with punctuation marks apart; "bpe" for byte pairs.
      tokens: the tokens of its `Vocabulary`.
      merges: the byte pairs, as the tokenizers library writes them.

    Raises:
      ValueError: the kind is unknown, the tokens make no vocabulary, or the merges
        cannot be read.
      MissingLibrary: the tokenizers library is not installed, for byte pairs.

    Example:
      >>> tokenizer = Tokenizer.build(["Yes, we can."], "words")
      >>> tokenizer.tokenize("Can we?")
      ['Can', 'we', '?']
      >>> tokenizer.encode("Yes, we can.").tolist()
      [4, 0, 6, 5, 1, 2]
      >>> tokenizer.decode([4, 0, 6, 5, 1, 2])
      'Yes, we can.'
    """

    kind: Kind
    tokens: tuple[str, ...]
    merges: str = ""

    def __post_init__(self):
        _check_kind(self.kind)
        Vocabulary(self.tokens)
        if self.kind == "bpe":
            _ = self._byte_pairs

    @classmethod
    def build(
        cls, texts: Iterable[str], kind: Kind, size: int | None = None
    ) -> "Tokenizer":
        """Learns the tokens of texts.

        Args:
          texts: to learn from.
          kind: one of the kinds above.
          size: how many tokens to keep besides `<EOS>` and `<UNK>`, the most frequent
            first; all of them if None. Byte pairs need a size, of at least the 256
            bytes.

        Raises:
          ValueError: the kind is unknown, or the size too small.
          MissingLibrary: the tokenizers library is not installed, for byte pairs.
        """
        _check_kind(kind)
        if kind != "bpe":
            split = map(SPLITTERS[kind], texts)
            return cls(kind, Vocabulary.build(split, size).tokens)
        if size is None or size < BYTES:
            raise ValueError(
                f"byte pairs need a vocabulary of at least {BYTES}, not {size}"
            )
        merges = _learn_byte_pairs(texts, size)
        known = Vocabulary.build([merges.get_vocab()])
        return cls(kind, known.tokens, merges.to_str())

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens that are known, with their integers."""
        return Vocabulary(self.tokens)

    def tokenize(self, text: str) -> list[str]:
        """Splits a text into tokens, known or not."""
        if self.kind != "bpe":
            return SPLITTERS[self.kind](text)
        return self._byte_pairs.encode(text).tokens

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Puts tokens together; an `<EOS>` among them becomes a line break.

        Words are joined by single spaces, and byte pairs lose the white space at the
        ends of a line; characters come back as they were.
        """
        lines: list[list[str]] = [[]]
        for token in tokens:
            if token == EOS:
                lines.append([])
            else:
                lines[-1].append(token)
        return "\n".join(map(self._join, lines))

    def encode(self, text: str, eos: bool = True) -> np.ndarray:
        """Turns a text into integers, unknown tokens into `<UNK>`: int32 [length].

        Args:
          text: the text.
          eos: whether `<EOS>` is put at the end.
        """
        return self.vocabulary.encode(self.tokenize(text), eos)

    def decode(self, ids: Iterable[int] | np.ndarray) -> str:
        """Turns integers [length] into a text, up to the first `<EOS>`."""
        return self.detokenize(self.vocabulary.decode(ids))

    def _join(self, tokens: list[str]) -> str:
        if self.kind == "bpe":
            return self._byte_pairs.decoder.decode(tokens).strip()
        if self.kind == "chars":
            return "".join(tokens)
        text = " ".join(tokens)
        if self.kind == "spaced":
            return text
        return re.sub(r" ([.,!?;:])(?= |$)", r"\1", text)

    @functools.cached_property
    def _byte_pairs(self) -> Any:
        tokenizers = library("tokenizers")
        try:
            return tokenizers.Tokenizer.from_str(self.merges)
        except Exception as error:  # the library raises nothing more special
            raise ValueError(f"these byte pairs cannot be read: {error}") from None


def _check_kind(kind: str) -> None:
    if kind != "bpe" and kind not in SPLITTERS:
        raise ValueError(
            f"there is no tokenizer of the kind {kind!r}; choose one of "
            f"{', '.join(SPLITTERS)}, bpe"
        )


def _learn_byte_pairs(texts: Iterable[str], size: int) -> Any:
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
    """Returns how a word is written, as its place in `CASINGS`.

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
