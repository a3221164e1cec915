"""The classic tasks of long memory: what is drawn, what is right, which units count."""

import itertools
import math
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from processes import result_of, run
from trained import smoke, uses

import seqjax
from experiments.memory import counting, languages, model, scoring
from experiments.memory.batches import LEARN, VALID, Endless, growing, stages
from experiments.memory.problems import BLANK, KINDS, PROBLEMS, SIGNAL, Drawn
from seqjax import Elman, predict
from seqjax.cells.elman import ElmanParams


def drawn(problem, count=7, length=12, seed=3):
    return PROBLEMS[problem].sequences([seed, LEARN], count, length)


def test_symbols_are_copied_after_the_blanks():
    inputs, targets, mask = drawn("copy", length=5)
    read = inputs.argmax(axis=-1)
    assert read.shape == (7, 25) and mask.all() and (inputs.sum(axis=-1) == 1).all()
    np.testing.assert_array_equal(read[:, :10], targets[:, -10:])
    assert set(read[:, :10].ravel()) == set(range(KINDS))
    assert (targets[:, :-10] == BLANK).all() and (read[:, 14] == SIGNAL).all()
    assert (np.delete(read, 14, axis=1)[:, 10:] == BLANK).all()


def test_two_marked_numbers_are_added():
    inputs, targets, mask = drawn("adding", 400, 9)
    numbers, marks = inputs[..., 0], inputs[..., 1]
    for part in (marks[:, :4], marks[:, 4:]):
        np.testing.assert_array_equal(part.sum(axis=1), 1)
        assert part.any(axis=0).all(), "every place is marked now and then"
    assert 0 <= numbers.min() and numbers.max() < 1 and len(set(numbers.ravel())) > 3000
    sums = [row[marked > 0].sum() for row, marked in zip(numbers, marks, strict=True)]
    np.testing.assert_allclose(targets[:, -1, 0], sums, rtol=1e-6)
    assert (mask == (np.arange(9) == 8)).all()
    level, _ = scoring._chance(PROBLEMS["adding"], Drawn(inputs, targets, mask))
    assert level == pytest.approx(1 / 6, rel=0.15)


def test_parity_and_flip_flops_are_what_a_loop_says():
    inputs, targets, _ = drawn("parity")
    for row, right in zip(inputs[..., 0], targets[..., 0], strict=True):
        assert [sum(row[: t + 1]) % 2 for t in range(12)] == right.tolist()
    inputs, targets, _ = drawn("flipflop", length=60)
    bits = np.zeros((7, 3))
    for pulses, right in zip(
        inputs.swapaxes(0, 1), targets.swapaxes(0, 1), strict=True
    ):
        bits = np.where(pulses == 0, bits, pulses)
        np.testing.assert_array_equal(right, bits > 0)


def strings(problem, longest):
    """All strings of a language up to so many pairs, by trying every string."""

    def fits(string):
        if problem == "anbn":
            return string == "(" * (len(string) // 2) + ")" * (len(string) // 2)
        depths = [string[:i].count("(") - string[:i].count(")") for i in range(99)]
        return min(depths) == 0 and depths[-1] == 0

    tried = itertools.chain.from_iterable(
        itertools.product("()", repeat=2 * n) for n in range(1, longest + 1)
    )
    return {"".join(s) for s in tried if fits("".join(s))}


@pytest.mark.parametrize("problem", ["anbn", "dyck"])
def test_what_may_follow_is_what_the_language_has(problem):
    """A symbol may follow a prefix if some string of the language goes on so."""
    known = strings(problem, 6)
    inputs, targets, mask = drawn(problem, 60, 4)
    for read, follows, valid in zip(inputs, targets, mask, strict=True):
        assert not read[~valid].any() and not follows[~valid].any()
        symbols = read[valid].argmax(axis=-1)
        assert symbols[0] == languages.END
        string = "".join("()"[i] for i in symbols[1:])
        assert string in known
        for t in range(len(string) + 1):
            after = {s[t : t + 1] for s in known if s.startswith(string[:t])}
            assert [symbol in after for symbol in ("(", ")", "")] == [
                bool(bit) for bit in follows[t]
            ]


def test_balanced_strings_are_drawn_alike():
    inputs, _, _ = PROBLEMS["dyck"].draw(np.random.default_rng(0), np.full(5000, 3))
    seen = Counter(map(tuple, inputs[:, 1:].argmax(axis=-1).tolist()))
    assert len(seen) == 5 and min(seen.values()) > 900


def test_counts_are_those_of_the_symbols():
    inputs, targets, mask = drawn("dyck", 30, 9)
    count = languages.counts_of(inputs)
    np.testing.assert_array_equal((count > 0)[mask], targets[mask][:, 1])


def test_batches_are_a_function_of_seed_and_step():
    data = Endless(PROBLEMS["anbn"], 9, 4, 5, 100, begin=3)
    assert data.lengths == [3, 6, 9] and data.ends[-1] == 100
    step = seen = 0
    while step < 100:
        count = data.run_length(step, 16)
        batches = data.stacked(step, count)
        length = data.length_at(step)
        assert batches.inputs.shape == (count, 4, 2 * length + 1, 3)
        assert data.length_at(step + count - 1) == length
        alone = data.stacked(step + count - 1, 1)
        jax.tree.map(
            lambda a, b: np.testing.assert_array_equal(a[-1], b[0]), batches, alone
        )
        step, seen = step + count, max(seen, count)
    assert seen == 16
    other = Endless(PROBLEMS["anbn"], 9, 4, 6, 100, begin=3)
    assert (other.stacked(0, 9).inputs != data.stacked(0, 9).inputs).any()
    held = PROBLEMS["copy"].sequences([5, VALID], 4, 9)
    learned = PROBLEMS["copy"].sequences([5, LEARN], 4, 9)
    assert (held.inputs != learned.inputs).any()


def test_stages_take_equal_shares_of_time():
    costs = [2 * n + 20 for n in growing(10, 1000)]
    ends = stages(costs, 9000)
    counts = np.diff([0, *ends])
    assert ends[-1] == 9000 and growing(7, 7) == [7]
    np.testing.assert_allclose(counts * costs, np.mean(counts * costs), rtol=0.05)
    few = stages(costs, 5)
    assert few[-1] == 5 and few == sorted(few)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_what_is_not_asked_for_counts_nowhere(problem):
    """Whatever stands there, the loss and what is right are those of the answers."""
    kind, few = PROBLEMS[problem].kind, drawn(problem, 6, 5)
    rng = np.random.default_rng(0)
    mask = few.mask & (rng.random(few.mask.shape) < 0.9)
    few = few._replace(mask=mask)
    outputs = rng.normal(size=(*mask.shape, PROBLEMS[problem].outputs))
    loss = float(model.error(kind, outputs, few).result())
    poisoned = np.where(mask[..., None], outputs, np.nan)
    assert float(model.error(kind, poisoned, few).result()) == loss
    each = []
    for y, right in zip(outputs[mask], few.targets[mask], strict=True):
        if kind == "classes":
            each.append(-np.log(np.exp(y[right]) / np.exp(y).sum()))
        elif kind == "numbers":
            each.append(np.sum((y - right) ** 2))
        else:
            each += np.log1p(np.exp(-y * (2 * right - 1))).tolist()
    assert loss == pytest.approx(np.mean(each), rel=1e-5)


def test_a_sequence_is_right_where_all_its_answers_are():
    rng = np.random.default_rng(0)
    right, mask = rng.random((50, 6, 2)) < 0.9, rng.random((50, 6)) < 0.5
    found = model.Answers(0.0, right, mask)
    loops = [
        all(r.all() for r, m in zip(*row, strict=True) if m)
        for row in zip(right, mask, strict=True)
    ]
    assert model.whole(found).tolist() == loops and 0 < np.mean(loops) < 1
    each = [bit for r, m in zip(right, mask, strict=True) for bit in r[m].ravel()]
    assert model.share_right(found) == pytest.approx(np.mean(each))


def test_chance_is_what_a_guess_reaches():
    few = drawn("copy", 40, 30)
    level, _ = scoring._chance(PROBLEMS["copy"], few)
    logits = np.zeros((*few.mask.shape, KINDS + 1))
    logits[:, :-10, BLANK], logits[:, -10:, BLANK] = 40, -40
    assert float(model.error("classes", logits, few).result()) == pytest.approx(level)
    assert level == pytest.approx(10 * math.log(8) / 50)
    flips = [PROBLEMS["flipflop"].sequences([s], 100, 50) for s in (1, 2)]
    share = model.share_right(model.by_input(PROBLEMS["flipflop"], *flips))
    pulses, held = flips[1].inputs, flips[1].targets > 0.5
    assert (model.by_input(PROBLEMS["flipflop"], *flips).right[pulses != 0]).all()
    assert 0.5 < share < 0.65 and held.mean() == pytest.approx(0.5, abs=0.05)
    parity = [PROBLEMS["parity"].sequences([s], 100, 50) for s in (1, 2)]
    share = model.share_right(model.by_input(PROBLEMS["parity"], *parity))
    assert share == pytest.approx(0.5, abs=0.03)


def test_a_network_that_counts_is_found_out():
    """A unit that is set to count, between units that do not."""
    problem = PROBLEMS["dyck"]
    predictor = model.make_predictor(Elman(3, "identity"), problem, "plain")
    variables = predict.init(predictor, jax.random.key(0))
    w_x = jnp.array([[0.3, -2.0, 0.1], [0.5, 2.0, 0.0], [0.2, 0.0, 0.4]])
    w_h = jnp.diag(jnp.array([0.5, 1.0, -0.3]))
    variables["params"]["recurrent"]["layer"] = ElmanParams(w_x, w_h, jnp.ones(3) * 0)
    predictor = predict.VectorPredictor(predictor.model, 3, variables)
    valid, test = problem.sequences([1], 20, 6), scoring.test_set(problem, 0, 9)
    found = counting.counter(predictor, valid, test, 6)
    assert (found["counter"], found["unit"]) == ("state h", 1)
    assert found["correlation"] == pytest.approx(-1)
    assert found["correlation_beyond"] == pytest.approx(-1)
    assert list(found["lines"]) == ["6", "9"]
    for n, line in found["lines"].items():
        assert len(line["value"]) == 2 * int(n) + 1
        np.testing.assert_allclose(line["value"], line["count"], atol=1e-5)
    states = counting.states_of(predictor, valid.inputs)["state h"]
    count = languages.counts_of(valid.inputs)
    for unit, r in enumerate(counting.correlations(states, count, valid.mask)):
        pairs = states[valid.mask][:, unit], count[valid.mask]
        assert r == pytest.approx(np.corrcoef(*pairs)[0, 1], abs=1e-6)


@uses("memory")
def test_a_run_on_counting_leaves_its_figures_and_its_model(trained):
    folder, result = trained("memory")
    assert {"within", "all_right_up_to", "correlation"} <= set(result)
    names = {path.stem for path in (folder / "run" / "figures").glob("*.png")}
    assert {"loss", "by_length", "counter"} <= names
    predictor = seqjax.load(folder / "run", predict.VectorPredictor)
    assert predictor.predict(np.eye(3)[[2, 0, 0, 1, 1]]).shape == (5, 3)


@pytest.mark.parametrize(
    ("problem", "pictures"),
    [
        ("copy", {"chance", "comparison"}),
        ("anbn", {"by_length", "counter", "comparison"}),
    ],
)
def test_cells_stand_side_by_side(problem, pictures, tmp_path):
    flags = [*smoke("memory"), f"--problem={problem}", "--cell=gru,elman", "--steps=4"]
    result = result_of("memory", *flags, "--workdir=both", cwd=tmp_path)
    assert list(result["cells"]) == ["gru", "elman"]
    if problem == "copy":
        assert result["baseline"] == pytest.approx(10 * math.log(8) / 30)
        assert result["score"] == pytest.approx(
            result["of_chance"] * result["baseline"]
        )
    folders = [tmp_path / "both" / name / "figures" for name in ("gru", ".")]
    alone, together = ({p.stem for p in folder.glob("*.png")} for folder in folders)
    assert together == pictures and alone >= pictures - {"comparison"}


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--length=1"], "--length"),
        (["--length=9", "--test_length=8"], "--test_length"),
        (["--curriculum=1"], "--curriculum"),
        (["--problem=sorting"], "--problem"),
        (["--data=bits.txt"], "--data"),
        (["--bidirectional"], "--bidirectional"),
    ],
)
def test_what_cannot_be_is_one_sentence(flags, named, tmp_path):
    code, out, err = run("memory", "--cell=gru", *flags, cwd=tmp_path)
    assert code == 2 and out == "" and len(err.splitlines()) == 1 and named in err, err
    assert not list(tmp_path.iterdir())
