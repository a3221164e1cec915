"""No flag takes what nothing can be computed with; sizes that cannot fit are said."""

import json
import pathlib
import re
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from processes import ROOT, Running, run

from experiments.memory.problems import PROBLEMS
from experiments.shared import fitting, ranges
from experiments.shared.errors import UsageError
from seqjax import memory
from seqjax.cells import CELLS
from seqjax.data import Batches


def test_every_flag_of_every_experiment_refuses_what_it_must(tmp_path):
    here = pathlib.Path(__file__).parent
    code, out, err = Running("flag_values", cwd=tmp_path, path=here).finish()
    assert code == 0, err
    found = json.loads(out)
    assert {name: each["taken"] for name, each in found.items() if each["taken"]} == {}
    assert len(found) > 20 and sum(each["tried"] for each in found.values()) > 5000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("task", "flags", "named"),
    [
        ("names", ["--features=1000000"], "TB of memory, where"),
        ("names", ["--seed=2147483647", "--seeds=2"], "--seeds: the last seed"),
        ("sweep", ["names", "--jobs=1", "--seed=1180591620717411303424"], "--seed"),
        ("comparisons", ["cells", "--jobs=99999999999"], "--jobs"),
        ("time_series", ["--quantiles=nan,0.5,0.9"], "--quantiles: 'nan' is no"),
        ("time_series", ["--season=inf"], "--season: 'inf' is no finite number"),
        ("names", ["--cell=lstm(coupled='False')"], "coupled must be True or False"),
        ("names", ["--cell=lstm(forget_bias=1e999)"], "must be a finite number"),
    ],
)
def test_a_value_that_cannot_be_ends_in_one_sentence(task, flags, named, tmp_path):
    code, out, err = run(task, *flags, cwd=tmp_path)
    assert code == 2 and out == "" and len(err.splitlines()) == 1, err
    assert named in err and list(tmp_path.iterdir()) == []


def test_the_numbers_of_a_list_are_numbers():
    options = types.SimpleNamespace(sizes=["1", " 20 "], odd=["1", "2e", "1e999"])
    assert ranges.numbers(options, "sizes") == [1.0, 20.0]
    assert ranges.whole_numbers(options, "sizes") == [1, 20]
    for parse in (ranges.numbers, ranges.whole_numbers):
        with pytest.raises(UsageError, match="--odd: '2e' is no|--odd: .* not '2e'"):
            parse(options, "odd")
    with pytest.raises(UsageError, match="--sizes: 2147483648 is beyond"):
        ranges.whole_numbers(types.SimpleNamespace(sizes=["2147483648"]), "sizes")


@pytest.mark.parametrize(
    ("optimizer", "average", "copies"),
    [("adam", 0.0, 5), ("adam", 0.9, 6), ("sgd", 0.0, 3), ("rmsprop", 0.0, 4)],
)
def test_a_training_is_held_to_the_memory(optimizer, average, copies, monkeypatch):
    """As much as its copies of the parameters take is enough, a number less is not."""
    options = types.SimpleNamespace(optimizer=optimizer, average=average)
    variables = {"w": jax.ShapeDtypeStruct((2**12, 2**12), jnp.float32)}
    size = copies * 4 * 2**24 + 8  # the optimiser counts its steps in four bytes
    monkeypatch.setattr(memory, "of_device", lambda: size)
    fitting.check(variables, options)
    fitting.check(None, types.SimpleNamespace())
    monkeypatch.setattr(memory, "of_device", lambda: size - 9)
    with pytest.raises(memory.DoesNotFit, match=rf"--optimizer={optimizer} .* MB"):
        fitting.check(variables, options)


SIZES = {"batch_size": "32", "features": "128", "bptt": "64", "gradient": "lean"}


def batch_options(text="", **changed):
    """Options as a flagfile's text has them."""
    values = SIZES | dict(re.findall(r"^--(\w+)=(.*)$", text, re.MULTILINE))
    numbers = {k: int(v) if v.isdecimal() else v for k, v in values.items()}
    return types.SimpleNamespace(**({"optimizer": "adam"} | numbers | changed))


@pytest.mark.parametrize("gradient", ["lean", "plain", "remat"])
@pytest.mark.parametrize("cell", ["elman", "lstm", "min_gru"])
def test_what_is_counted_of_a_batch_is_less_than_what_it_takes(gradient, cell):
    """Than XLA sets aside for a step of one layer, and the batches beside it."""
    rows, steps, width = 5, 300, 7
    layer = CELLS[cell](features=width)
    params = layer.init(jax.random.key(0), 3)

    def loss(params, xs):
        return jnp.sum(layer.unroll(params, xs, gradient=gradient)[1] ** 2)

    waiting, states = fitting.least(rows, steps, width, gradient)
    xs = jax.ShapeDtypeStruct((steps, rows, 3), jnp.float32)
    program = jax.jit(jax.grad(loss)).lower(params, xs).compile()
    taken = program.memory_analysis().temp_size_in_bytes
    assert states.size * 2 < taken
    data = Batches([np.ones(steps, np.int32)] * rows, rows)
    assert waiting.size * 4 < 16 * sum(a.nbytes for a in jax.tree.leaves(data.at(0)))


def test_batches_that_cannot_fit_are_refused(monkeypatch, tmp_path):
    for changed, said in (
        ({"batch_size": 10**8}, r"--batch_size, --bptt: .* 100,000,000 rows .* TB"),
        ({"bptt": 10**9}, r"32 rows and 1,000,000,000 steps, would take .* TB"),
        ({"bptt": 10**9, "gradient": "remat"}, r"would take 2 TB of memory, where"),
    ):
        with pytest.raises(memory.DoesNotFit, match=said):
            fitting.check_batch(batch_options(**changed))
    fitting.check_batch(batch_options(bptt=10**9, sentences=True))
    fitting.check_batch(types.SimpleNamespace())
    bound = 2 * (32 * 64) * (16 * 4 + 128 * 2)  # of twice as many rows
    monkeypatch.setattr(memory, "_SMALL", 0)
    monkeypatch.setattr(memory, "of_device", lambda: bound)
    fitting.check_batch(batch_options(batch_size=64))
    with pytest.raises(memory.DoesNotFit):
        fitting.check_batch(batch_options(batch_size=65))
    monkeypatch.undo()
    with pytest.raises(
        memory.DoesNotFit, match="--length: 30 sequences of 1,000,000,0"
    ):
        PROBLEMS["copy"].sequences([0], 30, 10**9)
    code, _, err = run("names", "--batch_size=100000000", "--workdir=run", cwd=tmp_path)
    assert code == 2 and err.startswith("error: --batch_size: ") and "GB of" in err
    assert len(err.splitlines()) == 1 and not list(tmp_path.iterdir()), err


def test_the_batches_of_presets_fit():
    presets = list((ROOT / "experiments").glob("*/presets/*.txt"))
    assert len(presets) > 20
    for preset in presets:
        fitting.check_batch(batch_options(preset.read_text()))


def test_memory_that_is_free_is_found():
    assert 2**27 < memory.available() < 2**50
    assert memory.of_device() > 2**27
