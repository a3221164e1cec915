"""A grid over flags: its runs, what it refuses, how it goes on, what it writes."""

import itertools
import json
import os
import signal

import pytest
from processes import Running, result_of, wait_for_lines
from test_experiments import metrics, written
from trained import copy_of, uses

from experiments.shared.begun import sealed_text
from experiments.shared.errors import UsageError
from experiments.sweep import arguments, report
from experiments.sweep.arguments import Options, grid_of
from experiments.sweep.check import check
from experiments.sweep.engine import Outcome
from experiments.sweep.grid import Grid, parse
from experiments.sweep.run import sweep
from seqjax import figures
from seqjax.data import DataError

CELL = "lstm(coupled=True, chrono=9)"
ASKED = Options(seed=0, seeds=1, subset=0, resume=False, workdir=None)


def test_a_grid_is_every_combination_with_every_seed():
    words = ["names", f"--cell=gru,{CELL}", "--features=8,4", "--steps=9", "--nospread"]
    grid = grid_of(words, ASKED._replace(seed=3, seeds=2), ["seeds"])
    trials = grid.trials()
    expected = list(itertools.product([3, 4], ["gru", CELL], ["8", "4"]))
    assert [(t.seed, *t.values.values()) for t in trials] == expected
    assert trials[6].name == f"cell={CELL}, features=8, seed=4"
    flags = {"--steps=9", "--nospread", "--seed=4", "--seeds=1", f"--cell={CELL}"}
    assert {*flags, "--features=8"} == set(trials[6].flags)
    assert len({t.folder for t in trials}) == 8
    few = grid_of(words, ASKED._replace(subset=3), [])
    assert few.seeds == () and len(few.trials()) == 3 and few.trials() == few.trials()
    assert set(map(str, few.combinations())) < set(map(str, grid.combinations()))


def test_a_sweep_goes_on_with_its_flags_and_takes_more_values(tmp_path):
    words = ["gradient_flow", "--distances=3,5;7", "--cell=gru,lstm", "--text=a,b;"]
    options = ASKED._replace(seed=2, seeds=3, workdir=str(tmp_path))
    begun = grid_of(words, options, ["seed"])
    assert begun.flags["distances"] == ("3,5", "7") and begun.flags["text"] == ("a,b",)
    (tmp_path / "flags.txt").write_text(sealed_text(arguments.as_text(begun)))
    resume = ASKED._replace(resume=True, workdir=str(tmp_path))
    assert grid_of([], resume, []) == begun
    more = grid_of(["--cell=gru,elman"], resume._replace(seeds=4), ["seeds"])
    assert more.seeds == (2, 3, 4, 5) and more.flags["cell"] == ("gru", "elman")
    for words in (["--cell=gru"], ["--text=b"], ["--steps=3"], ["--text=a;b"]):
        with pytest.raises(UsageError, match=words[0].split("=")[0]):
            grid_of(words, resume, [])
    with pytest.raises(UsageError, match="--resume"):
        grid_of([], resume._replace(workdir="none"), [])


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--cell=gru"], "name an experiment"),
        (["names", "sentiment"], "sentiment"),
        (["names", "--seeds", "3"], "'3'"),
        (["name", "--cell=gru"], "there is no experiment 'name'"),
        (["sweep"], "sweep"),
        (["names", "--feature=3,4"], "feature"),
        (["names", "--features=3,many"], "many"),
        (["names", "--steps=50,200", "--schedule=warmup_cosine"], "--warmup"),
        (["names", "--cell=gru,gur"], "gur"),
        (["names", "--cell=gru,lstm(chrono=2)"], "--cell"),
        (["names", "--dataset=dinosaurs,dragons"], "dragons"),
        (["names", "--data=none.txt"], "none.txt"),
        (["names", "--workdir=a,b"], "--workdir"),
        (["names", "--data=a/b,a_b"], "share the folder"),
        (["names", "--cell=,"], "--cell"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(words, named):
    with pytest.raises((UsageError, DataError), match=named):
        task, flags = parse(words)
        check(Grid(task, flags), jobs=2)


def test_flags_that_do_not_go_together_leave_nothing(tmp_path):
    flags = {"bidirectional": ("true", "false"), "steps": ("1",)}
    with pytest.raises(UsageError, match="bidirectional=true: --bidirectional: a"):
        sweep(Grid("names", flags), tmp_path / "run", jobs=2, quiet=True)
    assert not list(tmp_path.iterdir())


@uses("sweep")
def test_a_sweep_is_its_runs_and_takes_more(trained, tmp_path):
    """A run is what its own command makes; what is done is not done again."""
    folder = copy_of(trained("sweep"), tmp_path) / "run"
    before = written(folder)
    lines = [json.loads(s) for s in (folder / "results.jsonl").read_text().splitlines()]
    assert [line["flags"] for line in lines] == [{"features": "4"}, {"features": "6"}]
    alone = trained("names")
    assert metrics(folder / "features=6") == metrics(alone.folder / "run")
    assert lines[1]["result"]["score"] == alone.result["score"]
    more = ["--resume", "--workdir=run", "--features=6,4", "--quiet"]
    result = result_of("sweep", *more, cwd=tmp_path)
    assert [row["flags"]["features"] for row in result["rows"]] == ["6", "4"]
    after = written(folder)
    runs = [path for path in before if path.parent.name.startswith("features=")]
    assert runs and all(after[path] == before[path] for path in runs)


def test_a_sweep_stopped_by_a_signal_goes_on(tmp_path):
    (tmp_path / "text.txt").write_text("the cat was full\nthe cats were full\n" * 60)
    flags = ["language_model", "--data=text.txt", "--steps=2000", "--eval_every=100"]
    flags += ["--features=5", "--bptt=16", "--batch_size=4", "--orders=1"]
    flags += ["--seeds=1", "--workdir=run"]
    running = Running("experiments.sweep", *flags, cwd=tmp_path)
    run = tmp_path / "run" / "seed=0"
    wait_for_lines(running.process, run / "metrics.jsonl", 2)
    os.kill(running.process.pid, signal.SIGTERM)
    code, out, err = running.finish()
    assert code == 143 and "--resume --workdir=run" in err.splitlines()[-1], err
    assert metrics(run)[-1]["step"] < 2000
    assert not (run / "result.json").exists()
    result = result_of("sweep", "--resume", "--workdir=run", "--jobs=2", cwd=tmp_path)
    evaluated = [line["step"] for line in metrics(run) if "valid" in line]
    assert evaluated == list(range(100, 2001, 100))
    assert [len(row["scores"]) for row in result["rows"]] == [1]


def outcomes(grid, scores):
    """A result of each run; one that is None failed."""
    for trial, score in zip(grid.trials(), scores, strict=True):
        result = {"score": score, "baseline": 1.5, "metric": "m", "seconds": 2.0}
        failed = score is None
        yield Outcome(trial, None if failed else result, "diverged" * failed)


def test_the_table_has_mean_and_spread_and_what_failed():
    grid = Grid("names", {"cell": ("gru", CELL), "steps": ("9",)}, (0, 1, 2))
    found = list(outcomes(grid, [1.0, 1.0, 2.0, None, 4.0, None]))
    result = report.summary(grid, found, report.rows(grid, found))
    assert result["score"] == 7 / 3 and result["best"] == {"cell": "gru"}
    assert result["score_std"] == pytest.approx((7 / 3) ** 0.5)
    head, names, gru, lstm = report.table(result).splitlines()
    assert names.split() == ["cell", "score", "↑", "baseline", "seconds", "runs"]
    assert gru.split() == ["gru", "2.3333", "±", "1.5", "1.5", "2.0", "3"]
    assert lstm.endswith("1 of 3") and lstm.startswith(CELL)


def test_the_figure_has_a_panel_for_each_flag(tmp_path):
    words = [("gru", "8"), ("gru", "128"), (CELL, "8"), (CELL, "128")]
    scores = [[1.0, 2.0], [3.0, 3.5], [1.5, 4.0], []]
    settings = [
        figures.Setting({"cell": c, "features": f}, s, 0.5 if f == "8" else 1.0)
        for (c, f), s in zip(words, scores, strict=True)
    ]
    path = tmp_path / "sweep.png"
    figure = figures.by_setting(path, settings, "points", title="t")
    left, right = figure.axes
    assert (left.get_ylabel(), left.get_xlabel()) == ("points", "cell")
    assert [t.get_text() for t in left.get_xticklabels()] == ["gru", CELL[:23] + "…"]
    assert right.get_xscale() == "log" and list(right.get_xticks()) == [8, 128]
    lines = {str(line.get_label()): line for line in right.lines}
    assert list(lines["cell=gru"].get_ydata()) == [1.5, 3.25]
    assert list(lines[f"cell={CELL}"].get_xdata()) == [8]
    assert list(lines["baseline"].get_ydata()) == [0.5, 1.0]
    points = {str(line.get_label()): line for line in left.lines}
    assert sorted(points["features=8"].get_ydata()) == [1.0, 1.5, 2.0, 4.0]
    assert path.stat().st_size > 10_000
    with pytest.raises(ValueError):
        figures.by_setting(path, [], "points", title="t")
