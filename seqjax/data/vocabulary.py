"""Vocabularies: from tokens to integers and back."""

import collections
import dataclasses
import functools
import itertools
import json
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from seqjax.data.files import DataError, read_bytes
from seqjax.data.parsing import parse_json
from seqjax.data.quoting import shown
from seqjax.data.writing import write_text

EOS = "<EOS>"  # ends every sequence
UNK = "<UNK>"  # stands for every token that is not in the vocabulary


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """A sorted list of tokens; each token's integer is its place.

    Attributes:
      tokens: sorted by code point and unique, with `<EOS>` and `<UNK>` among them.

    Raises:
      ValueError: the tokens are not sorted or not unique, or lack one of these two.

    Example:
      >>> vocabulary = Vocabulary.build(["abba", "ba"])
      >>> vocabulary.tokens
      ('<EOS>', '<UNK>', 'a', 'b')
      >>> vocabulary.encode("bad").tolist()
      [3, 2, 1, 0]
      >>> vocabulary.decode([3, 2, 1, 0, 2])
      ['b', 'a', '<UNK>']
    """

    tokens: tuple[str, ...]

    def __post_init__(self):
        for token, following in itertools.pairwise(self.tokens):
            if token >= following:
                raise ValueError(
                    f"a vocabulary is sorted and unique, but {shown(following)} "
                    f"follows {shown(token)}"
                )
        for special in (EOS, UNK):
            if special not in self.tokens:
                raise ValueError(f"a vocabulary holds {special}")

    @classmethod
    def build(
        cls, sequences: Iterable[Iterable[str]], size: int | None = None
    ) -> "Vocabulary":
        """Collects the tokens of sequences.

        Args:
          sequences: strings, whose tokens are characters, or lists of words.
          size: the number of tokens to keep besides the two special ones. The most
            frequent are kept, and equally frequent ones by code point. None keeps all.

        Returns:
          The vocabulary.

        Raises:
          ValueError: `size` is below 1.
        """
        if size is not None and size < 1:
            raise ValueError(f"size must be at least 1, not {size}")
        counts = collections.Counter(itertools.chain.from_iterable(sequences))
        kept = sorted(counts.keys() - {EOS, UNK}, key=lambda t: (-counts[t], t))[:size]
        return cls(tuple(sorted([EOS, UNK, *kept])))

    @functools.cached_property
    def _ids(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.tokens)}

    @property
    def eos(self) -> int:
        """The integer of `<EOS>`."""
        return self._ids[EOS]

    @property
    def unk(self) -> int:
        """The integer of `<UNK>`."""
        return self._ids[UNK]

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def encode(self, tokens: Iterable[str], eos: bool = True) -> np.ndarray:
        """Returns the integers of tokens, int32 [length]; `<UNK>` for unknown ones.

        Args:
          tokens: a string, or a list of words.
          eos: whether to append `<EOS>`.
        """
        ids = [self._ids.get(token, self.unk) for token in tokens]
        return np.array([*ids, self.eos] if eos else ids, np.int32)

    def decode(self, ids: Iterable[int] | np.ndarray) -> list[str]:
        """Returns the tokens of integers [length] before the first `<EOS>`.

        Raises:
          ValueError: an integer there is not a token's.
        """
        tokens = []
        for i in map(int, ids):
            if not 0 <= i < len(self):
                raise ValueError(f"no token {i} in a vocabulary of {len(self)}")
            if i == self.eos:
                break
            tokens.append(self.tokens[i])
        return tokens

    def one_hot(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns one-hot vectors float32 [..., V] of integers [...]; unknown: zero."""
        return np.equal.outer(np.asarray(ids), np.arange(len(self))).astype(np.float32)

    def to_json(self, path: str | pathlib.Path) -> None:
        """Writes the tokens as a JSON list, one a line."""
        text = json.dumps(self.tokens, indent=0)
        write_text(path, text + "\n")

    @classmethod
    def from_json(cls, path: str | pathlib.Path) -> "Vocabulary":
        """Reads what `to_json` wrote.

        Raises:
          DataError: the file is missing, is not a JSON list of strings, or the list is
            not a vocabulary.
        """
        tokens = parse_json(read_bytes(path), f"{path}: not a vocabulary")
        try:
            if not isinstance(tokens, list) or not all(
                isinstance(token, str) for token in tokens
            ):
                raise ValueError("not a list of strings")
            return cls(tuple(tokens))
        except ValueError as error:
            raise DataError(f"{path}: not a vocabulary: {error}") from None
