"""What predictors share: jitted calls of a model, rows of batches, checks of texts."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batch, Batches
from seqjax.devices import by_rows
from seqjax.models.word_features import Words


@by_rows(static=2)
def apply(model: Any, method: str, variables: Any, *arguments: Any) -> Any:
    """Calls a method of a model, its rows split over the devices.

    Equal models share what was compiled.
    """
    return model.apply(variables, *arguments, method=method)


def lengths_of(batches: Batches) -> list[int]:
    """Returns the length of each example, in the order of the examples."""
    rows = batches.map_rows(lambda batch: row_lengths(batch.lengths))
    return [int(length) for length in rows]


def row_lengths(lengths: Any) -> Any:
    """Returns the lengths [B] of a batch whose parts are all of one length."""
    return jax.tree.leaves(lengths)[0]


def check_classes(model: Any, classes: Sequence[Any]) -> None:
    """Checks that a `Classifier` has a logit for each class, or one for two.

    Raises:
      ValueError: it has not.
    """
    logits, named = model.classes, len(classes)
    if logits != named and (logits, named) != (1, 2):
        raise ValueError(f"the model has {logits} classes, but {named} are named")


def class_probabilities(model: Any, variables: Any, batches: Batches) -> np.ndarray:
    """Returns P of each class by a `Classifier`, in the examples' order: [N, K]."""
    function = functools.partial(_probabilities, model, variables)
    return np.stack(batches.map_rows(function))


def attention_weights(
    model: Any,
    variables: Any,
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    batch_size: int,
    buckets: int = 1,
    whole: bool = False,
) -> list[np.ndarray]:
    """Returns how much each step of a target attended to each step of its source.

    Args:
      model: an `EncoderDecoder` with attention.
      variables: of the model.
      pairs: NamedTuples of a source, [S] or [S, features], and a target [T].
      batch_size: pairs at a time.
      buckets: as in `Batches`.
      whole: whether S is what the model's `reader` makes of a source, in place of the
        source's own length.

    Returns:
      For each pair [T, S]; rows sum to 1.
    """

    def attend(batch: Batch) -> jax.Array:
        (source, target), lengths = batch.values, batch.lengths[0]
        return apply(model, "attention_weights", variables, source, lengths, target)

    rows = Batches(pairs, min(batch_size, len(pairs)), buckets=buckets).map_rows(attend)
    return [
        row[: len(target), : None if whole else len(source)]
        for row, (source, target) in zip(rows, pairs, strict=True)
    ]


@by_rows(static=1)
def _probabilities(model: Any, variables: Any, batch: Batch) -> jax.Array:
    logits = model.apply(variables, batch.values, row_lengths(batch.lengths))
    if model.classes > 1:
        return jax.nn.softmax(logits)
    return jnp.concatenate([jax.nn.sigmoid(-logits), jax.nn.sigmoid(logits)], axis=-1)


def example_of_words() -> tuple[Words, jax.Array]:
    """Returns a sentence of one word of one letter, and its length, for `init`."""
    one = jnp.ones((1, 1), int)
    return Words(one, one[..., None], one, one), jnp.ones(1, int)


def one_or_more(value: int, name: str) -> int:
    """Returns a number that must be at least 1.

    Raises:
      ValueError: it is not.
    """
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
    return value


def not_blank(texts: Sequence[str], what: str) -> None:
    """Checks that every text holds something.

    Raises:
      ValueError: one does not.
    """
    for place, text in enumerate(texts):
        if not text.strip():
            which = (
                f"text {place + 1} of {len(texts)}" if len(texts) > 1 else "the text"
            )
            raise ValueError(f"{which} is blank; give {what}")
