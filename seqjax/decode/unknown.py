"""Words that the vocabulary lacks, copied from the source that attention points to."""

from collections.abc import Sequence

import numpy as np


def replace_unknown(
    tokens: Sequence[str],
    attention_weights: np.ndarray,
    source: Sequence[str],
    unknown: str = "<UNK>",
) -> list[str]:
    """Replaces each unknown token by the source token with the most attention.

    As Luong et al. (2015b), Addressing the rare word problem, do with an aligner, and
    Jean et al. (2015), section 4.3, with attention.

    Args:
      tokens: the written tokens, T of them.
      attention_weights: of each written token on each token of the source, [T or more,
        S or more].
      source: the tokens of the source, S of them.
      unknown: the token to replace.

    Returns:
      The T tokens.

    Example:
      >>> weights = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1]])
      >>> replace_unknown(["in", "<UNK>"], weights, ["à", "Zanzibar"])
      ['in', 'Zanzibar']
    """
    weights = np.asarray(attention_weights)[: len(tokens), : len(source)]
    return [
        str(source[place]) if token == unknown else token
        for token, place in zip(tokens, weights.argmax(axis=1).tolist(), strict=True)
    ]
