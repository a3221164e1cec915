"""Models as JSON: every one comes back as it was, and nothing but a model is built."""

import json
import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import CELL_LAYERS, LAYERS

from seqjax import Bidirectional, Stack
from seqjax.cells import GRU, LSTM, Elman
from seqjax.data import Batches, Lexicon, Tokenizer
from seqjax.initializers import Glorot, He, Orthogonal, ScaledIdentity, Sparse, Zeros
from seqjax.layers.attention import AdditiveAttention
from seqjax.losses.crf import CRFParams
from seqjax.models import (
    Classifier,
    ConvEncoder,
    EncoderDecoder,
    EventGenerator,
    FeedForward,
    Generator,
    LanguageModel,
    Recurrent,
    Tagger,
    WordFeatures,
)
from seqjax.models.spec import SpecError, from_json, to_json

INITIALIZERS = [Zeros(), Glorot(), He(), Orthogonal(0.3), ScaledIdentity(2.0)]
DRAWN = {
    str(i): Elman(4, kernel_init=i, recurrent_init=Sparse(0.5, 1.1))
    for i in INITIALIZERS
}
FUNCTIONS = {
    "a name": Elman(4, activation="relu"),
    "of jax.nn": Elman(4, activation=jax.nn.silu),
    "of jax.numpy": Elman(4, activation=jnp.cos),
    "of jax.lax": Elman(4, activation=jax.lax.erf),
}
WORDS = WordFeatures(9, 7, 6, 4, Bidirectional(GRU(3)), gradient="plain")
MODELS = {
    "classifier": Classifier(LSTM(4), 3, nn.Embed(5, 6), "max", dropout=0.25),
    "encoder_decoder": EncoderDecoder(Bidirectional(GRU(3)), Stack((GRU(2),)), 5, 6),
    "event_generator": EventGenerator(
        Generator(LanguageModel(GRU(3), 29), nn.Embed(2, 3)), (3, 2), 2
    ),
    "feed_forward": FeedForward((3, 4), 2, nn.Embed(5, 6, dtype=None)),
    "generator": Generator(LanguageModel(LSTM(4), 5, 3, tied=False), nn.Embed(4, 5)),
    "language_model": LanguageModel(Stack((LSTM(4),) * 2), 5, reset_rate=1 / 3),
    "recurrent": Recurrent(GRU(3)),
    "tagger": Tagger(LSTM(4), 3, WORDS, crf=True),
    "words": WORDS,
    "reader of images": EncoderDecoder(
        None, GRU(3), None, 7, reader=ConvEncoder((3, 4), (2, 1), places=False)
    ),
    "attention": AdditiveAttention(LSTM(3), 2),
}
VALUES = {
    "nothing": None,
    "numbers": (True, False, 0, -3, 0.1, 1e-300, float("inf")),
    "a text": "“é” \n {}",
    "a dictionary": {"type": 3, "dict": {"function": "os:system"}, "": (1, (2, ()))},
    "a tokenizer": Tokenizer.build(["ab ba"], "chars"),
    "a lexicon": Lexicon.build([["ab", "ba"]], 1),
    "a named tuple": CRFParams(1.0, 2.0, (3.0,)),
}
EVERYTHING = LAYERS | DRAWN | FUNCTIONS | MODELS | VALUES


def round_trip(value):
    return from_json(json.loads(json.dumps(to_json(value))))


@pytest.mark.parametrize("value", EVERYTHING.values(), ids=EVERYTHING.keys())
def test_what_is_written_is_read(value):
    read = round_trip(value)
    assert type(read) is type(value)
    assert read == value
    assert repr(read) == repr(value)


def test_a_model_that_was_read_shares_what_was_compiled():
    model, read = MODELS["tagger"], round_trip(MODELS["tagger"])
    traces = []

    @jax.jit
    def double(layer, x):
        traces.append(layer)
        return 2 * x

    assert hash(read) == hash(model)
    double(model.layer, 1.0), double(read.layer, 1.0)
    assert len(traces) == 1


def test_lists_come_back_as_tuples_and_numbers_of_numpy_as_numbers():
    assert round_trip([1, [2, "b"]]) == (1, (2, "b"))
    assert [type(v) for v in round_trip((np.int64(3), np.float32(0.5)))] == [int, float]


def test_types_are_written_by_module_and_name():
    data = to_json(MODELS["classifier"])
    assert data["type"] == "seqjax.models.classifier:Classifier"
    assert data["layer"]["type"] == "seqjax.cells.lstm:LSTM"
    assert data["embed"]["num_embeddings"] == 5
    assert not {"parent", "name", "embedding_init"} & data["embed"].keys()


REFUSED = [
    "os:system",
    "posix:system",
    "subprocess:Popen",
    "builtins:eval",
    "builtins:dict",
    "importlib:import_module",
    "antigravity:geohash",
    "jax:jit",
    "numpy:load",
    "flax.linen:compact",
    "seqjax.extras:library",
    "seqjax.data.files:DataError",
    "seqjax.data.batches:Batches",
    "seqjax.data.wheels:subprocess.Popen",
    "seqjax.cells.lstm:LSTM.init",
    "seqjax.cells.lstm:Literal",
    "seqjax.cells:make",
    "seqjax.models.classifier:get_args",
    "os",
    ":LSTM",
    "seqjax.cells.lstm:",
    "",
    None,
    3,
    ["os:system"],
]


@pytest.mark.parametrize("kind", ["type", "function"])
@pytest.mark.parametrize("path", REFUSED, ids=str)
def test_nothing_else_is_built(path, kind):
    with pytest.raises(SpecError) as error:
        from_json({kind: path, "args": "true"} if kind == "type" else {kind: path})
    assert "\n" not in str(error.value)


def test_modules_of_python_are_not_even_imported():
    import sys

    assert "antigravity" not in sys.modules and "this" not in sys.modules
    for kind in ("type", "function"):
        with pytest.raises(SpecError, match="is refused"):
            from_json({kind: "this:s"})
    assert "this" not in sys.modules


MYCELL = """
import dataclasses
import jax
import jax.numpy as jnp
from seqjax import Cell
from seqjax.cells import Elman


def square(x):
    return x * jax.nn.relu(x)


@dataclasses.dataclass(frozen=True)
class MyCell(Elman):
    @dataclasses.dataclass(frozen=True)
    class Inner(Elman):
        pass


def local():
    @dataclasses.dataclass(frozen=True)
    class Local(Elman):
        pass
    return Local(3)
"""


@pytest.fixture
def mypackage(tmp_path, monkeypatch):
    """A cell of someone's own."""
    (tmp_path / "someones").mkdir()
    (tmp_path / "someones" / "mycell.py").write_text(MYCELL)
    (tmp_path / "someones" / "broken.py").write_text("import not_there_at_all\n")
    (tmp_path / "someones" / "wrong.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    import someones.mycell

    return someones.mycell


def test_a_cell_of_a_package_of_ones_own(mypackage):
    for cell in (
        mypackage.MyCell(4),
        mypackage.MyCell.Inner(3),
        mypackage.MyCell(4, activation=mypackage.square),
    ):
        assert round_trip(Stack((cell,))) == Stack((cell,))
    with pytest.raises(SpecError, match="Local is defined inside a function"):
        to_json(mypackage.local())
    with pytest.raises(SpecError, match="someones.mycell:dataclasses.field is refused"):
        from_json({"type": "someones.mycell:dataclasses.field"})
    with pytest.raises(SpecError, match="there is no Other in the module someones"):
        from_json({"type": "someones.mycell:Other"})
    with pytest.raises(SpecError, match="package not_there_at_all is not installed"):
        from_json({"type": "someones.broken:Cell"})
    with pytest.raises(SpecError, match="cannot be imported: division by zero"):
        from_json({"type": "someones.wrong:Cell"})


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(SpecError, match="package not_there_at_all is not installed"):
        from_json({"type": "not_there_at_all.cells:MyCell", "features": 3})


class OfATest(nn.Module):
    """A Flax module with a function that has no name."""

    activation: object = None


UNWRITABLE = {
    "a ndarray cannot be written": np.zeros(3),
    "OfATest.activation: <lambda> cannot": OfATest(lambda x: x),
    "json:dumps is refused": json.dumps,
    "keys of a dictionary must be strings, not 3": {"a": {3: 4}},
    "seqjax.data.batches:Batches|a Batches cannot be written": Batches([[1]], 1),
    "Elman.activation: .*cannot be written": Elman(3, activation=jax.jit(lambda x: x)),
    "a set cannot be written": {1},
    "a complex cannot be written": 1j,
}


@pytest.mark.parametrize("message", UNWRITABLE)
def test_what_cannot_be_written_is_named_with_its_field(message):
    with pytest.raises(SpecError, match=message):
        to_json(UNWRITABLE[message])


UNREADABLE = {
    "has no field 'size'": {"type": "seqjax.cells.lstm:LSTM", "size": 3},
    "missing 1 required": {"type": "seqjax.cells.lstm:LSTM"},
    "features must be a positive integer": {
        "type": "seqjax.cells.lstm:LSTM",
        "features": -1,
    },
    "has no field 'parent'": {
        "type": "seqjax.models.feed_forward:FeedForward",
        "hidden": [],
        "outputs": 2,
        "parent": None,
    },
    'needs a "type"': {"features": 3},
    "one has ['dict', 'x']": {"dict": {}, "x": 1},
    "no vocabulary|holds": {
        "type": "seqjax.data.tokenize:Tokenizer",
        "kind": "chars",
        "tokens": ["a"],
    },
}


@pytest.mark.parametrize("message", UNREADABLE)
def test_what_cannot_be_read_is_one_sentence(message):
    pattern = message if "|" in message else re.escape(message)
    with pytest.raises(SpecError, match=pattern) as error:
        from_json(UNREADABLE[message])
    assert "\n" not in str(error.value)


def test_every_cell_is_here():
    kinds = {type(layer).__name__ for layer in CELL_LAYERS.values()}
    assert kinds >= {"LSTM", "GRU", "Elman", "EchoState", "PeepholeLSTM", "FastWeights"}
