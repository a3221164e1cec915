"""Clauses in clauses: "the cat that the dogs that the boy sees chase was".

Each noun after "that the" waits for a verb of its own, which agrees with it, and comes
before the verbs of all nouns that were waiting already. So a reader has to hold up to
`MOST` numbers at once as a stack, and must go on writing some while it holds others:
one unit that is set at the subject and stays so for ever answers the last verb alone,
and only if nothing that is written later reaches it. The nouns in between are no noise,
since each decides a verb that is asked for too. A noun after "near the" waits for none.

Lakretz et al. (2021), "Mechanisms for handling nested dependencies in neural-network
language models and humans", ask language models for such verbs. As brackets, singular
and plural, of bounded depth, the sentences are those of Hewitt et al. (2020), "RNNs can
generate bounded hierarchical languages with optimal memory": a plain network, a GRU and
an LSTM can all be right always, with a number of units that grows as the depth does. So
where a network fails it is training that failed, and at which distance is the question.
"""

import random

from experiments.agreement.words import NOUNS, Sentence

MOST = 3  # nouns that wait for their verbs at once, the first one included
LONGEST_INNER = 8  # words between an inner noun and its verb
FILLERS = "slowly gladly loudly often never quietly already then soon again".split()
VERBS = (("sees", "see"), ("likes", "like"), ("chases", "chase"), ("hears", "hear"))
INNER_PLURAL = frozenset(plural for _, plural in VERBS)
INNER, NEAR = 0.35, 0.15  # chances of a clause and of "near the …", where they fit


def draw_nested(seed: int, count: int, shortest: int, longest: int) -> list[Sentence]:
    """Draws sentences with `shortest` to `longest` words between subject and verb.

    Before the subject stand up to six words and a comma, and in half of the sentences
    "near the …", whose noun waits for no verb.

    Args:
      seed: of the draws.
      count: how many.
      shortest: the fewest words between subject and verb.
      longest: the most.
    """
    rng = random.Random(f"{seed} {shortest} {longest}")
    return [_draw(rng, rng.randint(shortest, longest)) for _ in range(count)]


def _draw(rng: random.Random, distance: int) -> Sentence:
    words, inner = rng.choices(FILLERS, k=rng.randrange(4)), []
    if rng.randrange(2):
        words += ["near", "the", _noun(rng)]
    words += [",", "the", _noun(rng)]
    plural, start = words[-1].endswith("s"), len(words)
    _clause(rng, words, inner, distance, MOST - 1)
    nouns = [word for word in words[start:] if word.removesuffix("s") in NOUNS]
    others = sum(noun.endswith("s") != plural for noun in nouns)
    verb = "were" if plural else "was"
    return Sentence(tuple(words), verb, distance, others, tuple(inner))


def _clause(
    rng: random.Random, words: list[str], inner: list[int], length: int, room: int
) -> None:
    """Appends as many words, and the places of their verbs, at most `room` deep."""
    end = len(words) + length
    while (left := end - len(words)) > 0:
        chance = rng.random()
        if chance < INNER and room and left >= 4:
            words += ["that", "the", _noun(rng)]
            plural = words[-1].endswith("s")
            between = rng.randint(0, min(left - 4, LONGEST_INNER))
            _clause(rng, words, inner, between, room - 1)
            inner.append(len(words))
            words.append(rng.choice(VERBS)[plural])
        elif INNER < chance < INNER + NEAR and left >= 3:
            words += ["near", "the", _noun(rng)]
        else:
            words.append(rng.choice(FILLERS))


def _noun(rng: random.Random) -> str:
    return rng.choice(NOUNS) + "s" * rng.randrange(2)
