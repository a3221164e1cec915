"""The numbers of runs: read from their folders, put beside each other in tables."""

import json

import pytest
from matplotlib import image
from processes import run

from seqjax.data import DataError
from seqjax.inspect import comparison_table, differences, groups, read_run

HISTORY = [
    {"step": 7, "loss": 3.5},
    {"step": 10, "loss": 3.0, "valid": 2.5},
    {"step": 20, "loss": 2.5, "valid": 2.25},
    {"step": 30, "loss": 2.0, "valid": 2.75},
]
RESULT = {
    "task": "names",
    "data": "dinosaurs",
    "cell": "lstm",
    "metric": "nats per letter",
    "score": 2.375,
    "baseline": 1.59557,
    "best_step": 20,
    "seconds": 1234.56,
    "lower_is_better": True,
    "parameters": 271000,
}


def write_run(folder, result=RESULT, history=HISTORY, flags="", **changes):
    """A run's folder; a file that is None is left out."""
    folder.mkdir(exist_ok=True)
    if result is not None:
        text = json.dumps(result | changes)
        (folder / "result.json").write_text(text + "\n", "utf-8")
    if history is not None:
        lines = "".join(json.dumps(line) + "\n" for line in history)
        (folder / "metrics.jsonl").write_text(lines, "utf-8")
    if flags is not None:
        (folder / "flags.txt").write_text(flags, "utf-8")
    return folder


FLAGS = "--cell=lstm(coupled=True)\n--nobidirectional\n--spread\n--text=\n--a=b=c\n"


def test_a_run_is_what_its_files_say(tmp_path):
    folder = write_run(tmp_path / "lstm", flags=FLAGS)
    run = read_run(str(folder))
    assert (run.folder, run.name) == (folder, "lstm")
    assert (run.result, run.history) == (RESULT, HISTORY)
    assert run.flags == {
        "cell": "lstm(coupled=True)",
        "bidirectional": "false",
        "spread": "true",
        "text": "",
        "a": "b=c",
    }
    assert (run.score, run.best_step) == (2.375, 20)


def test_the_name_of_the_working_directory_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(write_run(tmp_path / "gru"))
    assert read_run(".").name == "gru"


def test_a_run_that_goes_on_or_was_cut_off_can_be_read(tmp_path):
    folder = write_run(tmp_path / "run", result=None, flags=None)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 40, "lo')
    run = read_run(folder)
    assert (run.result, run.history, run.flags) == ({}, HISTORY, {})
    assert (run.score, run.best_step) == (None, 20)
    early = read_run(write_run(tmp_path / "run", None, HISTORY[:1]))
    assert early.best_step is None


def test_a_run_without_training_has_a_result_alone(tmp_path):
    run = read_run(write_run(tmp_path / "rescoring", {"score": 0.5}, history=None))
    assert (run.history, run.score, run.best_step) == ([], 0.5, None)


GOOD = json.dumps(HISTORY[0]) + "\n"
BAD = {
    "no folder": ({}, "run: there is no such folder"),
    "no run": ({"flags.txt": b"--cell=gru\n"}, "run: not the folder of a run"),
    "a result that was cut off": (
        {"result.json": b'{"task": "names", '},
        "run/result.json: not valid JSON",
    ),
    "a result in Latin-1": (
        {"result.json": b'{"task": "caf\xe9"}'},
        "run/result.json: not valid UTF-8",
    ),
    "a result that is a list": (
        {"result.json": b"[1]"},
        "run/result.json: a JSON object is needed",
    ),
    "a damaged line among others": (
        {"metrics.jsonl": (GOOD + '{"st\n' + GOOD + GOOD).encode()},
        "run/metrics.jsonl, line 2: not valid JSON",
    ),
    "a line without a step": (
        {"metrics.jsonl": (GOOD + '{"loss": 1}\n').encode()},
        "run/metrics.jsonl, line 2: an object with a step",
    ),
    "a line that is a number": (
        {"metrics.jsonl": b"3\n"},
        "run/metrics.jsonl, line 1: an object with a step",
    ),
    "metrics in Latin-1": (
        {"metrics.jsonl": b'{"step": 1, "\xe9": 2}\n'},
        "run/metrics.jsonl, line 1: not valid UTF-8",
    ),
    "a folder of the result's name": ({"result.json": None}, "run/result.json: "),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_is_no_run_is_refused_in_one_sentence(tmp_path, case):
    files, message = BAD[case]
    for name, content in files.items():
        (tmp_path / "run").mkdir(exist_ok=True)
        path = tmp_path / "run" / name
        path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_run(tmp_path / "run")
    assert str(tmp_path / message) in str(caught.value)
    assert "\n" not in str(caught.value)


def read(folder, **kwargs):
    return read_run(write_run(folder, **kwargs))


def test_a_table_has_a_row_a_run_with_the_best_first(tmp_path):
    worse = read(tmp_path / "a", parameters=5, cell="gru", best_step=1000, score=3.0)
    better = read(tmp_path / "better_run", seconds=0.04)
    goes_on = read(tmp_path / "c", result=None, flags="--cell=elman\n--data=x.txt\n")
    header, *rows = comparison_table([worse, goes_on, better]).split("\n")
    split = [[cell.strip() for cell in row.split("  ") if cell] for row in rows]
    metric = "nats per letter"
    assert split == [
        ["better_run", "names", "lstm", "dinosaurs", "271,000", metric]
        + ["2.375", "1.5956", "20", "0.0"],
        ["a", "names", "gru", "dinosaurs", "5", metric]
        + ["3", "1.5956", "1,000", "1,234.6"],
        ["c", "–", "elman", "x.txt", "–", "–", "–", "–", "20", "–"],
    ]
    assert [cell.strip() for cell in header.split("  ") if cell] == [
        *("run", "task", "cell", "data", "parameters", "metric", "score ↓"),
        *("baseline", "best step", "seconds"),
    ]
    for name in ("task", "cell", "data", "metric"):  # columns begin at one place
        begin = header.index(name)
        assert all(row[begin] != " " and row[begin - 1] == " " for row in rows)
    assert len({len(row) for row in (header, *rows)}) == 1  # and numbers end at one


@pytest.mark.parametrize(
    "lower, header, order",
    [(True, "score ↓", "bac"), (False, "score ↑", "cab"), (None, "score ", "abc")],
)
def test_the_better_direction_is_the_results(tmp_path, lower, header, order):
    changes = {} if lower is None else {"lower_is_better": lower}
    result = {k: v for k, v in RESULT.items() if k != "lower_is_better"} | changes
    scores = {"a": 2.0, "b": 1.0, "c": 3.0}
    runs = [read(tmp_path / n, result=result, score=s) for n, s in scores.items()]
    lines = comparison_table(runs).split("\n")
    assert header in lines[0]
    assert [line[0] for line in lines[1:]] == list(order)


def test_runs_of_other_tasks_data_or_metrics_have_a_table_of_their_own(tmp_path):
    runs = [
        read(tmp_path / "a", score=2.0),
        read(tmp_path / "b", task="language_model"),
        read(tmp_path / "c", data="synthetic"),
        read(tmp_path / "d", metric="bits per letter"),
        read(tmp_path / "e", score=1.0),
        read(tmp_path / "f", result=None),
    ]
    names = [[run.name for run in group] for group in groups(runs)]
    assert names == [["e", "a"], ["b"], ["c"], ["d"], ["f"]]
    tables = comparison_table(runs).split("\n\n")
    assert [table.split("\n")[1][0] for table in tables] == list("ebcdf")


def test_markdown_has_columns_and_escapes(tmp_path):
    run = read(tmp_path / "a|b")
    header, rule, row = comparison_table([run], markdown=True).split("\n")
    assert header.startswith("| run | task | cell | data | parameters | metric |")
    assert rule == "| --- | --- | --- | --- | ---: | --- | ---: | ---: | ---: | ---: |"
    assert row.startswith(r"| a\|b | names | lstm | dinosaurs | 271,000 |")


def test_a_run_is_named_by_the_flags_that_set_it_apart(tmp_path):
    flags = {
        "a": "--cell=lstm\n--seed=0\n--nobidirectional\n",
        "b": "--cell=gru\n--seed=0\n--bidirectional\n--layers=2\n",
        "c": "--cell=gru\n--seed=0\n--bidirectional\n--layers=2\n",
    }
    runs = [read(tmp_path / name, flags=text) for name, text in flags.items()]
    same = "cell=gru, bidirectional=true, layers=2"
    assert differences(runs) == [
        "cell=lstm, bidirectional=false, layers not set",
        f"b {same}",
        f"c {same}",
    ]
    assert differences(runs[:1]) == ["a"]
    assert differences(runs[1:]) == ["b", "c"]


def test_the_command_prints_the_table_and_draws_the_figure(tmp_path):
    runs = [write_run(tmp_path / name, score=s) for name, s in (("a", 3.0), ("b", 2.0))]
    args = "a", "b", "a", "--output=made/new"
    code, out, err = run("compare", *args, cwd=tmp_path)
    assert (code, err) == (0, "")
    *table, last = out.strip().split("\n")
    assert "\n".join(table) == comparison_table(map(read_run, runs))
    assert last == "the figure: made/new/comparison.png"
    assert image.imread(tmp_path / "made" / "new" / "comparison.png").ndim == 3


REFUSED = [
    ([], 2, "name the folders of one or more runs"),
    (["run", "missing"], 1, "missing: there is no such folder"),
    (["run", "--colour=red"], 2, "Unknown command line flag 'colour'"),
    (["run", "--output=run/flags.txt"], 2, "--output: run/flags.txt"),
]


@pytest.mark.parametrize(("args", "code", "sentence"), REFUSED)
def test_the_command_refuses_in_one_sentence(args, code, sentence, tmp_path):
    write_run(tmp_path / "run")
    stopped, _, err = run("compare", *args, cwd=tmp_path)
    assert stopped == code
    assert err.startswith("error: ") and sentence in err and err.count("\n") == 1
    assert not list(tmp_path.rglob("*.png"))
