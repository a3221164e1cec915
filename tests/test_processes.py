"""Several processes that train together do what one does, and end together."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import chex
import pytest
from discovered import assert_close
from member import train
from processes import ROOT

from seqjax.train import processes
from seqjax.train.log import read

TESTS = pathlib.Path(__file__).parent


def start(do, folder, index, port, devices=1):
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count"
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}:{TESTS}",
        "TMPDIR": str(folder),  # a process that is killed leaves its own behind
        "XLA_FLAGS": f"{flags}={devices}",
    }
    words = [f"localhost:{port}", "2", str(index), do, str(folder)]
    return subprocess.Popen(
        [sys.executable, TESTS / "member.py", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def together(do, folder, devices=1):
    """Exit code, what was said, and errors of two processes."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    members = [start(do, folder, index, port, devices) for index in range(2)]
    try:
        ends = [member.communicate(timeout=50) for member in members]
    finally:
        for member in members:
            member.kill()
            member.communicate()
    codes = [member.returncode for member in members]
    return codes, [said(out) for out, _ in ends], [err for _, err in ends]


def said(out):
    """All that a process said; Gloo says things of its own."""
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {name: value for line in lines for name, value in line.items()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What two processes of two devices did with runs in a folder, and said."""
    folder = tmp_path_factory.mktemp("runs")
    train(folder / "resumed", 2, spread=False)
    codes, spoken, errors = together("all", folder, devices=2)
    assert codes == [0, 0], errors
    return folder, *spoken


def test_two_processes_are_one_to_rounding(runs, tmp_path):
    folder, first, second = runs
    alone = train(tmp_path / "alone", 6, spread=False)
    assert first["devices"] == 4
    for spoken in (first, second):
        assert_close(spoken["scores"], alone.scores)
    history = read(folder / "fresh" / "metrics.jsonl")
    assert len(history) == len(alone.history) >= 3
    assert_close(history, alone.history)


def test_the_first_alone_writes(runs, tmp_path):
    folder, first, second = runs
    assert first["wrote"] == "/" and "seqjax-process" in second["wrote"]
    assert not pathlib.Path(second["wrote"]).exists()
    train(tmp_path / "alone", 6, spread=False)
    names = [
        sorted(path.name for path in (where / "checkpoints").iterdir())
        for where in (folder / "fresh", tmp_path / "alone")
    ]
    assert names[0] == names[1]


def test_checkpoints_go_from_one_process_to_two_and_back(runs, tmp_path):
    folder, first, second = runs
    whole = train(tmp_path / "whole", 8, spread=False)
    assert_close(first["resumed"], second["resumed"])
    with pytest.warns(UserWarning, match="devices: 4 until now, 1 from now on"):
        result = train(folder / "resumed", 8, spread=False, resume=True)
    assert result.steps_run == 2
    assert_close(result.history, whole.history)
    chex.assert_trees_all_close(result.params, whole.params, rtol=1e-9)


def test_the_first_gives_the_others_what_it_has_restored(tmp_path):
    """They see no checkpoint; all begin at its step, with its bits."""
    train(tmp_path / "resumed", 2, spread=False)
    codes, (first, second), errors = together("given", tmp_path)
    assert first["step"] == 2, errors
    assert second == first, "which is not what it has read itself"
    assert codes == [0, 0], errors


def test_what_stops_one_stops_all_at_the_same_step(runs):
    folder, first, second = runs
    assert first["stopped"] == second["stopped"] == "SIGTERM at step 4 of 20"
    last = max(int(p.stem) for p in (folder / "stopped" / "checkpoints").iterdir())
    assert last == 4
    assert first["bad"] == second["bad"] and "loss is not finite" in first["bad"]
    assert first["alike"] and second["alike"]
    assert not first["other"] or not second["other"]


@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_is_killed_ends_the_other_with_a_sentence(victim, tmp_path):
    began = time.monotonic()
    codes, _, errors = together(str(victim), tmp_path)
    assert codes[victim] == -9 and codes[1 - victim] == 1, errors
    assert "error: another process has ended" in errors[1 - victim]
    assert time.monotonic() - began < 60


def test_who_waits_in_vain_ends_with_a_sentence(tmp_path):
    member = start("alone", tmp_path, 1, port=1)
    _, errors = member.communicate(timeout=60)
    assert member.returncode == 1
    assert "error: 2 processes did not meet at localhost:1 within 1 s" in errors


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (("localhost:1", 2, None), "number of processes"),
        (("localhost:1", 2, 2), "number of processes"),
        (("localhost", 2, 0), "host:port"),
        (("localhost:65536", 2, 0), "host:port"),
        (("auto", None, None), "no cluster that JAX knows"),
    ],
)
def test_what_is_missing_to_join_is_said(where, sentence, monkeypatch):
    monkeypatch.setattr(processes.jax.config, "update", lambda *_: None)
    backends = processes.jax._src.xla_bridge
    monkeypatch.setattr(backends, "backends_are_initialized", lambda: False)
    with pytest.raises(ValueError, match=sentence):
        processes.join(*where)
