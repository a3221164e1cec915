"""Words that the vocabulary lacks, taken from where the decoder looked."""

from collections.abc import Sequence

import numpy as np


def replace_unknown(
    tokens: Sequence[str],
    alignment: np.ndarray,
    source: Sequence[str],
    unknown: str = "<UNK>",
) -> list[str]:
    """Puts the source word most looked at in place of each unknown one.

    Luong et al. (2015b), Addressing the rare word problem, and Jean et al. (2015),
    section 4.3: attention stands for an aligner.

    Args:
      tokens: what was written, [T].
      alignment: how much each looked at each place, [T or more, S or more].
      source: what was read, [S].
      unknown: the token to replace.

    Example:
      >>> weights = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1]])
      >>> replace_unknown(["in", "<UNK>"], weights, ["à", "Zanzibar"])
      ['in', 'Zanzibar']
    """
    looked = np.asarray(alignment)[: len(tokens), : len(source)].argmax(axis=1)
    return [
        str(source[place]) if token == unknown else token
        for token, place in zip(tokens, looked.tolist(), strict=True)
    ]
