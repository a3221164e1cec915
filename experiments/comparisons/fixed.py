"""The fixed network on padded input against a recurrent one, where places vary."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from experiments.comparisons.common import Finding, Request, against
from experiments.comparisons.shifted import Padded, Problem, make
from experiments.shared.errors import UsageError
from experiments.sweep.report import plus_minus
from seqjax import Bidirectional, figures, train
from seqjax.cells import GRU
from seqjax.losses import binary_cross_entropy
from seqjax.masks import from_lengths
from seqjax.models import FeedForward, Tagger

FLAGS = {"steps": 400, "sentences": 2000, "batch_size": 64, "features": 32}
SHOWN = 2  # words in front of a sentence in training, at most
SHIFTS = (0, 1, 2, 3, 4, 6, 8, 12, 16)
LENGTHS = (10, 20, 40, 80, 160)
WIDTH, HIDDEN = 16, 128
NAMES = ("fixed network", "recurrent network")


def compare(request: Request) -> Finding:
    """Trains both on sentences near the start, and moves the held-out ones."""
    options = settings_of(request)
    problems = [
        make(options["sentences"], SHOWN, SHIFTS, seed) for seed in range(request.seeds)
    ]
    request.begin()
    right = {
        name: np.array(
            [fit(request, name, p, i, options) for i, p in enumerate(problems)]
        )
        for name in NAMES
    }  # [seeds, shifts]
    baseline = [1 - _share(p.test[0]) for p in problems]
    sizes = {
        name: [size(name, problems[0].size, length, options) for length in LENGTHS]
        for name in NAMES
    }
    draw(request, right, float(np.mean(baseline)), sizes)
    numbers = {
        "metric": f"share of words tagged right, {SHIFTS[-1]} words further on",
        "lower_is_better": False,
        "data": "synthetic",
        "cell": "gru",
        "steps": options["steps"],
        "score": float(right[NAMES[1]][:, -1].mean()),
        "baseline": float(np.mean(baseline)),
        "baseline_name": "no word is a name",
        "shifts": SHIFTS,
        "right": {name: each.tolist() for name, each in right.items()},
        "lengths": LENGTHS,
        "sizes": sizes,
    }
    return Finding(table(right, sizes), conclusion(right, sizes), numbers)


def settings_of(request: Request) -> dict[str, int]:
    """The numbers of FLAGS, or those given.

    Raises:
      UsageError: there is no such flag, or its value is no whole number from 1 on.
    """
    options = dict(FLAGS)
    for name, values in request.flags.items():
        if name not in FLAGS:
            raise UsageError(f"--{name}: this comparison has {', '.join(FLAGS)}")
        if len(values) > 1 or not str(values[0]).isdecimal() or int(values[0]) < 1:
            raise UsageError(f"--{name}: give one whole number from 1 on")
        options[name] = int(values[0])
    return options


def model_of(name: str, words: int, length: int, options: dict[str, int]) -> Any:
    """A network that says of each of `length` words whether it is part of a name."""
    embed = nn.Embed(words, WIDTH)
    if name == NAMES[0]:
        return FeedForward((HIDDEN,), length, embed)
    return Tagger(Bidirectional(GRU(options["features"])), 1, embed)


def logits_of(model: Any, variables: Any, batch: Padded) -> jax.Array:
    """The logits of each place, [B, L]."""
    if isinstance(model, Tagger):
        return model.apply(variables, batch.tokens, batch.lengths)[..., 0]
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


def _share(data: Padded) -> float:
    return float(data.names.sum() / data.counted.sum())


def table(right: dict[str, np.ndarray], sizes: dict[str, list[int]]) -> list[list[str]]:
    """A row a network: words right at each shift, parameters at two lengths."""
    heads = [f"+{shift}" for shift in SHIFTS]
    rows = [["words right, words in front", *heads, "parameters"]]
    for name, each in right.items():
        means = [f"{mean:.3f}" for mean in each.mean(axis=0)]
        ends = f"{sizes[name][0]:,} to {sizes[name][-1]:,}"
        rows.append([name, *means, ends])
    return rows


def conclusion(right: dict[str, np.ndarray], sizes: dict[str, list[int]]) -> str:
    """What becomes of each beyond the places of training."""
    fixed, recurrent = (right[name] for name in NAMES)
    growth = [sizes[name][-1] / sizes[name][0] for name in NAMES]
    return (
        f"Where sentences begin as in training, the fixed network tags "
        f"{_versus(fixed[:, 0], recurrent[:, 0])} of the recurrent one; {SHIFTS[-1]} "
        f"words further on it tags {_versus(fixed[:, -1], recurrent[:, -1])}. From "
        f"inputs of {LENGTHS[0]} words to {LENGTHS[-1]}, its parameters grow "
        f"{growth[0]:.1f} times, those of the recurrent one {growth[1]:.1f} times."
    )


def _versus(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Shares of words right of two networks, seed by seed: [seeds] each."""
    first, second = (
        plus_minus(float(a.mean()), float(a.std(ddof=1)) if len(a) > 1 else None)
        for a in (ours, theirs)
    )
    differ = against(ours.tolist(), theirs.tolist())
    return f"{first} of words right, {differ} the {second}"


def draw(
    request: Request,
    right: dict[str, np.ndarray],
    baseline: float,
    sizes: dict[str, list[int]],
) -> None:
    """Words right against the shift, and parameters against the length."""
    shifts = [
        figures.Setting(
            {"words": str(n), "by": name}, right[name][:, i].tolist(), baseline
        )
        for name in NAMES
        for i, n in enumerate(SHIFTS)
    ]
    lengths = [
        figures.Setting({"length": str(n), "by": name}, [sizes[name][i]])
        for name in NAMES
        for i, n in enumerate(LENGTHS)
    ]
    panels = [
        ("words", "held-out words tagged right", shifts),
        ("length", "parameters", lengths),
    ]
    title = f"sentences further on than in training (up to {SHOWN} words in front)"
    figures.panels_by_setting(request.figure, panels, title=title)
