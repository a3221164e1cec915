"""A student's file as a whole: not written yet, odd, or bad, in one sentence."""

import inspect
import sys

import pytest
from processes import ROOT, run

from experiments.step_by_step import template
from experiments.step_by_step.yours.check import check, verdicts
from experiments.step_by_step.yours.course import FUNCTIONS
from experiments.step_by_step.yours.student import load
from seqjax.data import DataError

RIGHT_FILE = (ROOT / "tests" / "student.py").read_text("utf-8")


def written(folder, text):
    path = folder / "mine.py"
    path.write_text(text, "utf-8")
    return str(path)


def test_the_template_has_all_functions_to_be_written(tmp_path):
    path = template.__file__
    assert {v.state for v in verdicts(load(path), 0).values()} == {"not written yet"}
    for name, function in FUNCTIONS.items():
        parameters = inspect.signature(getattr(template, name)).parameters
        assert list(parameters) == function.arguments
    report, sentence = check(path, 0)
    assert not sentence and len([r for r in report if "not written yet" in r]) == 8

    begun = (ROOT / path).read_text("utf-8").split("\ndef rnn_forward")
    own = RIGHT_FILE.split("def rnn_forward")[1].split("\n\n\n")[0]
    rest = begun[1].split("\n\n\n", 1)[1]
    text = f"import numpy as np\n{begun[0]}\ndef rnn_forward{own}\n\n\n{rest}"
    found = verdicts(load(written(tmp_path, text)), 0)
    states = [verdict.state for verdict in found.values()]
    assert states == ["not written yet", "right", *["not written yet"] * 6]


def test_a_cache_in_the_wrong_order_is_named(tmp_path):
    wrong = RIGHT_FILE.replace("(a_next, a_prev, xt", "(a_prev, a_next, xt")
    found = verdicts(load(written(tmp_path, wrong)), 0)
    assert found["rnn_cell_forward"].state == "right"
    assert found["rnn_cell_backward"].term == "cache"
    assert "not with that of rnn_cell_forward" in found["rnn_cell_backward"].lines[0]


def test_a_function_that_changes_its_arguments_fools_nobody(tmp_path):
    head = "    a_next, a_prev, xt, parameters = cache\n"
    text = RIGHT_FILE.replace(head, f"{head}    da_next *= 2\n")
    found = verdicts(load(written(tmp_path, text)), 0)
    assert found["rnn_cell_backward"].state == "wrong"
    assert sys.getprofile() is None


CELL = "def rnn_cell_backward(da_next, cache):\n    "
BAD_FUNCTIONS = {
    "return 1 / 0": ("line 2: rnn_cell_backward", "ZeroDivisionError"),
    "raise SystemExit": ("line 2: rnn_cell_backward", "SystemExit"),
    "return da_next @ cache[1]": (
        "line 2: rnn_cell_backward(da_next, cache)",
        "matmul",
    ),
    "return da_next": ("rnn_cell_backward returns a ndarray", "dictionary"),
    "return {'dxt': da_next}": ("returns no da_prev, dWax", "it returns dxt"),
    "return dict(dxt=1, da_prev=2, dWax=None, dWaa=3, dba=4)": ("None as dWax",),
    "return dict(dxt=1, da_prev=2, dWax='x', dWaa=3, dba=4)": ("a str as dWax",),
    "return dict(dxt=1j, da_prev=2, dWax=0, dWaa=3, dba=4)": (
        "complex numbers as dxt",
    ),
    "return dict(dxt=1, da_prev=2, dWax=0, dWaa=3, dba=4)": (
        *("dxt is of shape ()", "(3, 4)"),
    ),
    "return dict.fromkeys('dxt da_prev dWax dWaa dba'.split(), da_next[:3] * np.nan)": (
        *("dxt has NaN or infinity in 12", "12 entries"),
    ),
}


@pytest.mark.parametrize("body", BAD_FUNCTIONS)
def test_a_bad_function_is_one_sentence(body, tmp_path):
    path = written(tmp_path, CELL + body)
    verdict = verdicts(load(path), 0)["rnn_cell_backward"]
    assert verdict.state in ("failed", "wrong")
    for word in BAD_FUNCTIONS[body]:
        assert word in " ".join(verdict.lines)
    report, sentence = check(path, 0)
    assert sentence.startswith(f"{path}: 1 of 1 functions wrong: ")
    assert "rnn_cell_backward" in sentence
    assert len([line for line in report if line.endswith("not in the file")]) == 7


def test_too_few_values_are_counted(tmp_path):
    path = written(
        tmp_path, "def rnn_cell_forward(xt, a_prev, parameters):\n  return 1, 2"
    )
    (line,) = verdicts(load(path), 0)["rnn_cell_forward"].lines
    assert line.endswith("returns 2 values, and not 3: a_next, yt_pred, cache")


BAD_FILES = {
    "def rnn(:": ("mine.py, line 1", "SyntaxError"),
    "import no_such_module": ("mine.py, line 1", "no_such_module"),
    "\nprint(x)": ("mine.py, line 2", "NameError"),
    "exit(3)": ("mine.py, line 1", "SystemExit"),
    "rnn_forward = 3": ("none of the functions", "template.py"),
    None: ("mine.py", "No such file"),
}


@pytest.mark.parametrize("text", BAD_FILES)
def test_a_bad_file_is_one_sentence(text, tmp_path):
    if text is not None:
        written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        check(str(tmp_path / "mine.py"), 0)
    assert len(str(caught.value).splitlines()) == 1
    for word in BAD_FILES[text]:
        assert word in str(caught.value)


def test_a_file_may_import_what_lies_beside_it_and_the_assignments_helpers(tmp_path):
    (tmp_path / "beside_mine.py").write_text("half = 0.5")
    head = "from rnn_utils import *\nfrom beside_mine import half\nsoftmax, sigmoid\n"
    assert load(written(tmp_path, head)).names["half"] == 0.5
    assert not check(
        written(tmp_path, f"from __future__ import division\n{RIGHT_FILE}"), 0
    )[1]


def test_the_command_line_says_it_all(tmp_path):
    flags = ["--yours=mine.py"]
    path = written(tmp_path, RIGHT_FILE.replace("(1 - a_next**2) *", ""))
    code, out, err = run("step_by_step", *flags, cwd=tmp_path)
    assert code == 1 and "wrong: dtanh" in out and "rnn_backward        right" in out
    assert err.splitlines() == [
        "error: mine.py: 1 of 8 functions wrong: rnn_cell_backward (dtanh)"
    ]
    (tmp_path / "mine.py").write_text(RIGHT_FILE)
    code, out, err = run("step_by_step", *flags, cwd=tmp_path)
    assert code == 0 and err == "" and out.count("right") == 8, err
    code, out, err = run("step_by_step", *flags, "--loss=sigmoid", cwd=tmp_path)
    assert code == 2 and "--loss" in err and len(err.splitlines()) == 1
    assert [str(p) for p in tmp_path.iterdir()] == [path]
