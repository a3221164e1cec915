"""How much of the gradient truncation loses, of a trained model on held-out text."""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.language_model.data import TABLE
from experiments.language_model.model import uniform_variables
from experiments.shared.begun import read_flags
from experiments.shared.errors import UsageError
from experiments.shared.folders import data_digest
from experiments.shared.run import load_model
from seqjax import figures, inspect, predict
from seqjax.data import DataError, Piece, Source, Streams
from seqjax.data.writing import write_text
from seqjax.inspect import RunSummary, Similarity, Truncation
from seqjax.models import LanguageModel
from seqjax.predict import LanguagePredictor
from seqjax.predict.batched import apply

ROWS = 4  # texts side by side, of 2 --reach tokens each
TRAINED, FIRST = "trained", "at initialisation"
PIECES = "trained, pieces (k1=k2)"

Curve = tuple[np.ndarray, Similarity]


class Measured(NamedTuple):
    """A run's gradients."""

    name: str  # of its cell, or what sets it apart from other runs
    folder: pathlib.Path
    whole: dict[str, Curve]  # of all weights, by stage
    weights: dict[str, dict[str, Curve]]  # of each array of weights, by stage


def measure(options: Any) -> None:
    """Measures each model in --workdir, draws, prints what is needed."""
    measured = [measure_run(run, options.reach) for run in runs_in(options.workdir)]
    for run in measured:
        draw(run.folder, {run.name: run.whole}, "truncation", run.name)
        draw(run.folder, run.weights, "truncation_weights", run.name)
        write_text(run.folder / "truncation.json", json.dumps(numbers(run)) + "\n")
    if len(measured) > 1:
        curves = {run.name: run.whole for run in measured}
        draw(pathlib.Path(options.workdir), curves, "truncation", "several runs")
    print(*(line for run in measured for line in in_words(run)), sep="\n")


def runs_in(workdir: str | None) -> list[tuple[str, RunSummary]]:
    """The run in a folder, or the runs in the folders in it, each with its name."""
    if not workdir:
        raise UsageError("--workdir: name the folder of a trained model")
    folder = pathlib.Path(workdir)
    below = sorted(path.parent for path in folder.glob(f"*/{predict.NAME}"))
    alone = (folder / predict.NAME).exists() or not below
    runs = [inspect.read_run(path) for path in ([folder] if alone else below)]
    if alone:
        return [(runs[0].flags.get("cell", ""), runs[0])]
    names = inspect.differences(runs)
    return [
        (name.removeprefix("cell="), run) for name, run in zip(names, runs, strict=True)
    ]


def measure_run(named: tuple[str, RunSummary], reach: int) -> Measured:
    """Compares gradients through up to `reach` steps with that through twice as many.

    The state that these begin with is that after as much text again.
    """
    name, run = named
    text = load_model(str(run.folder), LanguagePredictor)
    if not text.stream:
        raise UsageError(f"--workdir: {run.folder} reads whole lines, and cuts none")
    before, piece = pieces_of(held_out(run), text, reach)
    whole, weights = {}, {}
    for stage, variables in (
        (TRAINED, text.variables),
        (FIRST, first_variables(text, run.flags)),
    ):
        carry = dataclasses.replace(text, variables=variables).initial_carry(ROWS)
        arguments = carry, before.tokens, before.targets
        carry, _ = apply(text.model, "stream", variables, *arguments)
        found, pieces = jax.device_get(
            compared(text.model, reach, variables, carry, piece)
        )
        whole[stage] = (found.steps, found.whole)
        if stage == TRAINED:
            whole[PIECES] = (pieces.steps, pieces.whole)
        for path, like in leaves_of(found):
            weights.setdefault(path, {})[stage] = (found.steps, like)
    return Measured(name, run.folder, whole, weights)


load = functools.cache(TABLE.load)


def held_out(run: RunSummary) -> Source:
    """The data that a run read."""
    source = load(run.flags.get("dataset"), run.flags.get("data"))
    if read_flags(run.folder).data != data_digest(source):
        raise DataError(f"{source.name}: not what the run in {run.folder} has read")
    return source


def pieces_of(
    source: Source, text: LanguagePredictor, reach: int
) -> tuple[Piece, Piece]:
    """Two pieces of held-out text, one after the other, [ROWS, 2 reach]."""
    tokens = np.concatenate(list(map(text.tokenizer.encode, source.examples.test)))
    needed = 4 * ROWS * reach + 1
    if len(tokens) < needed:
        raise UsageError(
            f"--reach: {reach} needs {needed} tokens of held-out text, and there are "
            f"{len(tokens)}"
        )
    whole = Streams(tokens[:needed], ROWS, 2 * reach).stacked(0, 2)
    first, second = (jax.tree.map(lambda a, i=i: a[i], whole) for i in (0, 1))
    return first, second


def first_variables(text: LanguagePredictor, flags: dict[str, str]) -> Any:
    """The weights that a run began with."""
    key = jax.random.key(int(flags["seed"]))
    variables, scale = predict.init(text, key), float(flags["init_scale"])
    return uniform_variables(variables, key, scale) if scale else variables


@functools.partial(jax.jit, static_argnums=(0, 1))
def compared(
    model: LanguageModel, reach: int, variables: Any, carry: Any, piece: Piece
) -> tuple[Truncation, Truncation]:
    """Compares truncated gradients with the full one: each loss's, and in pieces."""

    def step(variables, carry, at):
        token, target = at
        carry, logits = model.apply(variables, carry, token, method="step")
        log_p = jax.nn.log_softmax(logits)
        return carry, -jnp.take_along_axis(log_p, target[:, None], axis=-1)[:, 0]

    arguments = step, variables, carry, (piece.tokens.T, piece.targets.T)
    lengths = 2 ** np.arange(reach.bit_length())
    each = inspect.truncation(*arguments, most=reach)
    return each, inspect.truncation_in_pieces(*arguments, lengths)


def leaves_of(found: Truncation) -> Iterator[tuple[str, Similarity]]:
    """The arrays of weights by their names."""
    is_one = {"is_leaf": lambda a: isinstance(a, Similarity)}
    for path, like in jax.tree_util.tree_leaves_with_path(found.leaves, **is_one):
        names = jax.tree_util.keystr(path, simple=True, separator=".")
        yield names.removeprefix("params.").removeprefix("recurrent.layer."), like


def draw(
    folder: pathlib.Path, curves: dict[str, dict[str, Curve]], name: str, what: str
) -> None:
    """Draws curves into the folder's figures."""
    path = folder / "figures" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    title = f"{what}: gradient through k2 steps beside the full one, on held-out text; "
    title += "k1 = 1 but for pieces"
    figures.truncation(path, curves, title=title)


def in_words(run: Measured) -> Iterator[str]:
    """How many steps each stage and each array of weights needs."""
    for stage, curve in run.whole.items():
        yield f"{run.name}, {stage}: {needed(curve)}"
    for weights, stages in run.weights.items():
        yield f"  {weights}, trained: {needed(stages[TRAINED])}"


def needed(curve: Curve) -> str:
    """From where on the cosine is 0.99, and what one step alone gives."""
    steps, like = curve
    first = inspect.steps_needed(steps, like.cosine)
    enough = (
        f"only {like.cosine[-1]:.3f} at k2 = {steps[-1]}"
        if first is None
        else f"0.99 from k2 = {first} on"
    )
    return (
        f"cosine {enough}; through one step alone {like.cosine[0]:.3f}, with "
        f"{like.norm_ratio[0]:.3f} of the norm"
    )


def numbers(run: Measured) -> dict[str, Any]:
    """All curves, for truncation.json."""

    def listed(curve):
        steps, like = curve
        return {"k2": steps.tolist()} | {
            field: np.asarray(values).tolist()
            for field, values in like._asdict().items()
        }

    return {
        "cell": run.name,
        "all weights": {stage: listed(curve) for stage, curve in run.whole.items()},
        "weights": {
            name: {stage: listed(curve) for stage, curve in stages.items()}
            for name, stages in run.weights.items()
        },
    }
