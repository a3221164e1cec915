"""A list of words as a language model of letters: no other word is ever written."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.decode.prefix_beam import Guide

Array = jax.Array
SPACE = " "


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["log_probs", "following"],
    meta_fields=[],
)
@dataclasses.dataclass(frozen=True)
class WordList:
    """A tree of letters, in which every word is equally likely at every place.

    After a word comes a space or the end, with ½ each.

    Attributes:
      log_probs: of each letter at each node, [nodes, K]; the end stands in the column
        of `<EOS>`.
      following: the node that a letter leads to, [nodes, K].
    """

    log_probs: Array
    following: Array

    @classmethod
    def build(cls, words: Iterable[str], letters: Sequence[str], end: int):
        """Makes the tree.

        Args:
          words: at least one, of letters that are known.
          letters: the classes of the model, with a space among them.
          end: the class that stands for the end.

        Raises:
          ValueError: a word has no letter, or one that is not known.
        """
        ids = {letter: i for i, letter in enumerate(letters)}
        counts, children = [np.zeros(len(letters))], [np.zeros(len(letters), int)]
        for word in dict.fromkeys(words):
            if not word or not set(word) <= ids.keys() - {SPACE}:
                raise ValueError(
                    f"{word!r} cannot be written with {''.join(letters)!r}"
                )
            node = 0
            for letter in map(ids.__getitem__, word):
                counts[node][letter] += 1
                if not children[node][letter]:
                    children[node][letter] = len(children)
                    counts.append(np.zeros(len(letters)))
                    children.append(np.zeros(len(letters), int))
                node = children[node][letter]
            counts[node][[end, ids[SPACE]]] += 0.5
        p = np.array(counts)
        with np.errstate(divide="ignore"):
            log_probs = np.log(p / p.sum(axis=1, keepdims=True))
        return cls(jnp.asarray(log_probs), jnp.asarray(np.array(children)))

    def guide(self, rows: int, end: int) -> Guide:
        """Returns the list as a language model, for so many rows."""

        def step(node, letter):
            node = self.following[node, letter]
            return node, self.log_probs[node]

        root = jnp.zeros(rows, self.following.dtype)
        return Guide(step, root, self.log_probs[root], end)
