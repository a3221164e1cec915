"""What a trained model is asked for: solos in files, and how one is drawn."""

from typing import Any

from experiments.jazz.course import step_by_step
from experiments.jazz.perform import perform
from experiments.shared.errors import UsageError
from experiments.shared.run import load_model
from seqjax import predict
from seqjax.data.events import parse_event


def asked(options: Any, jazz: predict.SoloPredictor) -> dict[str, Any]:
    """How the flags ask to play, as arguments of `SoloPredictor.sample`.

    Raises:
      UsageError: it cannot be played; names the flag.
    """
    if options.genre is not None and options.genre not in jazz.genres:
        raise UsageError(f"--genre: {options.genre!r} is none of {jazz.genres}")
    how = {"genre": options.genre, "progression": options.progression}
    for flag in ("progression", "begin"):
        try:
            if flag == "begin":
                how["begin"] = [parse_event(e) for e in options.begin.split()]
            jazz.plan(**how, seed=options.seed)
        except ValueError as error:
            raise UsageError(f"--{flag}: {error}") from None
    decoding = {"temperature": options.temperature, "top_p": options.top_p}
    return {**how, **decoding, "count": options.samples, "seed": options.seed}


def sample(options: Any) -> None:
    """Plays solos by the model in --workdir, and prints what it wrote."""
    jazz = load_model(options.workdir, predict.SoloPredictor)
    for i, solo in enumerate(jazz.sample(**asked(options, jazz)), 1):
        name = f"{solo.genre}_{options.seed}_{i}"
        paths = perform(options.workdir, name, solo, options.tempo, options.swing)
        print(f"{solo.genre}: {solo.progression}", *solo.events)
        print(*paths, sep="\n")


def steps(options: Any) -> None:
    """Prints how the model in --workdir draws a solo."""
    jazz = load_model(options.workdir, predict.SoloPredictor)
    solo, *_ = jazz.sample(**asked(options, jazz))
    print(f"{solo.genre}: {solo.progression}", step_by_step(jazz, solo), sep="\n")
