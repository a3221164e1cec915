"""A GRU that agrees at any distance, whose few weights a person has set.

It reads three numbers a word: is it a singular noun, is it a plural noun, is it
"which". It has two units. With L = 20 for "yes, certainly", in the letters of E11:

  unit 0, the number of the subject: 1 after a singular noun, −1 after a plural one
    Γu = σ(2L noun − 4L h₁ − L)     open for a noun, shut for any other word, and shut
                                    for every word once unit 1 says "in the clause"
    c̃  = tanh(L singular − L plural)    what is written when the gate is open

  unit 1, in the clause: 0 before "which", 1 from there on
    Γu = σ(2L which − L)            open for "which" alone
    c̃  = tanh(L which)              1 is written

Γr is 1 for both: nothing is reset, and no candidate reads the state. A gate that is
shut is σ(−L) = 2·10⁻⁹ or less, which is lost beside 1 in float32: a unit then holds its
value exactly, however many words follow. The readout says "were" by σ(−L h₀).

So the last noun before ", which" is the subject; those in the clause do not count.
"""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from experiments.agreement.data import NOUNS, WORDS
from experiments.agreement.model import LONGEST, VERBS
from seqjax.cells import GRU
from seqjax.cells.gru import GRUParams
from seqjax.data import Tokenizer
from seqjax.models import Classifier
from seqjax.predict import ClassPredictor

L = 20.0
NUMBER, CLAUSE = 0, 1  # the units
W_X = [  # columns: Γr of both units, Γu of both, c̃ of both
    [0, 0, 2 * L, 0, L, 0],  # singular noun
    [0, 0, 2 * L, 0, -L, 0],  # plural noun
    [0, 0, 0, 2 * L, 0, L],  # "which"
]
W_H = [
    [0, 0, 0, 0, 0, 0],  # from unit 0
    [0, 0, -4 * L, 0, 0, 0],  # from unit 1: shuts the gate of unit 0
]
B = [L, L, -L, -L, 0, 0]


def by_hand() -> ClassPredictor:
    """The network, ready to be asked like a trained one."""
    words = [*NOUNS, *(f"{noun}s" for noun in NOUNS), *WORDS, "the", ",", "which"]
    tokenizer = Tokenizer.build([" ".join(words)], "spaced")
    singular = np.isin(tokenizer.tokens, NOUNS)
    plural = np.isin(tokenizer.tokens, [f"{noun}s" for noun in NOUNS])
    which = np.array(tokenizer.tokens) == "which"
    meaning = np.stack([singular, plural, which], axis=1).astype(np.float32)
    model = Classifier(GRU(2), 1, nn.Embed(*meaning.shape))
    variables = {
        "params": {
            "embed": {"embedding": jnp.asarray(meaning)},
            "recurrent": {"layer": GRUParams(*map(jnp.array, (W_X, W_H, B)))},
            "readout": {"kernel": jnp.array([[-L], [0.0]]), "bias": jnp.zeros(1)},
        }
    }
    return ClassPredictor(model, tokenizer, VERBS, LONGEST, variables)
