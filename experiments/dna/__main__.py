"""Which bases of a genome are genes, and on which strand? Many to many, equal lengths.

    python -m experiments.dna
    python -m experiments.dna --seeds=4
    python -m experiments.dna --target=class
    python -m experiments.dna --mode=label --workdir=runs/dna \\
        --text=AGCCCCTGTGAGGAACTAG

A layer in both directions reads a genome in steps of a codon, three times, and its
other strand as well; a CRF labels each base as a place in a codon, so that genes keep
their frame, and of all labels that make whole genes the best are taken. It learns from
windows of some genomes and is scored on whole ones that it never saw: genome number
--split_seed, or --seed, so that --seeds=4 holds each of four out in turn. Beside it
stand the most frequent label, the longest open reading frames, reading frames whose
codons an n-gram takes for a gene's, and the label that a relative has between the same
letters. --target=class instead puts whole sequences into classes, beside a logistic
regression.

Writes figures/loss.png, figures/genome.png (annotation over the posterior),
labelled.fasta (the genomes never seen with their labels), result.json, and the model
that --mode=label and seqjax.load ask. --mode=label prints the bases of --text, or of
the GenBank or FASTA file --file, and a label for each below them: . not coding, +
coding, - coding on the other strand.
"""

from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.dna.baselines import CODONS, FRAMES
from experiments.dna.data import DEFAULTS, TABLE
from experiments.dna.division import divide, score
from experiments.dna.model import loss_of, make_predictor, nats_per_base, windows
from experiments.dna.records import Genome, parse
from experiments.dna.report import (
    as_fasta,
    baselines,
    draw_learning,
    draw_stretch,
    report,
)
from experiments.dna.whole import train_whole
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.run import Run, load_model, split_seed
from seqjax import predict
from seqjax.data import Splits
from seqjax.data.files import read_text
from seqjax.data.nucleotides import encode
from seqjax.extras import library

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    cell="gru",
    buckets=1,
    features=64,
    bidirectional=True,
    steps=300,
    batch_size=32,
    learning_rate=4e-3,
    schedule="cosine",
    clip_norm=5.0,
    eval_every=50,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "label"],
    "train: makes a model. label: the one in --workdir labels --text or --file.",
)
flags.DEFINE_enum(
    "target",
    "bases",
    ["bases", "class"],
    "What is predicted: a label for every base, or a class for a whole sequence.",
)
flags.DEFINE_integer("window", 400, "Codons in a window to learn from.", 1)
flags.DEFINE_integer("embedding", 32, "Width of a base's vector.", 1)
flags.DEFINE_bool("frames", True, "Read how long the open reading frames are, too.")
flags.DEFINE_bool("crf", True, "Labels know their neighbours, by a CRF.")
flags.DEFINE_bool(
    "genes",
    True,
    "Labels are those of whole genes, from a start to a stop; else the likeliest each.",
)
flags.DEFINE_float("dropout", 0.4, "Share of inputs and outputs dropped.", 0.0, 0.99)
flags.DEFINE_enum(
    "pooling",
    "attention",
    ["last", "mean", "max", "attention"],
    "What is made of the layer's outputs over time, for --target=class.",
)
flags.DEFINE_string("text", "", "Bases to label, for --mode=label.")
flags.DEFINE_string("file", None, "GenBank or FASTA to label, for --mode=label.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, figures, result."""
    library("Bio.SeqIO", "dna")
    dataset = options.dataset or DEFAULTS[options.target]
    source = TABLE.load(dataset, options.data)
    if isinstance(source.examples, Splits) != (options.target == "class"):
        which = "class" if isinstance(source.examples, Splits) else "bases"
        raise UsageError(f"--target: {source.name} is data of --target={which}")
    if options.target == "class":
        return train_whole(options, source)
    parts = divide(source.examples, split_seed(options), source.name)
    labeller = make_predictor(options)
    variables = predict.init(labeller, jax.random.key(options.seed))
    run = Run.begin("dna", options, source, variables, facts(parts))
    valid, test = (labeller.reads([g.codes for g in part]) for part in parts[1:3])

    def evaluate(variables):
        shares = replace(labeller, variables=variables).probabilities(valid)
        marks = labeller.marks([g.codes for g in parts.valid], shares)
        scores = score(parts.valid, marks)
        nats = nats_per_base(parts.valid, shares)
        return {"valid": nats, "valid_matthews": 1 - scores.coding.result()}

    result = run.fit(
        labeller.model,
        variables,
        run.batches(windows(parts.train, options.window)),
        loss_of(labeller.model),
        evaluate,
        unit="nats per base",
    )
    labeller = replace(labeller, variables=result.params)
    run.save(labeller)
    shares = labeller.probabilities(test)
    marks = labeller.marks([g.codes for g in parts.test], shares)
    others = baselines(parts)
    draw_learning(run, result, parts)
    of_first = {name: others[name][0] for name in (FRAMES, CODONS)}
    draw_stretch(run, parts.test[0], marks[0], shares[0], of_first)
    run.write("labelled.fasta", as_fasta(parts.test, marks))
    return report(run, result, parts, marks, others)


def facts(parts: Any) -> str:
    """How much there is to learn from, to choose by and to score on."""
    counts = (sum(len(g.codes) for g in part) for part in parts[:3])
    facts = "{:,} bases to learn from, {:,} to choose by, {:,} never seen"
    return facts.format(*counts) + f" ({', '.join(g.name for g in parts.test)})"


def label(options: Any) -> None:
    """Prints the bases of --text or --file, and below them a label each."""
    if bool(options.text) == bool(options.file):
        raise UsageError("--text: give bases to label, or a file of them by --file")
    if options.file:
        genomes = parse(read_text(options.file), options.file)
    else:
        try:
            genomes = [Genome("text", encode(options.text), None)]
        except ValueError as error:
            raise UsageError(f"--text: {error}") from None
    labeller = load_model(options.workdir, predict.NucleotidePredictor)
    codes = [genome.codes for genome in genomes]
    marks = labeller.marks(codes, labeller.probabilities(labeller.reads(codes)))
    print(as_fasta(genomes, marks), end="")


if __name__ == "__main__":
    cli.run(train, label=label, uses={"label": "text file"})
