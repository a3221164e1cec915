"""The fixed network and the recurrent one: made, counted, trained."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from experiments.comparisons.common import Request
from experiments.comparisons.shifted import Padded, Problem
from seqjax import Bidirectional, train
from seqjax.cells import GRU
from seqjax.losses import binary_cross_entropy
from seqjax.masks import from_lengths
from seqjax.models import FeedForward, Tagger

FIXED, RECURRENT = "fixed network", "recurrent network"
WIDTH, HIDDEN = 16, 128


def model_of(name: str, words: int, length: int, options: dict[str, int]) -> Any:
    """A network that says of each of `length` words whether it is part of a name."""
    embed = nn.Embed(words, WIDTH)
    if name == FIXED:
        return FeedForward((HIDDEN,), length, embed)
    return Tagger(Bidirectional(GRU(options["features"])), 1, embed)


def logits_of(model: Any, variables: Any, batch: Padded) -> jax.Array:
    """The logits of each place, [B, L]."""
    if isinstance(model, Tagger):
        logits: Any = model.apply(variables, batch.tokens, batch.lengths)
        return logits[..., 0]
    return model.apply(variables, batch.tokens)


def size(name: str, words: int, length: int, options: dict[str, int]) -> int:
    """How many parameters a network has for inputs of a length."""
    model = model_of(name, words, length, options)
    variables = jax.eval_shape(functools.partial(_init, model, length))
    return sum(leaf.size for leaf in jax.tree.leaves(variables))


def _init(model: Any, length: int, seed: int = 0) -> Any:
    tokens = jnp.zeros((1, length), int)
    more = (jnp.full(1, length),) if isinstance(model, Tagger) else ()
    return model.init(jax.random.key(seed), tokens, *more)


class Draws:
    """Batches drawn from padded sentences: a function of the step."""

    def __init__(self, data: Padded, rows: int):
        self._data, self._rows = data, rows

    def run_length(self, step: int, most: int) -> int:
        """All steps have one shape."""
        del step
        return most

    def stacked(self, step: int, count: int) -> Padded:
        """The batches of `count` steps, leaves [count, B, ...]."""
        chosen = np.stack(
            [
                np.random.default_rng(step + i).integers(
                    len(self._data.tokens), size=self._rows
                )
                for i in range(count)
            ]
        )
        return Padded(*(leaf[chosen] for leaf in self._data))


def fit(
    request: Request, name: str, problem: Problem, seed: int, options: dict[str, int]
) -> list[float]:
    """Trains a network; the share of words it tags right at each shift."""
    length = problem.train.tokens.shape[1]
    model = model_of(name, problem.size, length, options)
    variables = jax.jit(functools.partial(_init, model, length, seed))()

    def loss(variables, batch, key, state):
        valid = from_lengths(batch.lengths, length)
        logits = logits_of(model, variables, batch).T
        nats = binary_cross_entropy(logits, batch.names.T, valid)
        return nats, jnp.sum(batch.lengths), state

    task = train.Task(
        loss,
        lambda variables: {"valid": 0.0},
        Draws(problem.train, options["batch_size"]),
        train.make_optimizer("adam", 5e-3),
        unit="nats per word",
    )
    folder = request.folder / f"{name.split()[0]}_{seed}"
    folder.mkdir(exist_ok=True)
    steps = options["steps"]
    config = train.TrainConfig(steps, eval_every=steps, checkpoint_every=steps)
    request.say(f"{name}, seed {seed}:")
    how = {"resume": (folder / "checkpoints").exists(), "quiet": request.quiet}
    result = train.fit(task, variables, folder, jax.random.key(seed), config, **how)
    return [_right(model, result.params, data) for data in problem.test.values()]


def _right(model: Any, variables: Any, data: Padded) -> float:
    logits = jax.jit(functools.partial(logits_of, model))(variables, data)
    right = (np.asarray(logits) > 0) == data.names
    return float(right[data.counted > 0].mean())


def share_of_names(data: Padded) -> float:
    """Of the words of the sentences themselves."""
    return float(data.names.sum() / data.counted.sum())
