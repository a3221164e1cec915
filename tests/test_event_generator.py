"""Events that fill a form: a distribution over solos, under chords and a genre."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit
from model_data import apply, random_variables_for, shapes_of, step_of

from seqjax.cells import LSTM, EchoState
from seqjax.decode import Sampling, generate, log_probs
from seqjax.models import BOS, EventGenerator, Form, Generator, LanguageModel
from seqjax.models.event_generator import fillable, vocabulary

DURATIONS, PITCHES, TICKS = (3, 2), 2, 4
END = len(DURATIONS) * (PITCHES + 1)
RNG = np.random.default_rng(0)
FORM = Form(  # of three rows: two beats, one, and none
    genre=jnp.array([1, 0, 1]),
    roots=jnp.array([[3, 11], [7, 0], [0, 0]]),
    table=jnp.asarray(RNG.normal(size=(3, 2, 5))),
    beats=jnp.array([2, 1, 0]),
)


def model_of(layer, pitches=PITCHES):
    write = LanguageModel(layer, vocabulary(DURATIONS, pitches), embedding=3)
    return EventGenerator(
        Generator(write, nn.Embed(2, 3)), DURATIONS, pitches, ticks=TICKS, bar=2
    )


MODEL = model_of(LSTM(4))
EXAMPLE = FORM, jnp.zeros((3, 2), int), jnp.array([2, 2, 0])
VARIABLES = random_variables_for(MODEL, *EXAMPLE)
LASTS = np.array(DURATIONS * (PITCHES + 1))


def fillings(ticks):
    """All sequences of events that last so long together, each with its end."""
    if not ticks:
        return [(END,)]
    return [
        (event, *rest)
        for event, lasts in enumerate(LASTS)
        if lasts <= ticks
        for rest in fillings(ticks - lasts)
    ]


def row(i):
    """One row of the form, without its padding."""
    beats = max(int(FORM.beats[i]), 1)
    one = jax.tree.map(lambda a: a[i : i + 1], FORM)
    return one._replace(roots=one.roots[:, :beats], table=one.table[:, :beats])


def padded(solos):
    tokens = np.zeros((len(solos), max(map(len, solos))), int)
    for solo, place in zip(solos, tokens, strict=True):
        place[: len(solo)] = solo
    return jnp.asarray(tokens), jnp.array([len(solo) for solo in solos])


@pytest.mark.parametrize("i", [0, 1])
def test_all_solos_that_fill_a_form_have_probability_one(i):
    solos = fillings(int(FORM.beats[i]) * TICKS)
    tokens, lengths = padded(solos)
    many = jax.tree.map(lambda a: jnp.repeat(a, len(solos), axis=0), row(i))
    logits = apply(MODEL, VARIABLES, many, tokens, lengths)
    log_p = jax.nn.log_softmax(logits)
    each = jnp.take_along_axis(log_p, tokens[..., None], -1)[..., 0]
    real = jnp.arange(tokens.shape[1]) < lengths[:, None]
    totals = jnp.where(real, each, 0).sum(axis=1)
    assert len(solos) > 8 and jnp.isfinite(totals).all()
    np.testing.assert_allclose(jnp.exp(totals).sum(), 1, rtol=1e-6)
    loss = apply(MODEL, VARIABLES, many, tokens, lengths, method="loss")
    np.testing.assert_allclose(loss.total, -totals.sum(), rtol=1e-6)

    begin = apply(MODEL, VARIABLES, many, method="initial_carry")
    score = jit(functools.partial(log_probs, step_of(MODEL, VARIABLES)))
    stepped = score(begin, jnp.full(len(solos), BOS), tokens, lengths)
    np.testing.assert_allclose(stepped.sum(axis=1), totals, rtol=1e-5)
    last = jnp.take_along_axis(stepped, lengths[:, None] - 1, 1)
    np.testing.assert_allclose(last, 0, atol=1e-12, err_msg="the end is certain")


def test_padding_changes_nothing_and_a_row_of_no_beats_is_over():
    solos = [fillings(8)[5], fillings(4)[3], (END,)]
    tokens, lengths = padded(solos)
    logits = apply(MODEL, VARIABLES, FORM, tokens, lengths)
    for i, solo in enumerate(solos):
        alone = apply(MODEL, VARIABLES, row(i), jnp.array([solo]), lengths[i : i + 1])
        np.testing.assert_allclose(logits[i, : len(solo)], alone[0], rtol=1e-5)
    assert jnp.isfinite(logits[2, 0]).tolist() == [False] * END + [True]
    slopes = jit(jax.grad(_total))(VARIABLES, tokens, lengths)
    for path, slope in jax.tree_util.tree_leaves_with_path(slopes):
        found = jnp.isfinite(slope).all() and jnp.any(slope != 0)
        assert found, jax.tree_util.keystr(path)


def _total(variables, tokens, lengths):
    return MODEL.apply(variables, FORM, tokens, lengths, method="loss").total


def test_what_is_known_of_a_beat_matters_from_that_beat_on():
    solo = jnp.array([[2, 3, 0, END]])  # ticks 0 – 3 – 5 – 8, the beat begins at 4
    ask = functools.partial(apply, MODEL, VARIABLES)
    before = ask(row(0), solo, jnp.array([4]))[0, :3, 0]
    later = {
        "table": FORM.table[:1].at[0, 1].add(1),
        "roots": FORM.roots[:1].at[0, 1].set(4),
    }
    for name, value in later.items():
        changed = row(0)._replace(**{name: value})
        after = ask(changed, solo, jnp.array([4]))[0, :3, 0]
        moved = np.abs(after - before)
        assert moved[:2].max() == 0 and moved[2] > 1e-4, name
    other = ask(row(0)._replace(genre=jnp.array([0])), solo, jnp.array([4]))
    assert abs(other[0, 0, 0] - before[0]) > 1e-4


def test_chords_and_solo_moved_up_together_sound_alike():
    model, kinds = model_of(LSTM(4), pitches=20), len(DURATIONS)
    form = row(0)._replace(roots=jnp.array([[3, 8]]))
    events = jnp.array([[kinds * 5 + 1, kinds * 9, 0, kinds * 21]])
    variables = random_variables_for(model, form, events, jnp.array([4]))
    low = apply(model, variables, form, events, jnp.array([4]))[0, :3]
    up = 3
    moved = events + jnp.array([[kinds * up, kinds * up, 0, 0]])
    higher = form._replace(roots=form.roots + up)
    high = apply(model, variables, higher, moved, jnp.array([4]))[0, :3]
    notes = slice(kinds, kinds * (21 - up))
    above = slice(kinds * (1 + up), kinds * 21)
    np.testing.assert_allclose(low[:, notes], high[:, above], rtol=1e-6)
    np.testing.assert_allclose(low[:, :kinds], high[:, :kinds], rtol=1e-6)
    still = apply(model, variables, higher, events, jnp.array([4]))[0, :3]
    assert np.abs(still[0, :kinds] - low[0, :kinds]).max() == 0
    assert np.abs(still[1, :kinds] - low[1, :kinds]).max() > 1e-4


@pytest.mark.parametrize("root", [0, 4, 11])
def test_an_event_is_read_and_scored_by_one_number(root):
    """What the readout adds to a token, the event that is read as it gets, alone."""
    size = vocabulary(DURATIONS, PITCHES)
    form = row(0)._replace(roots=jnp.full((1, 2), root))
    one, lengths = jnp.array([[END - 1, END]]), jnp.array([2])
    added = jnp.asarray(np.random.default_rng(1).normal(size=size))
    readout = VARIABLES["params"]["generator"]["write"]["readout"]
    after = {"readout": readout._replace(b=readout.b + added)}
    changed = jax.tree.map(lambda a: a, VARIABLES)
    changed["params"]["generator"]["write"] |= after
    logits = [apply(MODEL, v, form, one, lengths)[0, 0] for v in (VARIABLES, changed)]
    read = MODEL._from_root(jnp.arange(END), root).tolist()
    kinds = len(DURATIONS)
    assert read[:kinds] == list(range(kinds)) and len(set(read)) == END
    np.testing.assert_allclose(
        logits[1][:END] - logits[0][:END], added[jnp.array(read)]
    )


def test_what_is_drawn_fills_its_form_after_any_beginning():
    carry = apply(MODEL, VARIABLES, row(0), method="initial_carry")
    begin = jnp.array([[1, 3]])
    drawn = generate(
        step_of(MODEL, VARIABLES),
        carry,
        jnp.full(1, BOS),
        Sampling(20),
        length=5,
        eos_id=END,
        prefix=(begin, jnp.array([2])),
        key=jax.random.key(1),
    )
    for tokens, length in zip(drawn.tokens[0], drawn.lengths[0], strict=True):
        assert tokens[:2].tolist() == [1, 3] and tokens[length - 1] == END
        assert sum(LASTS[tokens[: length - 1]]) == 8
    assert len({tuple(tokens.tolist()) for tokens in drawn.tokens[0]}) > 3


def test_sums_of_durations_and_what_is_refused():
    assert np.flatnonzero(fillable((4, 6), 15)).tolist() == [0, 4, 6, 8, 10, 12, 14]
    with pytest.raises(ValueError, match="need a language model of 29 tokens, not 28"):
        EventGenerator(Generator(LanguageModel(LSTM(4), 28)), DURATIONS, PITCHES)


def test_what_is_held_fixed_is_marked():
    fixed = model_of(EchoState(4))
    marks = fixed.trainable(shapes_of(fixed, *EXAMPLE))["params"]["generator"]
    assert not any(jax.tree.leaves(marks["write"]["recurrent"]))
    assert all(jax.tree.leaves(marks["begin"]))
