"""Each library as it is used without seqjax, a file each.

A file has `CASES`, from names to what `make` takes; `make(case, rng)`, an object of
the library whose every weight is random; `run(theirs, xs, lengths)`, its outputs
[T, B, F] and last states, a list of [B, H] in the order of our carry's leaves;
`EXPORTS`, layers of ours that none of its own objects are read as; and `DTYPE`, what it
computes in.
"""

import numpy as np

IN, H = 3, 4
Rng = np.random.Generator


def drawn(rng: Rng, shape, dtype="float64"):
    """Normal weights, so small that no gate saturates and no ReLU blows up."""
    return (0.4 * rng.normal(size=shape)).astype(dtype)


def at_last(states, lengths):
    """The states [T, B, H] after each row's last step: [B, H]."""
    return np.asarray(states)[np.asarray(lengths) - 1, np.arange(len(lengths))]


def hidden_first(carry):
    """Flax's carry, (c, h) or h, as ours: [h, c] or [h]."""
    return list(carry[::-1]) if isinstance(carry, tuple) else [carry]
