"""From a command line to an experiment: flags become options, errors one sentence."""

import functools
import pathlib
import re
import sys
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from absl import app, flags, logging

from experiments.shared import fitting, ranges, several
from experiments.shared import flags as shared
from experiments.shared.begun import begin, holds_run, read_flags
from experiments.shared.comparison import compare
from experiments.shared.errors import UsageError, one_sentence
from experiments.shared.folders import folder_name, open_for_several, run_folder
from experiments.shared.layers import stacked
from seqjax import train

FLAGS = flags.FLAGS
# What flags.txt leaves out, for the same run may go on elsewhere and otherwise.
NOT_OF_THE_RUN = frozenset(
    ("resume", "workdir", "quiet", "compilation_cache", *several.FLAGS)
)


class Options(types.SimpleNamespace):
    """The values of an experiment's flags, by their names.

    Attributes:
      flagfile_text: the flags as lines of a flagfile, to repeat the run by.
    """


Main = Callable[[Any], Any]


def run(
    main: Main,
    *,
    uses: Mapping[str, str] = types.MappingProxyType({}),
    together: Callable[..., None] = compare,
    **modes: Main,
) -> NoReturn:
    """Parses the flags, calls what --mode asks for; bad input ends in one sentence.

    Exit codes: 0 done, 1 bad data or a run that failed, 2 bad flags; 129, 130 and 143
    ended by SIGHUP, SIGINT and SIGTERM; 141 what is printed was no longer read.

    Args:
      main: called with the `Options` where there is no --mode, or it is train.
      uses: for each other mode, the flags that it reads, parted by spaces; all others
        are refused.
      together: called after several cells of --cell were trained, or --seeds, with the
        options, the folder that holds theirs, and their results by name.
      **modes: what each other --mode calls.
    """
    train.use_every_core()
    warnings.formatwarning = _one_line

    def call(argv: list[str]) -> None:
        del argv
        logging.set_verbosity(logging.WARNING)
        with several.joined(FLAGS, read_options().flagfile_text):
            if "compilation_cache" in _own():
                train.use_compilation_cache(FLAGS.compilation_cache)
            mode = FLAGS.mode if "mode" in FLAGS else "train"
            if mode != "train":
                _refuse_ignored(mode, uses[mode].split())
                modes[mode](read_options())
                return
            fitting.check_batch(read_options())
            if sum(map(len, variants := _variants())) > 1:
                _each(main, variants, together)
            else:
                main(read_options())

    app.run(call, flags_parser=_parse)
    raise SystemExit


def _one_line(message: Warning | str, *_: Any, **__: Any) -> str:
    """What a warning looks like on standard error, without where it comes from."""
    return f"warning: {message}\n"


def read_options() -> Options:
    """The values that the flags have now."""
    own = sorted(FLAGS.get_key_flags_for_module(sys.argv[0]), key=lambda f: f.name)
    kept = (
        flag.serialize()
        for flag in own
        if flag.value is not None and flag.name not in NOT_OF_THE_RUN
    )
    text = "".join(f"{line}\n" for line in sorted(kept))
    return Options(**{flag.name: flag.value for flag in own}, flagfile_text=text)


def split_cells(text: str | None) -> list[str]:
    """Splits --cell at the commas that stand outside of brackets.

    Example:
      >>> split_cells("gru(kernel_init=He(), chrono=9),elman")
      ['gru(kernel_init=He(), chrono=9)', 'elman']
    """
    inside = r"[^()]*(?:\([^()]*\)[^()]*)*\)"  # what follows, up to a bracket's end
    return re.split(rf",\s*(?!{inside})", text) if text else []


def _variants() -> list[dict[str, dict[str, Any]]]:
    """The flags of each training by its name: for each cell of --cell, its seeds."""
    own = _own()
    cells = split_cells(FLAGS.cell) if "cell" in own else [""]
    count = FLAGS.seeds if "seeds" in own else 1
    seeds = range(FLAGS.seed, FLAGS.seed + count)

    def named(cell, seed):
        parts = [cell] * (len(cells) > 1) + [f"seed {seed}"] * (count > 1)
        changed = {"cell": cell} if len(cells) > 1 else {}
        return ", ".join(parts), changed | (
            {"seed": seed, "seeds": 1} if count > 1 else {}
        )

    return [dict(named(cell, seed) for seed in seeds) for cell in cells]


def _each(
    main: Main,
    variants: list[dict[str, dict[str, Any]]],
    together: Callable[..., None],
) -> None:
    """Trains each variant in a folder of its own, then compares.

    The seeds of a cell are trained in lockstep; the first speaks for all.
    """
    whole = read_options()
    _check_cells(whole)
    names = [folder_name(name) for seeds in variants for name in seeds]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"--cell: two of them would share the folder {min(twice)}")
    folder = run_folder(whole, pathlib.Path(sys.argv[0]).parent.name)
    new = not folder.exists()
    open_for_several(folder, names, whole)
    results = {}
    with begin(folder, whole.flagfile_text, new):
        for seeds in variants:
            if not whole.quiet:
                print(f"{_range(list(seeds))}:", flush=True)
            each = [
                _options_of(folder, name, changed, whole, quiet=whole.quiet or i > 0)
                for i, (name, changed) in enumerate(seeds.items())
            ]
            calls = [functools.partial(main, options) for options in each]
            try:
                results |= zip(seeds, train.in_lockstep(calls), strict=True)
            except train.Interrupted as error:
                reason = str(error).split(";")[0]
                raise train.Interrupted(
                    f"{reason} of {_range(list(seeds))}; go on with --resume "
                    f"--workdir={folder}",
                    error.name,
                ) from None
    if all(results.values()):
        together(whole, folder, results)


def _check_cells(options: Options) -> None:
    """Refuses a cell that cannot be before another one is trained."""
    if not getattr(options, "parameters", 1):  # which else choose the features
        for cell in split_cells(options.cell):
            stacked(cell, options.features)


def _options_of(
    folder: pathlib.Path,
    name: str,
    changed: dict[str, Any],
    whole: Options,
    quiet: bool,
) -> Options:
    """The values of the flags for one of several trainings."""
    own = folder / folder_name(name)
    resume = _resumes(whole) and holds_run(own)
    values = {**changed, "workdir": str(own), "resume": resume, "quiet": quiet}
    for flag, value in values.items():
        setattr(FLAGS, flag, value)
    return read_options()


def _resumes(options: Options) -> bool:
    """Whether --resume is given, where an experiment has it."""
    return getattr(options, "resume", False)


def _range(names: list[str]) -> str:
    """Names that differ at their end alone, as in "lstm, seed 0 … seed 4"."""
    return " … ".join([names[0], *names[1:][-1:]]) if names[0] else ""


def _refuse_ignored(mode: str, used: Sequence[str]) -> None:
    always = {"mode", "flagfile", "workdir", "quiet", "compilation_cache", *used}
    for name in _given():
        if name not in always and name in _own():
            raise UsageError(f"--{name}: --mode={mode} has no use for it")


def _given() -> dict[str, flags.Flag]:
    """The flags of the command line."""
    return {name: FLAGS[name] for name in FLAGS if FLAGS[name].present}


def _own() -> set[str]:
    """The names of the flags that this experiment has."""
    return {flag.name for flag in FLAGS.get_key_flags_for_module(sys.argv[0])}


def _refuse_foreign() -> None:
    """Refuses a shared flag that this experiment did not adopt."""
    for flag in FLAGS.get_flags_for_module(shared.__name__):
        if flag.present and flag.name not in _own():
            raise UsageError(f"--{flag.name}: this experiment has no use for it")


def _parse(argv: list[str]) -> list[str]:
    with one_sentence():
        rest = FLAGS(argv)
        _refuse_foreign()
        if "resume" in _own() and FLAGS.resume:
            rest = _parse_resumed(argv)
        ranges.check(FLAGS.get_key_flags_for_module(sys.argv[0]))
        if FLAGS.data and FLAGS.dataset:
            raise UsageError("--data: a file of your own takes the place of --dataset")
        if "warmup" in FLAGS.schedule and FLAGS.warmup >= FLAGS.steps:
            raise UsageError(
                f"--warmup: {FLAGS.warmup} steps of warm-up leave none of --steps="
                f"{FLAGS.steps}"
            )
        if len(rest) > 1:
            raise UsageError(f"{rest[1]!r} is not a flag; flags begin with --")
        _refuse_line_breaks()
        return rest


def _refuse_line_breaks() -> None:
    """Refuses to train with a value that flags.txt, a flag a line, cannot hold."""
    if "mode" in FLAGS and FLAGS.mode != "train":
        return
    for name, flag in _given().items():
        if flag.value is not None and {"\n", "\r"} & set(str(flag.value)):
            raise UsageError(f"--{name}: a line break, which flags.txt cannot hold")


def _parse_resumed(argv: list[str]) -> list[str]:
    """Takes the flags of the run, and of those given now what may change."""
    if not FLAGS.workdir:
        raise UsageError("--resume: needs a --workdir that holds a run")
    folder = pathlib.Path(FLAGS.workdir)
    begun = read_flags(folder).lines
    given = {name: flag.value for name, flag in _given().items()}
    FLAGS.unparse_flags()
    FLAGS([argv[0], *begun])
    for name, value in given.items():
        if name not in shared.CHANGEABLE and FLAGS[name].value != value:
            raise UsageError(
                f"--{name}: the run in {folder} was begun with {FLAGS[name].value}, "
                f"and goes on with it"
            )
    FLAGS.unparse_flags()
    return FLAGS([argv[0], *begun, *argv[1:]])
