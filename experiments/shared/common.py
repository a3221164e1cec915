"""What every experiment shares: the flags, the run directory, the result line."""

import datetime
import hashlib
import importlib
import json
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import optax
from absl import app, flags, logging

from seqjax import Bidirectional, Cell, Layer, Stack, cells, train
from seqjax.data import DATASETS, DataError, Source

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "cell",
    "lstm",
    f"The recurrent cell: {', '.join(sorted(cells.CELLS))}; with fields of its own if "
    f"you like, as in --cell='lstm(coupled=True)'.",
)
flags.DEFINE_integer("features", 128, "Units of each layer.", 1)
flags.DEFINE_integer("layers", 1, "Layers stacked on each other.", 1)
flags.DEFINE_bool("bidirectional", False, "Read the sequence in both directions.")
flags.DEFINE_enum(
    "gradient",
    "lean",
    ["lean", "plain", "remat"],
    "How to differentiate the scan: lean is the fast one, plain is JAX's autodiff, "
    "remat saves memory on long sequences.",
)
flags.DEFINE_integer("steps", 1000, "Training steps, one batch each.", 1)
flags.DEFINE_integer("batch_size", 64, "Sequences in a batch.", 1)
flags.DEFINE_integer(
    "buckets", 4, "Groups of examples of like length, padded to its longest each.", 1
)
flags.DEFINE_float("learning_rate", 1e-3, "The schedule's highest learning rate.", 0.0)
flags.DEFINE_enum(
    "schedule",
    "constant",
    sorted(train.SCHEDULES),
    "The learning rate over time: constant, or a cosine down to zero at --steps, with "
    "or without a linear warm-up over --warmup steps; or halving every --halve_every "
    "steps after --hold.",
)
flags.DEFINE_integer("hold", 0, "Steps at the full rate, for --schedule=halving.", 0)
flags.DEFINE_integer("halve_every", 1000, "Steps, for --schedule=halving.", 1)
flags.DEFINE_integer("warmup", 100, "Steps of warm-up, for such a --schedule.", 0)
flags.DEFINE_enum(
    "optimizer", "adam", sorted(train.OPTIMIZERS), "The optimiser, of Optax."
)
flags.DEFINE_float("weight_decay", 0.0, "For --optimizer=adamw.", 0.0)
flags.DEFINE_float(
    "clip_norm",
    0.0,
    "Scale a gradient whose global norm is larger down to it; 0 does not clip.",
    0.0,
)
flags.DEFINE_float(
    "clip_value", 0.0, "Cut each entry of a gradient to ±this; 0 does not clip.", 0.0
)
flags.DEFINE_integer("seed", 0, "Of the split, weights, order of data and samples.", 0)
flags.DEFINE_integer("eval_every", 100, "Steps between evaluations.", 1)
flags.DEFINE_integer("checkpoint_every", 500, "Steps between checkpoints.", 1)
flags.DEFINE_string(
    "workdir",
    None,
    "The folder of the run; a new one below runs/ if None.",
)
flags.DEFINE_string("data", None, "A file of your own.")
flags.DEFINE_string("dataset", None, "A data set by name.")
flags.DEFINE_bool(
    "resume",
    False,
    "Go on from the newest checkpoint in --workdir, with the flags in its flags.txt "
    "except for those given now.",
)
flags.DEFINE_bool(
    "spread",
    True,
    "Split each batch over the cores or devices where that pays.",
)
flags.DEFINE_bool("quiet", False, "Print the result line only.")


# What may differ when a run is resumed; all else would make it another run.
CHANGEABLE = {"steps", "eval_every", "checkpoint_every", "workdir", "resume", "quiet"}
CHANGEABLE |= {"samples", "temperature", "flagfile", "spread"}


class UsageError(Exception):
    """What the user asked for cannot be; the message says why in one sentence."""


def set_defaults(**values: Any) -> None:
    """Gives shared flags the defaults that suit one task."""
    for name, value in values.items():
        FLAGS.set_default(name, value)


def describe_data(task: str, data: str) -> None:
    """Says in --help what --data takes for a task, and which data sets there are."""
    entries = [entry for entry in DATASETS.values() if entry.task == task]
    FLAGS["data"].help = data
    FLAGS["dataset"].help = "A data set, the first unless told: " + " ".join(
        f"{entry.name}: {entry.description}" for entry in entries
    )


def run(main: Callable[[list[str]], None]) -> NoReturn:
    """Parses the flags and calls `main`; bad input ends in one sentence.

    Exit codes: 0 done, 1 bad data or a run that failed, 2 bad flags, 130 interrupted.
    """
    train.use_every_core()
    app.run(lambda argv: _guarded(main, argv), flags_parser=_parse)
    raise SystemExit


def library(name: str) -> Any:
    """A module that seqjax can do without, imported."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        package = name.split(".")[0]
        raise UsageError(
            f"{package} is not installed; it comes with pip install 'seqjax[text]'"
        ) from None


def make_layer(cell: str | None = None, causal: bool = False) -> Layer:
    """The layer that --cell, --features, --layers and --bidirectional ask for.

    Args:
      cell: instead of --cell.
      causal: the task may not look ahead, so that --bidirectional is refused.
    """
    if causal and FLAGS.bidirectional:
        raise UsageError(
            "--bidirectional: a model that predicts the next step may not look ahead"
        )
    name = cell or FLAGS.cell
    return stacked(name, FLAGS.features, FLAGS.layers, FLAGS.bidirectional)


def stacked(
    cell: str, features: int, layers: int = 1, bidirectional: bool = False
) -> Layer:
    """Equal layers on each other, of a cell by its name, with fields if any."""
    try:
        made = cells.make(cell, features=features)
    except ValueError as error:
        raise UsageError(f"--cell: {error}") from None
    _check_cell(made)
    layer = Bidirectional(made) if bidirectional else made
    return Stack((layer,) * layers) if layers > 1 else layer


def _check_cell(cell: Cell) -> None:
    """Runs shapes alone through a cell, so that a field that does not fit shows."""

    def one_step(key):
        return cell.unroll(cell.init(key, 2), jnp.zeros((1, 2)))

    try:
        jax.eval_shape(one_step, jax.random.key(0))
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"--cell: {cell!r} does not work: {reason}") from None


def optimizer_from_flags(trainable: Any) -> optax.GradientTransformation:
    """The optimiser that the flags ask for, moving what `trainable` marks."""
    return train.make_optimizer(
        FLAGS.optimizer,
        FLAGS.learning_rate,
        schedule=FLAGS.schedule,
        times=train.Times(FLAGS.steps, FLAGS.warmup, FLAGS.hold, FLAGS.halve_every),
        clip_norm=FLAGS.clip_norm,
        clip_value=FLAGS.clip_value,
        weight_decay=FLAGS.weight_decay,
        trainable=trainable,
    )


def fit(
    task: train.Task, params: Any, workdir: pathlib.Path, key: Any
) -> train.TrainResult:
    """Trains as the flags say; see `seqjax.train.fit`."""
    try:
        return train.fit(
            task,
            params,
            workdir,
            steps=FLAGS.steps,
            key=key,
            eval_every=FLAGS.eval_every,
            checkpoint_every=FLAGS.checkpoint_every,
            resume=FLAGS.resume,
            quiet=FLAGS.quiet,
            spread=FLAGS.spread,
        )
    except train.Interrupted as stop:
        raise train.Interrupted(
            f"{stop}; go on with --resume --workdir={workdir}"
        ) from None


def open_workdir(task: str, source: Source | None = None) -> pathlib.Path:
    """Makes the run's folder, with its flags.txt; call it once the data is sound.

    Args:
      task: the experiment's name.
      source: the data; a run that is resumed must find the same.
    """
    digest = hashlib.sha256(repr(source).encode()).hexdigest() + "\n"
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    workdir = pathlib.Path(FLAGS.workdir or f"runs/{task}-{stamp}")
    if not FLAGS.resume and (workdir / "flags.txt").exists():
        raise UsageError(
            f"--workdir: {workdir} holds a run already; go on with it by --resume, or "
            f"name another folder"
        )
    try:
        (workdir / "figures").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--workdir: {error}") from None
    stored = workdir / "data.sha256"
    if FLAGS.resume and stored.exists() and stored.read_text() != digest:
        raise UsageError(
            f"--resume: the run in {workdir} was begun with other data, or another "
            f"version of it"
        )
    if source is not None:
        write_text(stored, digest)
    lines = sorted(
        flag.serialize()
        for flag in FLAGS.get_key_flags_for_module(sys.argv[0])
        if flag.value is not None and flag.name not in ("resume", "workdir", "quiet")
    )
    write_text(workdir / "flags.txt", "\n".join(lines) + "\n")
    return workdir


def say(*lines: str) -> None:
    """Prints lines unless --quiet."""
    if not FLAGS.quiet:
        print(*lines, sep="\n", flush=True)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def finish(
    workdir: pathlib.Path, result: train.Fitted | None = None, **result: Any
) -> None:
    """Writes result.json and prints it as the last line.

    Args:
      workdir: the run's folder.
      result: what was trained, whose steps and speed are added.
      **result: task, data, cell, metric, score, baseline and what else there is.
    """
    if result is not None:
        result |= {
            "steps": FLAGS.steps,
            "best_step": result.step,
            "seconds": round(result.seconds, 2),
            "tokens_per_second": round(result.tokens_per_second),
        }
    line = json.dumps(result)
    write_text(workdir / "result.json", line + "\n")
    print(line, flush=True)


def _given() -> dict[str, flags.Flag]:
    """The flags of the command line."""
    return {name: FLAGS[name] for name in FLAGS if FLAGS[name].present}


def _refuse_unused() -> None:
    """Refuses a shared flag that this experiment did not adopt."""
    used = {flag.name for flag in FLAGS.get_key_flags_for_module(sys.argv[0])}
    for flag in FLAGS.get_flags_for_module(__name__):
        if flag.present and flag.name not in used:
            raise UsageError(f"--{flag.name}: this experiment has no use for it")


def _parse(argv: list[str]) -> list[str]:
    try:
        rest = FLAGS(argv)
        _refuse_unused()
        if FLAGS.resume:
            begun = pathlib.Path(FLAGS.workdir or "") / "flags.txt"
            if not FLAGS.workdir or not begun.exists():
                raise UsageError("--resume: needs a --workdir that holds a run")
            given = {name: flag.value for name, flag in _given().items()}
            FLAGS.unparse_flags()
            rest = FLAGS([argv[0], f"--flagfile={begun}"])
            for name, value in given.items():
                if name not in CHANGEABLE and FLAGS[name].value != value:
                    raise UsageError(
                        f"--{name}: the run in {FLAGS.workdir or begun.parent} was "
                        f"begun with {FLAGS[name].value}, and goes on with it"
                    )
            FLAGS.unparse_flags()
            rest = FLAGS([argv[0], f"--flagfile={begun}", *argv[1:]])
        if FLAGS.data and FLAGS.dataset:
            raise UsageError("--data: a file of your own takes the place of --dataset")
        if "warmup" in FLAGS.schedule and FLAGS.warmup >= FLAGS.steps:
            raise UsageError(
                f"--warmup: {FLAGS.warmup} steps of warm-up leave none of --steps="
                f"{FLAGS.steps}"
            )
        if len(rest) > 1:
            raise UsageError(f"{rest[1]!r} is not a flag; flags begin with --")
        return rest
    except (flags.Error, UsageError) as error:
        _stop(str(error).replace("\n", " "), 2)


def _guarded(main: Callable[[list[str]], None], argv: list[str]) -> None:
    logging.set_verbosity(logging.WARNING)
    try:
        main(argv)
    except UsageError as error:
        _stop(str(error), 2)
    except (DataError, train.CheckpointError, train.NonFinite) as error:
        _stop(str(error), 1)
    except train.Interrupted as error:
        _stop(f"interrupted by {error}", 130)
    except KeyboardInterrupt:
        _stop("interrupted before there was anything to save", 130)


def _stop(sentence: str, code: int) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(code)
