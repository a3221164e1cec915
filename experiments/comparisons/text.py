"""One text for models of words and of characters, and bits per character for both.

A model of words gives a probability to <UNK>, and to no unknown word. So that a text
has a probability under it, an unknown word is spelled by an n-gram of characters:
P(word) = P(<UNK>) P(spelling | no known word), where the n-gram has learned the
spellings of the words that were unknown in training, and what it would spend on known
words is given back. A character that no training text has costs the same in both: as
many bits as it takes to name one of Unicode's.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from experiments.comparisons.common import Request
from experiments.language_model.data import TABLE, read_text
from seqjax.baselines import Ngram, best_ngram
from seqjax.data import Splits, Tokenizer
from seqjax.data.writing import write_text
from seqjax.predict import LanguagePredictor

TASK = "language_model"
CHARACTERS = 400_000
UNICODE = math.log2(0x110000)  # bits that name a character
FEW = 100  # spellings from which no n-gram can be learned


def with_text(request: Request) -> tuple[Request, Splits]:
    """Writes the text of --data or --dataset, its marks parted from words, and cuts it.

    Returns:
      The request, for which the text is --data; and its three parts.
    """
    flags = dict(request.flags)
    asked = [flags.pop(name, (None,))[0] for name in ("dataset", "data")]
    parts = TABLE.load(*asked).examples
    lines, count = [], 0
    for line in (line for part in parts for line in part):
        words = " ".join(re.sub(r"([^\w\s])", r" \1 ", line).split())
        count += len(words) + 1
        if count > CHARACTERS:
            break
        lines += [words] if words else []
    request.begin()
    path = request.folder / "text.txt"
    write_text(path, "".join(f"{line}\n" for line in lines))
    return replace(request, flags={**flags, "data": (str(path),)}), read_text(path)


class Spelling(NamedTuple):
    """Spells words that a vocabulary lacks."""

    letters: Tokenizer
    ngram: Ngram
    known: float  # the probability that it gives to known words

    @classmethod
    def learn(cls, words: Tokenizer, lines: Sequence[str]) -> "Spelling":
        """Learns the spellings of unknown words, or of all where those are few."""
        vocabulary = set(words.tokens)
        occurring = [word for line in lines for word in line.split()]
        unknown = [word for word in occurring if word not in vocabulary]
        spelled = unknown if len(unknown) >= FEW else sorted(set(occurring))
        letters = Tokenizer.build(spelled, "chars")
        encoded = [letters.encode(word) for word in spelled]
        ngram = best_ngram(
            encoded[::2], encoded[1::2], len(letters.tokens), range(1, 6)
        )
        rest = [word for word in words.tokens if word not in ("<EOS>", "<UNK>")]
        p = sum(math.exp(ngram.log_probs(letters.encode(w)).sum()) for w in rest)
        return cls(letters, ngram, min(p, 0.999))

    def bits(self, word: str) -> float:
        """−log₂ P(word | no known word)."""
        nats = -self.ngram.log_probs(self.letters.encode(word)).sum()
        unseen = sum(letter not in self.letters.tokens for letter in word)
        return float(nats / math.log(2) + math.log2(1 - self.known) + unseen * UNICODE)


class Counts(NamedTuple):
    """What a model reads of a text."""

    characters: int  # with the line breaks
    tokens: int  # with an <EOS> for each line break
    unknown: int
    spelled: float  # bits that spell the unknown tokens


def count(tokenizer: Tokenizer, train: Sequence[str], lines: Sequence[str]) -> Counts:
    """Counts the tokens of lines, and what their unknown tokens cost."""
    known = set(tokenizer.tokens)
    tokens = [token for line in lines for token in tokenizer.tokenize(line)]
    unknown = [token for token in tokens if token not in known]
    if tokenizer.kind == "chars":
        spelled = len(unknown) * UNICODE
    else:
        spelling = Spelling.learn(tokenizer, train)
        spelled = sum(map(spelling.bits, unknown))
    characters = sum(len(line) + 1 for line in lines)
    return Counts(characters, len(tokens) + len(lines), len(unknown), spelled)


def bits_per_character(bits: float, counts: Counts) -> float:
    """From bits per token to bits per character, unknown tokens spelled."""
    return (bits * counts.tokens + counts.spelled) / counts.characters


def bits_per_token(score: float, kind: str) -> float:
    """From what the experiment reports: bits per character, or perplexity per word."""
    return score if kind == "chars" else math.log2(score)


def by_context(
    model: LanguagePredictor, spelling: Spelling | None, texts: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """How well a model does after so much context, from nothing on.

    Args:
      model: of characters or words.
      spelling: of unknown words; None for characters.
      texts: each read from its beginning.

    Returns:
      Of all tokens, after how many characters each begins, and its bits per character:
      with the character behind it, a space, in a model of words.
    """
    known, starts, bits, sizes = set(model.tokenizer.tokens), [], [], []
    for text, log_p in zip(texts, model.log_probs(texts), strict=True):
        at, space = 0, int(model.tokenizer.kind != "chars")
        for token, nats in zip(model.tokenizer.tokenize(text), -log_p, strict=False):
            more = (
                0.0 if token in known else spelling.bits(token) if spelling else UNICODE
            )
            starts.append(at)
            sizes.append(len(token) + space)
            bits.append(nats / math.log(2) + more)
            at += sizes[-1]
    return np.array(starts), np.stack([bits, sizes])
