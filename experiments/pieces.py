"""How a language's text is cut: into words, or into byte pairs."""

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments import common
from seqjax.data import Vocabulary
from seqjax.data.words import split_words


class Language(NamedTuple):
    """One side of a translation; of what JSON can hold."""

    merges: str  # a byte-pair tokenizer of the tokenizers library; "" for words
    tokens: Sequence[str]

    @classmethod
    def build(cls, texts: Iterable[str], kind: str, size: int) -> "Language":
        """From a language's texts.

        Args:
          texts: to learn from.
          kind: "words" or "bpe" (Sennrich, Haddow and Birch, 2016).
          size: of the vocabulary, <EOS> and <UNK> not counted.
        """
        texts = list(texts)
        if kind == "words":
            words = Vocabulary.build(map(split_words, texts), size)
            return cls("", words.tokens)
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
        return cls(made.to_str(), Vocabulary.build([made.get_vocab()]).tokens)

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens that are known."""
        return _vocabulary(tuple(self.tokens))

    def cut(self, text: str) -> list[str]:
        """A text's tokens."""
        if not self.merges:
            return split_words(text)
        return _tokenizer(self.merges).encode(text).tokens

    def encode(self, text: str) -> np.ndarray:
        """A text's tokens as integers, <EOS> at the end."""
        return self.vocabulary.encode(self.cut(text))

    def join(self, tokens: Sequence[str]) -> str:
        """The text of tokens."""
        if self.merges:
            return _tokenizer(self.merges).decoder.decode(list(tokens)).strip()
        return re.sub(r" ([.,!?;:])(?= |$)", r"\1", " ".join(tokens))


@functools.lru_cache
def _vocabulary(tokens: tuple[str, ...]) -> Vocabulary:
    return Vocabulary(tokens)


@functools.lru_cache
def _tokenizer(merges: str) -> Any:
    return common.library("tokenizers").Tokenizer.from_str(merges)
