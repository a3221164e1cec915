"""The race: every peer computes what seqjax does; the arithmetic of its report."""

import functools
import json
import math
import re

import jax
import numpy as np
import pytest
from processes import ROOT, run

from experiments.speed import (
    catalogue,
    figure,
    kernels,
    memory,
    peers,
    report,
    tables,
    worker,
)
from experiments.speed.cases import KINDS, Case
from experiments.speed.limit import Limit, Machine, limit, probes
from experiments.speed.peers import PLAIN, US
from experiments.speed.race import difference, race, started
from experiments.speed.results import Outcome, Race, missed, ratio, ratios, summary

PEERS = [name for name in peers.NAMES if name != US]
LONG = catalogue.parse("language_model/3x40x5x2/train")  # so long that clipping acts
TINY = [
    catalogue.parse(f"{kind}/3x4x5x2/{k.modes[-1]}")
    for kind, k in KINDS.items()
    if kind != LONG.kind
]
TINY += [LONG, catalogue.parse("ragged/3x4x5x2/forward")]


def numbers(name, case):
    with jax.enable_x64(False):
        runner = peers.build(name, case)
        return runner.numbers(runner.run())


ours = functools.cache(functools.partial(numbers, US))


@pytest.mark.parametrize("case", TINY, ids=lambda case: case.name)
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_computes_what_seqjax_does(name, case):
    try:
        peers.load(name)
    except ImportError as error:
        pytest.skip(str(error))
    try:
        theirs = numbers(name, case)
    except peers.Unable as reason:
        pytest.skip(str(reason))
    assert difference(theirs, ours(case)) == ""
    assert all(array.dtype == np.float32 for array in theirs.values())


@pytest.mark.parametrize("case", TINY, ids=lambda case: case.name)
def test_every_number_matters(case):
    for name, array in ours(case).items():
        assert np.count_nonzero(array) > 0.2 * array.size, name


def test_a_language_models_step_is_clipped():
    moved = [array for name, array in ours(LONG).items() if name != "loss"]
    norm = math.sqrt(sum(np.square(array).sum() for array in moved))
    assert norm == pytest.approx(5.0, rel=1e-5)


def test_a_difference_is_found():
    a = {"w": np.array([1.0, 2.0]), "b": np.array([0.0])}
    assert difference(a, a) == ""
    assert "w is off by 5.0e-01" in difference(a | {"w": np.array([2.0, 2.0])}, a)
    assert "w is off by nan" in difference(a | {"w": np.array([np.nan, 2.0])}, a)
    assert "w is (1,)" in difference(a | {"w": np.array([1.0])}, a)
    assert "['b']" in difference({"b": a["b"]}, a)


def raced(*seconds):
    return Outcome("raced", seconds=seconds, compile=0.25, memory=2_000_000)


def made_up(name, ours, **theirs):
    outcomes = {US: raced(*ours)} | {k: raced(*v) for k, v in theirs.items()}
    return Race(catalogue.parse(name), Limit(0.5, "tanh"), outcomes)


FAST = made_up("lstm/1x2x3x4/train", (1, 2, 1), haiku=(4, 4, 4), torch=(2, 2, 2))
SLOW = made_up("gru/1x2x3x4/train", (2, 2, 2), keras=(3, 3, 3), haiku=(2, 2, 9))


def test_ratios_are_taken_round_by_round():
    assert ratio(FAST, "haiku") == (4, 2, 4)
    assert ratio(FAST, "torch") == (2, 1, 2)
    assert ratio(FAST, "keras") is None and ratio(FAST, None) is None
    assert FAST.fraction() == 0.5
    assert SLOW.best_jax_peer() == "haiku" and SLOW.torch() is None
    assert ratio(SLOW, "haiku") == (1, 1, 4.5)


def test_what_differs_does_not_count():
    differs = raced(1, 1, 1)._replace(status="differs")
    race = FAST._replace(outcomes=FAST.outcomes | {"keras": differs, "torch": differs})
    assert race.best_jax_peer() == "haiku" and race.torch() is None
    assert [value for value, _ in ratios([race], "train", "PyTorch")] == []


def test_means_are_geometric_and_missed_goals_are_named():
    races = [FAST, SLOW]
    lines = "\n".join(summary(races))
    assert "train, against the best JAX peer: 2.00×" in lines
    assert "worst 1.00× in gru/1x2x3x4" in lines
    assert "train, against PyTorch: 2.00×" in lines and "forward" not in lines
    assert list(missed(races)) == []
    late = made_up("gru/1x2x3x4/train", (2, 2, 2), haiku=(1, 1, 1), torch=(3, 3, 3))
    mean, each = missed([late._replace(limit=Limit(0.5, "tanh"))])
    assert mean.endswith("0.50× in the geometric mean, goal 1.8×")
    assert each == (
        "gru/1x2x3x4/train: 0.50× the best JAX peer, goal 1.0×; it runs at 25% of the "
        "limit, where the tanh binds"
    )
    far = next(missed([late._replace(limit=Limit(0.5, "product"))]))
    assert far.endswith("25% of the limit, where the product binds, goal 75%")


def machine(products=math.inf, tanhs=math.inf, reads=math.inf):
    return Machine("cpu", products, tanhs, {2**40: reads})


def test_the_limit_of_each_resource():
    forward = catalogue.parse("lstm/2x3x5x7/forward")
    state, inputs = 2 * 4 * 2 * 7 * 7 * 3, 2 * 4 * 2 * 5 * 7 * 3
    assert limit(forward, machine(products=1)) == (state + inputs, "product")
    assert limit(forward, machine(tanhs=1)) == (4 * 2 * 7 * 3, "tanh")
    assert limit(forward, machine(reads=1)) == (4 * 4 * 7 * 7 * 3, "bandwidth")
    train = catalogue.parse("lstm/2x3x5x7/train")
    assert limit(train, machine(products=1)).seconds == 3 * state + 2 * inputs
    assert limit(train, machine(tanhs=1)).seconds == 4 * 2 * 7 * 3
    assert limit(train, machine(reads=1)).seconds == 2 * 4 * 4 * 7 * 7 * 3


def test_the_limit_of_each_kind():
    def seconds(name):
        return limit(catalogue.parse(name), machine(products=1)).seconds

    one = seconds("lstm/2x3x5x5/forward")
    assert seconds("bidirectional/2x3x5x5/forward") == 2 * one
    assert seconds("stacked/2x3x5x5/forward") == 3 * one
    assert seconds("streaming/2x3x5x5/forward") == one / 3
    assert seconds("stacked/2x3x5x5/train") == 9 * one - one / 2
    readout = 2 * 2 * 3 * 5 * 11
    assert seconds("language_model/2x3x11x5/train") == 6 * one + 3 * readout
    case = catalogue.parse("ragged/4x9x5x5/forward")
    whole = seconds("lstm/4x9x5x5/forward")
    assert seconds(case.name) == pytest.approx(case.sequences().mask.mean() * whole)


def test_a_small_matrix_is_read_no_slower_than_a_large_one():
    rates = Machine("cpu", 1, 1, {10: 2.0, 20: 8.0, 30: 4.0})
    assert [rates.read(size) for size in (10, 20, 30)] == [8, 8, 4]
    assert set(probes([catalogue.parse("elman/1x1x1x3/train")])) >= {36}


def test_cases_are_chosen_by_pattern_or_name():
    assert catalogue.choose(["*"]) == catalogue.CASES
    assert len(catalogue.choose(["gru/*", "gru/*/train"])) == 10
    assert catalogue.choose(["lstm/2x3x4x5/train"]) == [
        Case("lstm", B=2, T=3, n_in=4, H=5, mode="train")
    ]
    for case in catalogue.CASES:
        assert catalogue.parse(case.name) == case


@pytest.mark.parametrize(
    "name", ["streaming/1x2x3x4/train", "lstm/1x2x3x0/train", "lstm/1x2x3/train", "gru"]
)
def test_what_is_no_case_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"'{name}'.*forward or train"):
        catalogue.choose([name])


def test_what_goes_wrong_in_a_process_is_its_answer():
    assert "ModuleNotFoundError" in worker.hello("nobody")["missing"]
    haiku = worker.Worker("haiku")
    answer = worker.obey(haiku, do="build", case="gru/1x2x3x4/train", to="")
    assert answer.keys() <= {"unable", "failed"}  # failed where it is not installed
    answer = worker.obey(haiku, do="build", case="gru", to="")
    assert answer["failed"].startswith("ValueError: no case is named 'gru'")


def test_the_peak_of_memory_is_that_since_it_was_settled():
    before = memory.settle()
    if before is None:
        pytest.skip("this system does not tell")
    size = 2**26
    np.ones(size, np.uint8)
    assert 0.9 * size < memory.peak() - before < 1.5 * size
    before = memory.settle()
    assert memory.peak() - before < size / 2


def test_tables_and_figure_have_every_case(tmp_path):
    unable = Outcome("unable", "it has none")
    slow = SLOW._replace(outcomes=SLOW.outcomes | {"torch": unable})
    more = {"keras": raced(9, 9, 9), PLAIN: raced(3, 3, 3)}
    fast = FAST._replace(outcomes=FAST.outcomes | more)
    assert fast.best_jax_peer() == "haiku"
    versions = {name: {name: "1.0"} for name in (US, "haiku", "keras", "torch")}
    around = report.surroundings(machine(1e9, 1e9, 1e9), 3, versions)
    text = tables.markdown(around, [fast, slow])
    assert text.count("| lstm/1x2x3x4/train |") == 4
    plain = "{:.2f}× ({:.2f}–{:.2f})".format(*ratio(fast, PLAIN))
    row = f"| lstm/1x2x3x4/train | 1.00 s | {plain} | haiku | 4.00× (2.00–4.00) |"
    assert row in text
    assert "| gru/1x2x3x4/train | 2.00 s | 2.00 s | 3.00 s | – |" in text
    assert "gru: torch unable, it has none" in text
    figure.draw(tmp_path / "speed.png", [fast, slow], peers.NAMES)
    assert (tmp_path / "speed.png").stat().st_size > 10_000


@pytest.fixture
def in_a_child(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")


def test_a_process_that_dies_is_left_out(in_a_child, tmp_path):
    case = catalogue.parse("lstm/1x2x3x4/forward")
    with started([US, "torch"], tmp_path) as racers:
        assert all("versions" in racer.answer() for racer in racers)
        racers[1].process.kill()
        racers[1].process.wait()
        done = race(case, racers, machine(1e9, 1e9, 1e9), rounds=2)
    assert len(done.outcomes[US].seconds) == 2
    assert done.outcomes["torch"].status == "failed"
    assert "code -9" in done.outcomes["torch"].reason


def test_a_whole_run(tmp_path):
    flags = ["--case=elman/2x3x4x5/train", "--peer=flax_linen", "--peer=haiku"]
    code, out, err = run("speed", *flags, "--rounds=2", "--workdir=run", cwd=tmp_path)
    assert code == 0 and err == "", err
    assert out.splitlines()[-1] == "tables, rounds and figure: run"
    text = (tmp_path / "run/speed.md").read_text()
    assert text in out and "| elman/2x3x4x5/train |" in text
    (case,) = json.loads((tmp_path / "run/speed.json").read_text())["cases"]
    assert len(case["outcomes"]["flax_linen"]["seconds"]) == 2
    assert case["outcomes"]["haiku"]["status"] == "unable"
    assert (tmp_path / "run/figures/speed.png").exists()


def test_lengths_are_measured(tmp_path):
    flags = ["--longest=32", "--features=4", "--batch_size=2", "--rounds=1"]
    flags += ["--workdir=run", "--quiet"]
    code, _, err = run("speed.lengths", *flags, cwd=tmp_path)
    assert code == 0 and err == "", err
    rows = json.loads((tmp_path / "run/lengths.json").read_text())
    assert {row["steps"] for row in rows} == {2, 4, 8, 16, 32}
    assert {row["gradient"] for row in rows} == {"lean", "plain", "remat"}
    assert (tmp_path / "run/lengths.md").read_text().count("\n") == 2 + len(rows)
    assert (tmp_path / "run/figures/lengths.png").exists()


BAD = {
    "unknown kind": (["--case=ltsm/1x2x3x4/train"], "bidirectional"),
    "unknown peer": (["--peer=jax"], "flax_linen"),
    "no rounds": (["--rounds=0"], "--rounds"),
    "a flag of training": (["--steps=3"], "--steps"),
    "two choices": (["--quick", "--case=gru/*"], "--quick"),
    "rounds of no race": (["--profile", "--rounds=2"], "--rounds"),
}


@pytest.mark.parametrize("flags", sorted(BAD))
def test_bad_flags_end_in_one_sentence_and_leave_nothing(flags, tmp_path):
    given, named = BAD[flags]
    code, out, err = run("speed", *given, cwd=tmp_path)
    assert code == 2 and out == ""
    assert len(err.splitlines()) == 1 and named in err, err
    assert not list(tmp_path.iterdir())


def events(*times):
    return [kernels.Event(*time) for time in times]


def test_each_moment_counts_for_the_innermost_kernel():
    first = events((0, 9, "while.3"), (1, 4, "ynn_fusion"), (5, 7, "ynn_fusion"))
    second = events((2, 3, "ynn_fusion"), (2.5, 3, "add_fusion.1"), (0, 9, "Unknown"))
    seconds, calls = kernels.summed([first, second])
    assert seconds == {"while.3": 4, "ynn_fusion": 5.5, "add_fusion.1": 0.5}
    assert calls == {"while.3": 1, "ynn_fusion": 3, "add_fusion.1": 1}


def test_products_are_told_from_sums_of_the_same_name():
    @jax.jit
    def step(h, w):
        h = jax.lax.fori_loop(0, 3, lambda _, h: jax.numpy.tanh(h @ w), h)
        return h, h.sum((0, 1))

    h, w = jax.numpy.ones((2, 8, 16)), jax.numpy.ones((16, 16))
    text = step.lower(h, w).compile().as_text()
    found = kernels.products(text)
    assert found and all(f"%{name} = " in text for name in found)
    called = dict(re.findall(r"%(\S+) = .* fusion\(.*calls=%([^\s,]+)", text))
    for name, computation in called.items():
        body = text.split(f"\n%{computation} ", 1)[1].split("\n}", 1)[0]
        assert (name in found) == (" dot(" in body), name


KERNELS = {
    "product: ynn_fusion.3": "product",
    "dot_add_fusion": "arithmetic",  # a fusion of its own name
    "all-reduce.7": "sums over devices",
    "Wait: pending_threads=1/2": "sums over devices",
    "end: ynn_fusion.2": "loop",
    "bitcast_dynamic-update-slice_fusion.1": "moving",
    "copy.16": "moving",
    "multiply_tanh_fusion": "arithmetic",
    "PjitFunction(apply)": None,
    "ThunkExecutor::Execute (wait for completion)": None,
}


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_known_by_their_names(name):
    assert kernels.kind(name) == KERNELS[name]


def test_shares_are_all_of_the_time():
    found = {"product: dot.1": (0.2, 5), "product: dot.2": (0.3, 4)}
    found |= {"copy": (0.1, 9), "tanh.4": (0.5, 9)}
    shares = kernels.shares(found, steps=5, watched=2)
    assert shares[kernels.STEP] == 0.2 and shares[kernels.WHOLE] == 0.3
    assert shares["moving"] == 0.1 and shares["arithmetic"] == 0.5
    assert math.isclose(shares[kernels.REST], 0.9)
    assert tuple(shares) == kernels.SHARES


def test_a_profile(tmp_path):
    flags = ["--profile", "--case=lstm/16x40x32x64/train", "--workdir=run"]
    code, out, err = run("speed", *flags, cwd=tmp_path)
    assert code == 0 and err == "", err
    assert out.splitlines()[-1] == "table, kernels and figure: run"
    assert (tmp_path / "run/profile.md").read_text() in out
    (row,) = json.loads((tmp_path / "run/profile.json").read_text())
    shares = row["shares"]
    assert math.isclose(sum(shares.values()), row["watched"])
    assert min(shares[kernels.STEP], shares[kernels.WHOLE], shares["arithmetic"]) > 0
    assert 0 < row["products"] < 2
    assert (tmp_path / "run/figures/profile.png").stat().st_size > 10_000


def test_pytorch_leaves_no_trace_of_jax():
    order = {"do": "profile", "case": "lstm/1x2x3x4/train"}
    answer = worker.obey(worker.Worker("torch"), **order)
    assert answer == {"unable": "only what runs in JAX leaves JAX's trace"}
