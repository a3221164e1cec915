"""Gives every flag of every experiment values to refuse; prints which it took.

It is run as a process of its own, for an experiment's flags are global.
"""

import contextlib
import importlib
import io
import json
import os
import pathlib
import sys
import tempfile

from absl import flags

from experiments.shared import cli

FLAGS = flags.FLAGS
ROOT = pathlib.Path(__file__).parents[1]
ODD = ["nan", "-nan", "inf", "-inf", "1e999", "", "x"]
HUGE = [2**70, 10**30, -(10**30), 2**63, 2**31, "9" * 5000]


def bad_values(flag: flags.Flag) -> list[str]:
    """Values that a flag must refuse, by its declared type and bounds."""
    parser, kind = flag.parser, type(flag.parser).__name__
    if kind == "BooleanParser":
        return ["maybe", "nan", "2"]
    if kind == "EnumParser":
        return ["no such choice", "nan"]
    if kind in ("FloatParser", "IntegerParser"):
        low, high = parser.lower_bound, parser.upper_bound
        edges = [] if low is None else [low - 1, -(10**30)]
        edges += [] if high is None else [high + 1, 10**30]
        odd = [*HUGE, "1.5"] if kind == "IntegerParser" else ["1e39", "-1e39", "1e400"]
        return list(map(str, [*ODD, *edges, *odd]))
    texts = ["\udcff", "a\0b"]
    if kind == "ListParser":
        is_numbers = flag.default and not any(c.isalpha() for c in flag.default[0][:1])
        return texts + (
            ["nan", "1,inf", "1e999,2", "2,x", "0.1,1_0"] if is_numbers else []
        )
    return texts


def refuses(argv: list[str], name: str) -> str:
    """Why a command line is not refused as it should be; nothing if it is."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            cli._parse(argv)
        return "is taken"
    except SystemExit as stop:
        sentence = said.getvalue()
        if stop.code != 2 or sentence.count("\n") != 1:
            return f"exit code {stop.code}: {sentence[:200]}"
        return "" if f"--{name}" in sentence else f"names no flag: {sentence[:200]}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"


def law(experiment: str) -> dict:
    """What the flags of an experiment took, of what they must refuse."""
    module = f"experiments.{experiment}.__main__"
    sys.argv = [module]
    importlib.import_module(module)
    found, tried = {}, 0
    with contextlib.redirect_stderr(io.StringIO()):
        cli._parse([module])
    own = FLAGS.get_key_flags_for_module(module)
    for flag in own:
        for value in bad_values(flag):
            FLAGS.unparse_flags()
            tried += 1
            if reason := refuses([module, f"--{flag.name}={value}"], flag.name):
                found[f"--{flag.name}={value[:40]}"] = reason
            flag.unparse()
            flag.value = flag.default
            flag.present = 0
    return {"flags": len(own), "tried": tried, "taken": found}


def in_a_fork(experiment: str) -> dict:
    """The same in a process that ends with it, for two may define one flag."""
    with tempfile.TemporaryFile("w+") as file:
        if not (child := os.fork()):
            json.dump(law(experiment), file)
            file.flush()
            os._exit(0)
        os.waitpid(child, 0)
        file.seek(0)
        return json.load(file)


if __name__ == "__main__":
    scripts = sorted(ROOT.glob("experiments/*/__main__.py"))
    names = [
        path.parent.name for path in scripts if "cli.run(" in path.read_text("utf-8")
    ]
    print(json.dumps({name: in_a_fork(name) for name in names}, ensure_ascii=True))
