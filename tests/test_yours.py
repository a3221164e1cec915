"""A student's own functions: each wrong line that is planted in a file is named."""

import pytest
from processes import ROOT

from experiments.step_by_step.yours.check import check, examples, verdicts
from experiments.step_by_step.yours.course import FUNCTIONS
from experiments.step_by_step.yours.equations import as_course, with_mistake
from experiments.step_by_step.yours.judge import judge
from experiments.step_by_step.yours.mistakes import MISTAKES
from experiments.step_by_step.yours.student import Student, load

RIGHT_FILE = (ROOT / "tests" / "student.py").read_text("utf-8")

# By the function: a right line, a wrong one, the first wrong term, the mistake.
PLANTED = {
    "rnn_cell_forward": [
        (" + ba)", ")", "a_next", "ba is left out"),
        ("Waa @ a_prev", "Waa.T @ a_prev", "a_next", "Waa is transposed"),
        ("np.tanh(", "sigmoid(", "a_next", "σ stands in the place of tanh"),
        ("softmax(", "sigmoid(", "yt_pred", "σ stands in the place of softmax"),
        ("@ a_next", "@ a_prev", "yt_pred", "a_prev stands in the place of a_next"),
        ("np.tanh(", "np.sin(", "a_next", None),
    ],
    "rnn_forward": [
        ("t], a_next,", "t], a0,", "a", "a_next does not become the a_prev"),
        (
            *("in range(x.shape[2]):", "in reversed(range(x.shape[2])):"),
            *("a", None),  # stacked the other way round as well
        ),
        ("np.stack(y, 2)", "np.stack(y, 2) / 2", "y_pred", None),
    ],
    "rnn_cell_backward": [
        ("(1 - a_next**2) * da_next", "da_next", "dtanh", "(1 − a_next²) is left out"),
        ("(1 - a_next**2) * da_next", "1 - a_next**2", "dtanh", "da_next is left out"),
        ("a_next**2", "a_next", "dtanh", "a_next stands in the place of its square"),
        ("a_next**2", "np.tanh(a_next) ** 2", "dtanh", "a tanh already"),
        ('"Waa"].T', '"Waa"]', "da_prev", "Waa is not transposed"),
        ("a_prev.T", "a_next.T", "dWaa", "a_next stands in the place of a_prev"),
        ("dtanh @ a_prev.T", "a_prev @ dtanh.T", "dWaa", "the wrong way round"),
        ("dtanh @ xt.T", "xt @ dtanh.T", "dWax", "the wrong way round"),
        ("dtanh @ xt.T", "dtanh @ xt.T / xt.shape[1]", "dWax", "divided by m"),
        ("np.sum(dtanh, axis=1, keepdims=True)", "dtanh", "dba", "is not summed over"),
        (", keepdims=True", "", "dba", "keepdims=True is left out"),
        ("axis=1", "axis=0", "dba", "the sum runs over the units"),
        ("np.sum", "np.mean", "dba", "the mean over the batch"),
        ('"Waa"].T', '"Waa"].T * 1.01', "da_prev", None),
        ("a_next**2", "a_next**3", "dtanh", None),
        ("np.sum(dtanh,", "np.sum(da_next,", "dba", None),
    ],
    "rnn_backward": [
        ("t] + da_next", "t]", "dx", "da_next is left out"),
        ("da[:, :, t] + da_next", "da_next", "dx", "da[:, :, t] is left out"),
        (
            "in reversed(range(x.shape[2]))",
            "in range(x.shape[2])",
            "dx",
            "the loop runs",
        ),
        (
            *("sums.get(name, 0) + back[name]", "back[name]"),
            *("dWax", "= stands in the place of +="),
        ),
        (
            *("sums.get(name, 0) + back[name]", "sums.get(name, back[name])"),
            *("dWax", "only the last time step counts"),
        ),
        (
            *("+ back[name]", "+ back[name] / x.shape[2]"),
            *("dWax", "the mean over time"),
        ),
        ("range(x.shape[2])", "range(1, x.shape[2])", "dx", "before the first step"),
        ("dx[:, :, t]", "_", "dx", "it stays zero"),
        ('"da0": da_next', '"da0": 0 * da_next', "da0", "it stays zero"),
        ('"da0": da_next', '"da0": da_next + 1', "da0", None),
    ],
    "lstm_cell_forward": [
        ("[a_prev, xt]", "[xt, a_prev]", "concat", "[a, x] is stacked the wrong way"),
        ('"Wf"] @ concat + p["bf"]', '"Wi"] @ concat + p["bi"]', "ft", "weights of it"),
        (' + p["bi"]', "", "it", "bi is left out"),
        ("cct = np.tanh(", "cct = sigmoid(", "cct", "σ stands in the place of tanh"),
        ("ft * c_prev + it * cct", "it * c_prev + ft * cct", "c_next", "are swapped"),
        ("it * cct", "(1 - ft) * cct", "c_next", "1 − ft stands in the place of"),
        ("ot * np.tanh(c_next)", "ot * c_next", "a_next", "tanh is left out"),
        ("np.tanh(c_next)", "np.tanh(c_prev)", "a_next", "c_prev stands in the place"),
        ("ot = sigmoid(", "ot = np.cos(", "ot", None),
    ],
    "lstm_forward": [
        ("t], a_next, c", "t], a0, c", "c", "a_next does not become the a_prev"),
        ("c_next, p", "0 * c_next, p", "c", "c_next does not become the c_prev"),
        ("np.zeros_like(a0)", "a0", "c", "c begins with a0"),
    ],
    "lstm_cell_backward": [
        (
            "np.tanh(c_next) * ot * (1 - ot)",
            "np.tanh(c_next)",
            "dot",
            "ot ∗ (1 − ot) is",
        ),
        ("dc = dc_next + ", "dc = ", "dc", "dc_next is left out"),
        (
            *("dc_next + ot * (1 - np.tanh(c_next) ** 2) * da_next", "dc_next"),
            *("dc", "ot ∗ (1 − tanh²(c_next)) ∗ da_next is left out"),
        ),
        ("** 2) * da_next", "** 2)", "dc", "da_next is left out"),
        ("np.tanh(c_next) ** 2", "np.tanh(c_next)", "dc", "in the place of its square"),
        (" * (1 - cct**2)", "", "dcct", "(1 − cct²) is left out"),
        ("cct**2", "cct", "dcct", "cct stands in the place of its square"),
        (
            *("dcct = dc", "dcct = ot * (1 - np.tanh(c_next) ** 2) * da_next"),
            *("dcct", "in dc, dc_next is left out"),
        ),
        ("dc * cct * it", "dc * c_prev * it", "dit", "are swapped"),
        ("dc * c_prev", "dc * c_next", "dft", "c_next stands in the place of c_prev"),
        (" * ft * (1 - ft)", "", "dft", "ft ∗ (1 − ft) is left out"),
        ("ft * (1 - ft)", "ft", "dft", "(1 − ft) is left out"),
        ("[a_prev, xt]", "[xt, a_prev]", "concat", "[a, x] is stacked the wrong way"),
        ("np.sum(dit, axis=1, keepdims=True)", "dit", "dbi", "is not summed over"),
        (":n_a]", "xt.shape[0] :]", "da_prev", "[a, x] is sliced the wrong way round"),
        (":n_a]", "n_a:]", "da_prev", "the other part's columns"),
        ("n_a:]", ": xt.shape[0]]", "dxt", "[a, x] is sliced the wrong way round"),
        (" + Wo[:, :n_a].T @ dot", "", "da_prev", "Woᵀ dot is left out"),
        ("Wi[:, :n_a].T", "Wi[:, :n_a]", "da_prev", "Wi is not transposed"),
        (
            *("dcct = dc * it", "dcct = dc_next * it + (dc - dc_next) * it"),
            *("dcct", "the brackets round dc are left out"),
        ),
        ("dc * ft,", "dc * it,", "dc_prev", "it stands in the place of ft"),
        ("dft @ concat.T", "dft @ concat.T + 1", "dWf", None),
        ("dc * cct * it", "dc * cct * cct", "dit", None),
    ],
    "lstm_backward": [
        ("t] + da_next", "t]", "dx", "da_next is left out"),
        (", dc_next, s", ", 0 * dc_next, s", "dx", "dc_next is left out"),
        (
            "sums.get(name, 0) + back[name]",
            "back[name]",
            "dWf",
            "= stands in the place",
        ),
        (
            "in reversed(range(x.shape[2]))",
            "in range(x.shape[2])",
            "dx",
            "the loop runs",
        ),
    ],
}


def source(text, function):
    """The lines of one function."""
    start = text.index(f"def {function}(")
    return text[start : (text + "\n\n\ndef ").index("\n\n\ndef ", start)]


def written(folder, text):
    path = folder / "mine.py"
    path.write_text(text, "utf-8")
    return str(path)


def change(function, right, wrong):
    """The right file with a line of one function changed."""
    before = source(RIGHT_FILE, function)
    assert right in before, f"{function} has no {right}"
    return RIGHT_FILE.replace(before, before.replace(right, wrong))


CASES = [(function, *case) for function, cases in PLANTED.items() for case in cases]


@pytest.mark.parametrize("function, right, wrong, term, mistake", CASES)
def test_a_planted_mistake_is_named(function, right, wrong, term, mistake, tmp_path):
    """The term, the mistake if it is a classic one, and no other function's."""
    found = verdicts(load(written(tmp_path, change(function, right, wrong))), seed=3)
    state = {name: verdict.state for name, verdict in found.items()}
    assert state == {**dict.fromkeys(FUNCTIONS, "right"), function: "wrong"}
    text = " ".join(found[function].lines)
    assert found[function].term == term, text
    assert f"{term} = " in text and ("what comes out if" in text) == bool(mistake), text
    assert mistake is None or mistake in text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_mistake_of_the_table_is_told_from_the_others_by_its_numbers(name):
    """By what a function returns alone, since its variables may have any names."""
    function, arguments = FUNCTIONS[name], examples(4)[name]
    for mistake in MISTAKES[name]:
        terms = with_mistake(function.terms, mistake)
        wrong = as_course(function._replace(terms=terms))
        verdict = judge(
            Student("mine.py", {name: lambda *given, f=wrong: f(*given)}),
            arguments,
            function,
            arguments,
            MISTAKES[name],
        )
        assert verdict.state == "wrong"
        assert f"what comes out if {mistake.sentence}." in " ".join(verdict.lines)


def test_other_names_and_another_cache_are_as_good(tmp_path):
    """Variables may have any name, and a cache hold what it likes."""
    text = RIGHT_FILE.replace("dtanh", "q").replace("dft", "u")
    text = text.replace(
        "a_next, a_prev, xt, parameters)", "[xt, parameters], a_next, a_prev)"
    )
    text = text.replace(
        "a_next, a_prev, xt, parameters =", "(xt, parameters), a_next, a_prev ="
    )
    assert text.count("(xt, parameters), a_next") == 1
    report, sentence = check(written(tmp_path, text), 0)
    assert not sentence, report


def test_a_mistake_is_known_by_its_number_alone(tmp_path):
    text = change("rnn_cell_backward", "(1 - a_next**2) * da_next", "da_next")
    found = verdicts(load(written(tmp_path, text.replace("dtanh", "q"))), 0)
    assert found["rnn_cell_backward"].term == "dtanh"
    assert "(1 − a_next²) is left out" in " ".join(found["rnn_cell_backward"].lines)


def test_what_one_mistake_does_not_explain_is_said(tmp_path):
    text = change("rnn_cell_backward", "axis=1, ", "")
    text = text.replace("dtanh @ xt.T", "dtanh @ xt.T / 4")
    lines = verdicts(load(written(tmp_path, text)), 0)["rnn_cell_backward"].lines
    assert "divided by m" in " ".join(lines) and "does not explain dba" in lines[-1]


def test_a_gates_derivative_may_be_taken_before_its_activation(tmp_path):
    """What dot is called is no mistake, and what is wrong after it is named."""
    text = RIGHT_FILE.replace(" * ot * (1 - ot)\n", "\n    dΓo = dot * ot * (1 - ot)\n")
    text = text.replace("@ dot", "@ dΓo").replace("dot @", "dΓo @")
    text = text.replace("np.sum(dot,", "np.sum(dΓo,")
    assert not check(written(tmp_path, text), 0)[1]
    for wrong, mistake in (("dc,", "ft is left out"), ("2 * dc * ft,", "")):
        path = written(tmp_path, text.replace("dc * ft,", wrong))
        found = verdicts(load(path), 0)["lstm_cell_backward"]
        assert found.term == "dc_prev" and mistake in " ".join(found.lines)
