"""A recogniser of speech to ask: what was said in a WAV file, or while it is read."""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.audio import FrontEnd
from seqjax.data.batches import Batch, Batches
from seqjax.data.vocabulary import Vocabulary
from seqjax.decode import (
    Beam,
    Guide,
    Hypotheses,
    PrefixBeam,
    Prefixes,
    Rules,
    generate,
)
from seqjax.masks import from_lengths
from seqjax.models.recurrent import BOS
from seqjax.models.transcriber import Transcriber
from seqjax.predict.batched import apply, lengths_of
from seqjax.predict.hearing import (
    Sounds,
    batches_of_sounds,
    example_of_sound,
    inputs_of,
    is_one,
    one_or_several,
)
from seqjax.predict.language import LanguagePredictor


class Heard(NamedTuple):
    """One hypothesis of what was said."""

    text: str
    acoustic: float  # log P of the text given the sound, in nats
    language: float = 0.0  # log P of the text by the language model, if there is one


@dataclasses.dataclass(frozen=True, eq=False)
class SpeechPredictor:
    """A trained recogniser of speech.

    Attributes:
      model: a `Transcriber`, whose blank is the letters' `<EOS>`, or an
        `EncoderDecoder` that reads vectors.
      front: turns sound into the model's inputs.
      letters: that the model writes.
      longest: the most letters of a text that an `EncoderDecoder` writes.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/digits")  # doctest: +SKIP
      >>> predictor.transcribe("one.wav")  # doctest: +SKIP
      'one'
    """

    model: Any
    front: FrontEnd
    letters: Vocabulary
    longest: int = 200
    variables: Any = None

    def __post_init__(self):
        blank = getattr(self.model, "blank", self.letters.eos)
        if blank != self.letters.eos:
            raise ValueError(f"the blank must be that of <EOS>: {blank}")

    @property
    def aligned(self) -> bool:
        """Whether the model says something at each step (CTC), or writes by itself."""
        return isinstance(self.model, Transcriber)

    def example(self) -> tuple[Any, ...]:
        """Returns a sound of one step, and a text of one letter, for `init`."""
        sound = example_of_sound(self.front)
        return sound if self.aligned else (*sound, jnp.ones((1, 1), int), jnp.ones(1))

    def transcribe(
        self, sound: Sounds | Sequence[Sounds], **options: Any
    ) -> str | list[str]:
        """Returns what was said in a sound, or in each of several.

        Args:
          sound: a path of a WAV file, a `Sound`, or a list of them.
          **options: as in `n_best`.

        Raises:
          DataError: a file cannot be used.
        """
        inputs = [self.inputs(each) for each in one_or_several(sound)]
        texts = self.texts(self.batches(inputs), **options)
        return texts[0] if is_one(sound) else texts

    def inputs(self, sound: Sounds) -> np.ndarray:
        """Returns what the model reads of a sound, [T, features]."""
        return inputs_of(self.front, sound)

    def batches(
        self, inputs: Sequence[np.ndarray], batch_size: int = 32, buckets: int = 1
    ) -> Batches:
        """Returns inputs, each [T, features], batched for the other methods."""
        return batches_of_sounds(inputs, batch_size, buckets)

    def log_probs(self, batches: Batches) -> list[np.ndarray]:
        """Returns log P of each letter, and of none (`<EOS>`), at each step: [T, K]."""

        def function(batch: Batch) -> jax.Array:
            return apply(self.model, "log_probs", self.variables, *batch)

        rows, lengths = batches.map_rows(function), lengths_of(batches)
        return [row[:length] for row, length in zip(rows, lengths, strict=True)]

    def texts(self, batches: Batches, *, beam: int = 1, **options: Any) -> list[str]:
        """Returns the likeliest text of each sound, in their order.

        Args:
          batches: of `batches`.
          beam: hypotheses that are kept; 1 takes the likeliest letter at each step.
          **options: as in `n_best`.
        """
        if beam == 1 and self.aligned and not options:
            return [self._spell(self._path(row)) for row in self.log_probs(batches)]
        found = self.n_best(batches, beam=beam, **options)
        return [hypotheses[0].text for hypotheses in found]

    def n_best(
        self,
        batches: Batches,
        *,
        beam: int = 16,
        language: LanguagePredictor | None = None,
        weight: float = 0.5,
        bonus: float = 0.0,
    ) -> list[list[Heard]]:
        """Returns hypotheses for each sound, the best first.

        Args:
          batches: of `batches`, in one bucket.
          beam: how many are kept.
          language: a language model of letters, for a model with CTC.
          weight: of its log P.
          bonus: added for each letter.

        Raises:
          ValueError: the language model does not fit.
        """
        search = PrefixBeam(beam, self.letters.eos, weight, bonus)
        guide = None if language is None else self._guide_of(language)
        if guide is not None and not self.aligned:
            raise ValueError("a language model helps a model with CTC alone")
        found = []
        for batch in batches.once():
            if self.aligned:
                fixed = self.model, search, self.letters.unk
                prefixes = _search(*fixed, guide, self.variables, batch)
                columns = prefixes.labels, prefixes.acoustic, prefixes.language
            else:
                forms = self.longest, self.letters.eos, (self.letters.unk,)
                hypotheses = _write(self.model, beam, forms, self.variables, batch)
                scores = hypotheses.log_probs
                columns = hypotheses.tokens, scores, jnp.zeros_like(scores)
            rows = zip(*map(np.asarray, columns), batch.lengths, strict=True)
            found += [self._heard(*row) for *row, length in rows if length]
        return found

    def follow(self, pieces: Iterable[np.ndarray]) -> Iterator[str]:
        """Transcribes while a sound comes in: yields the text so far after each piece.

        The last one is what `transcribe` says of the whole sound.

        Args:
          pieces: samples [N] at the rate of the front end, of any lengths.

        Raises:
          ValueError: the model looks ahead, or its front end does.
        """
        if not (self.aligned and self.model.layer.causal and self.front.streams):
            raise ValueError(
                "this model needs the whole sound: a direction, deltas or the mean of "
                "an utterance look ahead"
            )
        carry = self.model.apply(self.variables, 1, method="initial_carry")
        path: list[int] = []
        for inputs in self.front.follow(pieces):
            if len(inputs):
                arguments = self.variables, carry, inputs[None]
                carry, log_probs = apply(self.model, "advance", *arguments)
                path += self._path(np.asarray(log_probs)[0])
            yield self._spell(path)

    def _path(self, log_probs: np.ndarray) -> list[int]:
        """Returns the likeliest class of each step, `<UNK>` never."""
        known = np.arange(log_probs.shape[1]) != self.letters.unk
        return np.where(known, log_probs, -np.inf).argmax(axis=1).tolist()

    def _spell(self, path: Sequence[int]) -> str:
        """Merges equal neighbours of a path, and drops blanks."""
        pairs = zip([self.letters.eos, *path], path, strict=False)
        return "".join(
            self.letters.tokens[label]
            for before, label in pairs
            if label not in (before, self.letters.eos)
        )

    def _heard(self, labels, acoustic, language) -> list[Heard]:
        return [
            Heard("".join(self.letters.decode(row)), float(a), float(b))
            for row, a, b in zip(labels, acoustic, language, strict=True)
            if a > -np.inf
        ]

    def _guide_of(self, language: LanguagePredictor) -> "_Letters":
        known = language.tokenizer.vocabulary
        if not any(t in known for t in self.letters.tokens if len(t) == 1):
            raise ValueError("the language model must be one of characters")
        places = {token: i for i, token in enumerate(known.tokens)}
        ids = [places.get(token, -1) for token in self.letters.tokens]
        return _Letters(language.model, language.variables, language.first, tuple(ids))


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["variables"],
    meta_fields=["model", "first", "ids"],
)
@dataclasses.dataclass(frozen=True)
class _Letters:
    """A language model whose tokens are looked up for a recogniser's letters."""

    model: Any
    variables: Any
    first: int  # what it reads first
    ids: tuple[int, ...]  # the token of each letter, −1 where it has none

    def guide(self, rows: int, end: int) -> Guide:
        """Returns the model over letters, for so many sounds."""
        ids = jnp.array(self.ids)
        read = jnp.maximum(ids, 0)
        apply = functools.partial(self.model.apply, self.variables)

        def step(carry, tokens):
            carry, logits = apply(carry, tokens, method="step")
            log_p = jax.nn.log_softmax(logits)[:, read]
            return carry, jnp.where(ids < 0, -jnp.inf, log_p)

        begin = apply(rows, method="initial_carry"), jnp.full(rows, self.first)
        carry, first = step(*begin)
        return Guide(lambda c, letter: step(c, read[letter]), carry, first, end)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _search(
    model: Any,
    search: PrefixBeam,
    forbidden: int,
    letters: _Letters | None,
    variables: Any,
    batch: Batch,
) -> Prefixes:
    inputs, lengths = batch
    log_probs = model.apply(variables, inputs, lengths, method="log_probs")
    log_probs = log_probs.at[..., forbidden].set(-jnp.inf)
    mask = from_lengths(lengths, inputs.shape[1])
    guide = None if letters is None else letters.guide(len(lengths), search.blank)
    return search.search(log_probs.swapaxes(0, 1), mask, guide)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _write(
    model: Any,
    beam: int,
    forms: tuple[int, int, tuple[int, ...]],
    variables: Any,
    batch: Batch,
) -> Hypotheses:
    apply = functools.partial(model.apply, variables)
    longest, eos_id, forbidden = forms
    return generate(
        functools.partial(apply, method="step"),
        apply(*batch, method="initial_carry"),
        jnp.full(len(batch.lengths), BOS),
        Beam(beam),
        length=longest,
        eos_id=eos_id,
        rules=Rules(forbidden),
    )
