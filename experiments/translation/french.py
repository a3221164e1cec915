"""A small part of French, each sentence with its one English translation.

The two differ in the order of words (adjectives, pronouns, negation), in number (ne …
pas, passé composé, do not) and in what each must agree with; neither leaves a choice.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.translation.pairs import Pair

SING = Pair("Voulez-vous chanter avec moi ?", "Do you want to sing with me?")


class Phrase(NamedTuple):
    """The same in both languages; person is 0 … 5: I, you, he, she, we, they."""

    french: str
    english: str
    person: int = 2


PERSONS = "je I|vous you|il he|elle she|nous we|ils they".split("|")
ENDINGS = "e ez e e ons ent".split()
FUTURE = "ai ez a a ons ont".split()
HAVE = "ai avez a a avons ont".split()
OBJECTS = "me me|vous you|nous us".split("|")
TRANSITIVE = (  # French stem; English, in the third person, in the past
    "cherch look_for looks_for looked_for|regard watch watches watched|"
    "aim like likes liked|port carry carries carried|trouv find finds found|"
    "visit visit visits visited|dessin draw draws drew|gard keep keeps kept|"
    "lav wash washes washed|montr show shows showed"
).split("|")
INTRANSITIVE = (
    "chant sing sings sang|dans dance dances danced|travaill work works worked|"
    "parl speak speaks spoke|march walk walks walked|rest stay stays stayed"
).split("|")
NOUNS = (  # gender, French, English
    "m chat cat|f maison house|m livre book|f pomme apple|f voiture car|m chien dog|"
    "f fleur flower|f lettre letter|m jardin garden|f table table|m arbre tree|"
    "f école school|m ami friend|f étoile star|m roi king|f reine queen|m pont bridge"
).split("|")
AFTER = "rouge rouge red|vert verte green|noir noire black|rond ronde round".split("|")
BEFORE = (
    "petit petite small|grand grande big|joli jolie pretty|jeune jeune young".split("|")
)
WHERE = (
    "avec moi = with me|avec vous = with you|ce soir = tonight|demain = tomorrow|"
    "à Paris = in Paris|dans la rue = in the street|sans moi = without me|"
    "près de la mer = near the sea|tous les jours = every day"
).split("|")
VOWELS = "aeiouéèêàâ"


def draw_pairs(seed: int, count: int) -> list[Pair]:
    """Draws pairs; the course's «Voulez-vous chanter avec moi ?» is never drawn."""
    rng = np.random.default_rng(seed)
    drawn = []
    while len(drawn) < count:
        pair = _sentence(rng)
        if pair != SING:
            drawn.append(pair)
    return drawn


def _sentence(rng) -> Pair:
    kind = rng.random()
    if kind < 0.2:
        ask = _words(rng, ["Voulez-vous Do_you_want_to", "Pouvez-vous Can_you"])
        french, english = _deed(rng)
        return Pair(f"{ask[0]} {french} ?", f"{ask[1]} {english}?")
    french, english = _clause(rng)
    if kind < 0.5:
        link = _words(rng, ["et and", "mais but", "parce_que because"])
        other = _clause(rng)
        french = f"{french} {_joined(link[0], other[0])}"
        english = f"{english} {link[1]} {other[1]}"
    return Pair(*(f"{text[0].upper()}{text[1:]}." for text in (french, english)))


def _deed(rng) -> tuple[str, str]:
    """An infinitive and what belongs to it."""
    stem, verb, *_ = _words(rng, TRANSITIVE + INTRANSITIVE)
    what = _thing(rng) if _is_transitive(stem) else None
    where = _pair(rng, WHERE)
    french, english = (f"{stem}er", verb)
    if what:
        french, english = f"{french} {what.french}", f"{english} {what.english}"
    return f"{french} {where[0]}", f"{english} {where[1]}"


def _clause(rng) -> tuple[str, str]:
    """Subject, verb in one of three tenses, perhaps not, object, place or time."""
    subject = _subject(rng)
    stem, *verb = _words(rng, TRANSITIVE + INTRANSITIVE)
    tense, negated = int(rng.integers(3)), rng.random() < 0.3
    ahead, behind = "", Phrase("", "")
    if _is_transitive(stem) and rng.random() < 0.3:
        ahead, whom = _words(rng, [o for o in OBJECTS if o.split()[0] != "nous"])
        behind = Phrase("", whom)
    elif _is_transitive(stem):
        behind = _thing(rng)
    french = _french(subject, stem, tense, negated, ahead)
    english = _english(subject, verb, tense, negated)
    where = _pair(rng, WHERE) if rng.random() < 0.5 else ("", "")
    return (
        " ".join(filter(None, [french, behind.french, where[0]])),
        " ".join(filter(None, [english, behind.english, where[1]])),
    )


def _french(subject: Phrase, stem: str, tense: int, negated: bool, ahead: str) -> str:
    person = subject.person
    forms = stem + ENDINGS[person], HAVE[person], f"{stem}er{FUTURE[person]}"
    words = ["ne"] * negated + [ahead] * bool(ahead) + [forms[tense]]
    words += ["pas"] * negated + [f"{stem}é"] * (tense == 1)
    text = words[-1]
    for word in reversed(words[:-1]):
        text = _joined(word, text)
    return _joined(subject.french, text)


def _english(subject: Phrase, verb: list[str], tense: int, negated: bool) -> str:
    plain, third, past = verb
    is_third = subject.person in (2, 3)
    if negated:
        helper = (("does" if is_third else "do"), "did", "will")[tense]
        return f"{subject.english} {helper} not {plain}"
    form = third if is_third else plain, past, f"will {plain}"
    return f"{subject.english} {form[tense]}"


def _subject(rng) -> Phrase:
    if rng.random() < 0.6:
        person = int(rng.integers(6))
        french, english = PERSONS[person].split()
        return Phrase(french, english, person)
    return _thing(rng)


def _thing(rng) -> Phrase:
    """A noun with its article and up to two adjectives."""
    gender, french, english = _words(rng, NOUNS)
    feminine, many = gender == "f", bool(rng.random() < 0.3)
    if rng.random() < 0.3:
        *forms, adjective = _words(rng, AFTER)
        french = f"{french}{'s' * many} {forms[feminine]}"
        english = f"{adjective} {english}"
    if rng.random() < 0.3:
        *forms, adjective = _words(rng, BEFORE)
        french = f"{forms[feminine]}{'s' * many} {french}"
        english = f"{adjective} {english}"
    french, english = f"{french}{'s' * many}", f"{english}{'s' * many}"
    vowel = french[0] in VOWELS
    kind = int(rng.integers(4))
    if many:
        article = ("les", "mes", "vos", "ces")[kind]
    elif kind == 1:
        article = "ma" if feminine and not vowel else "mon"
    elif kind == 3:
        article = "cette" if feminine else "cet" if vowel else "ce"
    else:
        article = ("la" if feminine else "le", "", "votre")[kind]
    the = ("the", "my", "your", "these" if many else "this")[kind]
    return Phrase(_joined(article, french), f"{the} {english}", 5 if many else 2)


def _joined(word: str, text: str) -> str:
    """With the vowel of a short word dropped before another: l'arbre, j'aime."""
    if text[0] in VOWELS and word in ("le", "la", "je", "ne", "me", "parce que"):
        return f"{word[:-1]}'{text}"
    return f"{word} {text}"


def _is_transitive(stem: str) -> bool:
    return any(verb.startswith(f"{stem} ") for verb in TRANSITIVE)


def _words(rng: np.random.Generator, choices: Sequence[str]) -> list[str]:
    chosen = str(choices[int(rng.integers(len(choices)))])
    return [word.replace("_", " ") for word in chosen.split()]


def _pair(rng, choices: Sequence[str]) -> list[str]:
    chosen = str(choices[int(rng.integers(len(choices)))])
    return chosen.split(" = ")
