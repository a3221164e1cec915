"""One run of an experiment: its folder, its training, its files, its result."""

import dataclasses
import json
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax

from experiments.shared import fitting, several
from experiments.shared.begun import NAME, refuse_other_model, sealed_text
from experiments.shared.errors import UsageError
from experiments.shared.folders import (
    check_folder,
    data_digest,
    open_folder,
    run_folder,
)
from experiments.shared.verifying import sealed_by_sums, write_sums
from seqjax import figures, predict, train
from seqjax.data import Batches, Source
from seqjax.data.writing import make_folder, write_text
from seqjax.train import processes

P = TypeVar("P")


@dataclasses.dataclass(frozen=True)
class Run:
    """What all experiments do alike.

    Attributes:
      task: the experiment's name.
      options: the values of its flags.
      folder: where everything is written.
      source: its data.
      parameters: how many numbers its model has.
      flags: the text of its flags.txt, which its checkpoints keep too.
      began: when, in seconds of a monotonic clock.
    """

    task: str
    options: Any
    folder: pathlib.Path
    source: Source | None = None
    parameters: int = 0
    flags: str = ""
    began: float = 0.0

    @classmethod
    def begin(
        cls,
        task: str,
        options: Any,
        source: Source | None = None,
        variables: Any = None,
        *facts: str,
    ) -> "Run":
        """Opens the folder and says what is about to happen; nothing is written before.

        Args:
          task: the experiment's name.
          options: the values of its flags.
          source: the data; a run that is resumed must find the same.
          variables: of the model.
          *facts: about the data, such as "1056 names to learn from".

        Raises:
          UsageError: the folder holds another run, or one that cannot go on like this.
        """
        folder = run_folder(options, task)
        digest = data_digest(source)
        if not processes.alike(digest):
            raise UsageError("--coordinator: the processes have different data")
        check_folder(folder, options, digest)
        fitting.check(variables, options)
        open_folder(folder)
        make_folder(folder / "figures")
        size = sum(leaf.size for leaf in jax.tree.leaves(variables))
        flags = sealed_text(options.flagfile_text, digest)
        run = cls(task, options, folder, source, size, flags, time.monotonic())
        run.write(NAME, flags)
        if source is not None:
            run.say(f"data: {', '.join([source.name, *facts])}")
        if size:
            run.say(f"model: {options.cell}, {size:,} parameters")
        return run

    def within(self, name: str) -> "Run":
        """A part of the run, in a folder of its own."""
        return dataclasses.replace(self, folder=self.folder / name)

    @property
    def key(self) -> jax.Array:
        """The random key of the run."""
        return jax.random.key(self.options.seed)

    def say(self, *lines: str) -> None:
        """Prints lines unless --quiet."""
        if not self.options.quiet:
            print(*lines, sep="\n", flush=True)

    def batches(self, examples: Sequence[Any]) -> Batches:
        """Batches to learn from, as --batch_size, --seed and --buckets say."""
        o = self.options
        return Batches(examples, o.batch_size, o.seed, o.buckets)

    def fit(
        self,
        model: Any,
        variables: Any,
        data: Any,
        loss: Callable[..., Any],
        evaluate: Callable[[Any], dict[str, float]],
        *,
        unit: str,
        **task: Any,
    ) -> train.TrainResult:
        """Trains what the model marks as trainable, as the flags say.

        Args:
          model: has `trainable`.
          variables: to begin with.
          data: the batches.
          loss: as in `seqjax.train.Task`.
          evaluate: as there.
          unit: of the loss.
          **task: further fields of `seqjax.train.Task`.
        """
        marks, o = model.trainable(variables), self.options
        config = train.TrainConfig(
            o.steps,
            eval_every=o.eval_every,
            checkpoint_every=o.checkpoint_every,
            average=o.average,
            spread=o.spread,
            mesh=several.mesh_size(o.mesh),
            skip_nonfinite=o.skip_nonfinite,
        )
        optimizer = optimizer_of(o, marks)
        what = train.Task(loss, evaluate, data, optimizer, marks, unit=unit, **task)
        modes = {"resume": o.resume, "quiet": o.quiet, "about": {"flags": self.flags}}
        try:
            return train.fit(what, variables, self.folder, self.key, config, **modes)
        except train.Interrupted as stop:
            raise train.Interrupted(
                f"{stop}; go on with --resume --workdir={self.folder}", stop.name
            ) from None

    def save(self, predictor: Any) -> None:
        """Writes the trained model, which `seqjax.load` asks from Python."""
        predict.save(self.folder, predictor, {"flags": self.flags})

    def write(self, name: str, text: str) -> None:
        """Writes a file of the folder whole or not at all."""
        write_text(self.folder / name, text)

    def figure(self, draw: Callable[..., Any], name: str, *args: Any, **more: Any):
        """Draws into a PNG of the folder, by a function of `seqjax.figures`."""
        draw(self.folder / "figures" / f"{name}.png", *args, **more)

    def learning_curves(
        self, result: train.TrainResult, *panels: "figures.Panel"
    ) -> None:
        """Draws the losses and scores over the steps, and the gradients' norms."""
        title = f"{self.task}: {self.options.cell}"
        best = result.step
        history = result.history
        self.figure(
            figures.learning_curve, "loss", history, panels, title=title, best_step=best
        )
        clip = self.options.clip_norm
        self.figure(figures.gradient_norms, "gradient_norm", history, clip, title=title)

    def finish(
        self, result: train.TrainResult | None = None, **numbers: Any
    ) -> dict[str, Any]:
        """Writes result.json and prints it as the last line.

        Args:
          result: of the training, whose steps and speed are added. If it ran no step,
            the run's earlier result stays, if it is sound.
          **numbers: metric, score, baseline and what else there is.

        Returns:
          What was printed.
        """
        numbers = {
            "task": self.task,
            "data": self.source.name if self.source else "",
            "cell": getattr(self.options, "cell", ""),
            **numbers,
        }
        if self.parameters:
            numbers["parameters"] = self.parameters
        if result is None:
            numbers.setdefault("steps", 0)
            numbers["seconds"] = round(time.monotonic() - self.began, 2)
        else:
            numbers |= _speed(result, self.options.steps)
        path = self.folder / "result.json"
        if result is not None and not result.steps_run and sealed_by_sums(path):
            earlier = json.loads(path.read_text("utf-8"))
            numbers = earlier if earlier["steps"] == self.options.steps else numbers
        self.say(f"the run's folder, with its figures: {self.folder}")
        line = json.dumps(numbers)
        write_text(path, line + "\n")
        write_sums(self.folder)
        print(line, flush=True)
        return numbers


def split_seed(options: Any) -> int:
    """The seed of the split into parts: --split_seed, or else --seed."""
    return options.seed if options.split_seed is None else options.split_seed


def load_model(workdir: str | None, kind: type[P]) -> P:
    """The trained model in --workdir.

    Raises:
      UsageError: no folder is named.
      DataError: it holds no such model, or that of another run.
    """
    if not workdir:
        raise UsageError("--workdir: name the folder of a trained model")
    predictor = predict.load(workdir, kind)
    refuse_other_model(pathlib.Path(workdir))
    return predictor


def optimizer_of(options: Any, trainable: Any) -> Any:
    """Makes the optimiser that the flags ask for, moving what `trainable` marks."""
    o = options
    return train.make_optimizer(
        o.optimizer,
        o.learning_rate,
        schedule=o.schedule,
        times=train.Times(o.steps, o.warmup, o.hold, o.halve_every),
        clip_norm=o.clip_norm,
        clip_value=o.clip_value,
        weight_decay=o.weight_decay,
        trainable=trainable,
    )


def _speed(result: train.TrainResult, steps: int) -> dict[str, Any]:
    last = result.history[-1] if result.history else {}
    skipped = {"skipped": last["skipped"]} if "skipped" in last else {}
    return {
        "steps": steps,
        "best_step": result.step,
        "seconds": round(result.seconds, 2),
        "tokens_per_second": round(result.tokens_per_second),
    } | skipped
