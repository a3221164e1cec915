"""Vocabularies: tokens to integers and back, sorted alphabetically."""

import collections
import dataclasses
import functools
import itertools
import json
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from seqjax.data.files import DataError, read_bytes

EOS = "<EOS>"  # ends every sequence
UNK = "<UNK>"  # stands for every token that is not in the vocabulary


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Tokens, and their places as integers.

    Attributes:
      tokens: sorted by code point, unique, `<EOS>` and `<UNK>` among them.

    Raises:
      ValueError: the tokens are not like that.

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
        for before, after in itertools.pairwise(self.tokens):
            if before >= after:
                raise ValueError(
                    f"a vocabulary is sorted and unique, but {after!r} follows "
                    f"{before!r}"
                )
        for special in (EOS, UNK):
            if special not in self.tokens:
                raise ValueError(f"a vocabulary holds {special}")

    @classmethod
    def build(
        cls, sequences: Iterable[Iterable[str]], size: int | None = None
    ) -> "Vocabulary":
        """Takes the tokens of sequences: a string's characters, or a list's words.

        Args:
          sequences: the sequences.
          size: how many tokens to keep besides the two special ones, the most
            frequent first and equally frequent ones in the alphabet's order; all of
            them if None.

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
    def _places(self) -> dict[str, int]:
        return {token: place for place, token in enumerate(self.tokens)}

    @property
    def eos(self) -> int:
        """The integer of `<EOS>`."""
        return self._places[EOS]

    @property
    def unk(self) -> int:
        """The integer of `<UNK>`."""
        return self._places[UNK]

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._places

    def encode(self, tokens: Iterable[str], eos: bool = True) -> np.ndarray:
        """Turns tokens into int32 [length], unknown ones into `<UNK>`.

        Args:
          tokens: a string, or a list of words.
          eos: whether `<EOS>` is put at the end.
        """
        ids = [self._places.get(token, self.unk) for token in tokens]
        return np.array([*ids, self.eos] if eos else ids, np.int32)

    def decode(self, ids: Iterable[int] | np.ndarray) -> list[str]:
        """Turns integers [length] into tokens, up to the first `<EOS>` and without it.

        Raises:
          ValueError: an integer before that is not a token's.
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
        """Integers [...] as float32 [..., V]; what is no token's is the zero vector."""
        return np.equal.outer(np.asarray(ids), np.arange(len(self))).astype(np.float32)

    def to_json(self, path: str | pathlib.Path) -> None:
        """Writes the tokens as a JSON list, one a line."""
        text = json.dumps(self.tokens, indent=0)
        pathlib.Path(path).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def from_json(cls, path: str | pathlib.Path) -> "Vocabulary":
        """Reads what `to_json` wrote.

        Raises:
          DataError: a ValueError that names the file: it is missing, no JSON list of
            strings, not sorted, not unique, or without a special token.
        """
        raw = read_bytes(path)
        try:
            tokens = json.loads(raw.decode())
            if not isinstance(tokens, list) or not all(
                isinstance(token, str) for token in tokens
            ):
                raise ValueError("not a list of strings")
            return cls(tuple(tokens))
        except ValueError as error:
            raise DataError(f"{path}: no vocabulary: {error}") from None
