"""How a language's text is cut: into words, characters, or byte pairs."""

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments import common
from seqjax.data import Vocabulary
from seqjax.data.words import split_words

CUTS = {"words": split_words, "chars": list}


class Language(NamedTuple):
    """One side of a translation; of what JSON can hold."""

    kind: str  # "words", "chars" or "bpe"
    tokens: Sequence[str]
    merges: str = ""  # a byte-pair tokenizer of the tokenizers library

    @classmethod
    def build(cls, texts: Iterable[str], kind: str, size: int) -> "Language":
        """From a language's texts.

        Args:
          texts: to learn from.
          kind: "words", "chars", or "bpe" (Sennrich, Haddow and Birch, 2016).
          size: of the vocabulary, <EOS> and <UNK> not counted.
        """
        texts = list(texts)
        if kind != "bpe":
            cuts = map(CUTS[kind], texts)
            return cls(kind, Vocabulary.build(cuts, size).tokens)
        if size < 256:
            raise common.UsageError("--vocabulary: byte pairs need 256 or more")
        tokenizers = common.library("tokenizers")
        made = tokenizers.Tokenizer(tokenizers.models.BPE())
        byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
        made.pre_tokenizer = byte_level
        made.decoder = tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=size,
            show_progress=False,
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        )
        made.train_from_iterator(texts, trainer)
        tokens = Vocabulary.build([made.get_vocab()]).tokens
        return cls(kind, tokens, made.to_str())

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens that are known."""
        return _vocabulary(tuple(self.tokens))

    def cut(self, text: str) -> list[str]:
        """A text's tokens."""
        if self.kind != "bpe":
            return CUTS[self.kind](text)
        return _tokenizer(self.merges).encode(text).tokens

    def encode(self, text: str) -> np.ndarray:
        """A text's tokens as integers, <EOS> at the end."""
        return self.vocabulary.encode(self.cut(text))

    def join(self, tokens: Sequence[str]) -> str:
        """The text of tokens."""
        if self.kind == "bpe":
            return _tokenizer(self.merges).decoder.decode(list(tokens)).strip()
        if self.kind == "chars":
            return "".join(tokens)
        return re.sub(r" ([.,!?;:])(?= |$)", r"\1", " ".join(tokens))

    def shown(self, tokens: Sequence[str]) -> list[str]:
        """Each token as a reader knows it."""
        return [self.join([token]) or token for token in tokens]


@functools.lru_cache
def _vocabulary(tokens: tuple[str, ...]) -> Vocabulary:
    return Vocabulary(tokens)


@functools.lru_cache
def _tokenizer(merges: str) -> Any:
    return common.library("tokenizers").Tokenizer.from_str(merges)
