"""Bases, reading frames, genomes and their files; what a labeller of bases answers."""

import dataclasses
import itertools

import jax
import numpy as np
import pytest
from Bio import Seq, SeqIO, SeqRecord
from Bio.Data.IUPACData import ambiguous_dna_values
from Bio.SeqFeature import CompoundLocation, SeqFeature, SimpleLocation

from experiments.dna import generator
from experiments.dna.baselines import BASELINES
from experiments.dna.data import read_path
from experiments.dna.division import divide, score
from experiments.dna.model import windows
from experiments.dna.records import Genome, from_marks, read_genomes
from experiments.dna.relatives import is_new, nearest_relative
from experiments.dna.report import as_fasta
from seqjax.cells import GRU
from seqjax.data import DataError
from seqjax.data.nucleotides import (
    LETTERS,
    SHARES,
    decode,
    encode,
    neighbourhoods,
    reverse_complement,
)
from seqjax.data.reading_frames import (
    STARTS,
    STOPS,
    Frame,
    labels_of,
    lengths_around,
    open_frames,
)
from seqjax.decode.genes import whole_genes
from seqjax.layers import Bidirectional
from seqjax.models import Bases, CodonFeatures, Tagger
from seqjax.predict import NucleotidePredictor, init, load, save
from seqjax.predict.nucleotides import STRAND, SWAPPED, by_strand


def random_codes(length, seed=0, letters=4):
    return np.random.default_rng(seed).integers(0, letters, length).astype(np.int32)


def random_genome(length, seed=0, name="g"):
    """Bases, some of them odd, and runs of marks."""
    rng = np.random.default_rng(seed)
    marks = "".join(".+-"[rng.integers(3)] * rng.integers(1, 40) for _ in range(length))
    codes = np.where(rng.random(length) < 0.02, rng.integers(4, 15, length), 0)
    codes = np.where(codes, codes, random_codes(length, seed + 1)).astype(np.int32)
    return Genome(name, codes, from_marks(marks[:length]))


def test_letters_are_those_of_iupac():
    del_gap = {k: v for k, v in ambiguous_dna_values.items() if k in LETTERS}
    assert set(del_gap) == set(LETTERS)
    for letter, bases in del_gap.items():
        shares = SHARES[encode(letter)[0]]
        assert {b: s for b, s in zip("ACGT", shares, strict=True) if s} == {
            base: pytest.approx(1 / len(bases)) for base in bases
        }
    codes = random_codes(300, letters=15)
    text = decode(codes)
    assert decode(reverse_complement(codes)) == str(Seq.Seq(text).reverse_complement())
    assert encode(text.lower()).tolist() == codes.tolist()
    assert encode("U") == encode("T")
    assert decode(neighbourhoods(encode("ACG"))[0]) == "NNACG"
    with pytest.raises(ValueError, match=r"'\*', letter 3"):
        encode("AC*")


def brute_frames(text, shortest, partial):
    """Start and end of open reading frames of one strand, letter by letter."""
    for phase in range(3):
        start, end = phase if partial else None, phase
        for i in range(phase, len(text) - 2, 3):
            codon, end = text[i : i + 3], i + 3
            start = i if start is None and codon in STARTS else start
            if codon in STOPS:
                if start is not None and end - start >= shortest:
                    yield start, end
                start = None
        if partial and start is not None and end - start >= shortest:
            yield start, end


@pytest.mark.parametrize("length", [0, 2, 3, 700])
def test_reading_frames_and_their_lengths(length):
    codes = random_codes(length, seed=3)
    codes[length // 2 : length // 2 + 2] = 14
    strands = decode(codes), decode(reverse_complement(codes))
    for partial in (False, True):
        expected = {
            Frame(a, b, bool(other))
            for other, text in enumerate(strands)
            for a, b in brute_frames(text, 12, partial)
        }
        assert set(open_frames(codes, 12, partial)) == expected
        assert len(expected) > (5 if length > 9 else -1)
    logs = np.zeros((length, 6))
    for a, b, other in expected:
        for k, place in enumerate(range(a, b)):
            row = length - 1 - place if other else place
            logs[row, k % 3 + 3 * other] = np.log2((b - a) / 12)
    np.testing.assert_allclose(lengths_around(codes, 12), logs, atol=1e-6)


def test_frames_label_what_better_ones_leave():
    frames = [Frame(2, 8, False), Frame(0, 6, True), Frame(6, 12, False)]
    marks = labels_of(frames, 10, overlap=4)
    assert marks.tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 2, 2]
    assert labels_of(frames, 10, overlap=3).tolist()[8:] == [1, 1]


def test_a_base_has_the_mean_of_the_codons_that_it_may_be_part_of():
    module = CodonFeatures(5)
    rng = np.random.default_rng(0)
    letters = np.array([encode("ACGTA"), encode("NRCYT")])
    bases = Bases(letters, rng.normal(size=(2, 6)).astype(np.float32))
    variables = module.init(jax.random.key(0), bases)
    vectors = np.array(variables["params"]["codons"])
    dense = variables["params"]["frames"]
    added = bases.frames @ dense["kernel"] + dense["bias"]
    ys = module.apply(variables, bases) - added
    exact = vectors[0, 0, 1, 2] + vectors[1, 1, 2, 3] + vectors[2, 2, 3, 0]
    np.testing.assert_allclose(ys[0], exact, atol=1e-5)
    spelled = itertools.product("ACGT", "AG", "C", "CT", "T")
    each = [encode("".join(five)) for five in spelled]
    frames = np.zeros((len(each), 6), np.float32)
    plain = module.apply(variables, Bases(np.array(each), frames)) - dense["bias"]
    np.testing.assert_allclose(ys[1], plain.mean(axis=0), atol=1e-5)
    without = CodonFeatures(5, frames=False)
    del variables["params"]["frames"]
    np.testing.assert_allclose(without.apply(variables, bases), ys, atol=1e-5)


def predictor(crf=True, **fields):
    layer = Bidirectional(GRU(4))
    made = NucleotidePredictor(Tagger(layer, 7, CodonFeatures(6), crf=crf), **fields)
    leaves, tree = jax.tree.flatten(init(made, jax.random.key(0)))
    rng = np.random.default_rng(1)
    leaves = [rng.normal(0, 0.7, leaf.shape).astype(np.float32) for leaf in leaves]
    return dataclasses.replace(made, variables=tree.unflatten(leaves))


@pytest.mark.parametrize("crf", [True, False])
def test_both_strands_have_the_same_labels(crf):
    labeller = predictor(crf)
    sequences = [random_codes(n, seed=n, letters=15) for n in (1, 2, 40, 95)]
    there = labeller.probabilities(labeller.reads(sequences))
    others = [reverse_complement(codes) for codes in sequences]
    back = labeller.probabilities(labeller.reads(others, batch_size=5, buckets=3))
    for codes, p, q in zip(sequences, there, back, strict=True):
        assert p.shape == (len(codes), 7)
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(q[::-1][:, SWAPPED], p, atol=1e-5)
        np.testing.assert_allclose(by_strand(p).sum(axis=1), 1, atol=1e-5)


def test_each_base_is_labelled_as_the_middle_of_a_step():
    """Of a window that a network learns from, both strands averaged."""
    labeller = predictor()
    genome = random_genome(50, seed=2)
    (p,) = labeller.probabilities(labeller.reads([genome.codes]))
    rows = windows([genome], steps=1000)
    assert len(rows) == 6
    both = np.zeros((2, 50, 7))
    for i, (bases, labels) in enumerate(rows):
        strand, phase = divmod(i, 3)
        lengths = np.array([len(labels)])
        batch = jax.tree.map(lambda a: np.asarray(a)[None], bases)
        q = labeller.model.apply(
            labeller.variables, batch, lengths, method="probabilities"
        )
        both[strand, phase::3] = q[0]
        gold = genome.labels if not strand else SWAPPED[genome.labels[::-1]]
        assert labels.tolist() == gold[phase::3].tolist()
    mean = 0.5 * (both[0] + both[1][::-1][:, SWAPPED])
    np.testing.assert_allclose(p, mean, atol=1e-5)


def test_pieces_with_margins_are_the_whole():
    whole = predictor()
    codes = [random_codes(n, seed=n) for n in (130, 31)]
    expected = whole.probabilities(whole.reads(codes))
    pieces = dataclasses.replace(whole, longest=7, margin=60)
    got = pieces.probabilities(pieces.reads(codes))
    for p, q in zip(expected, got, strict=True):
        np.testing.assert_allclose(p, q, atol=1e-5)
    cut = dataclasses.replace(whole, longest=7, margin=0)
    assert not np.allclose(expected[0], cut.probabilities(cut.reads(codes))[0])


def test_a_labeller_is_saved_and_answers(tmp_path):
    labeller = predictor()
    save(tmp_path, labeller)
    loaded = load(tmp_path, NucleotidePredictor)
    text = "AGCCCCTGTGAGGAACTAG"
    assert loaded.label(text) == labeller.label(text.lower().replace("t", "u"))
    assert len(loaded.label("N")) == 1
    for bad, named in (("", "blank"), ("AC7", "'7', letter 3")):
        with pytest.raises(ValueError, match=named):
            loaded.label(bad)
    with pytest.raises(ValueError, match="labels"):
        NucleotidePredictor(Tagger(GRU(2), 3))
    with pytest.raises(ValueError, match="margin"):
        predictor(margin=-1)


def record(seed=0, length=400):
    """A GenBank record with genes of all kinds, and the labels they mean."""
    rng = np.random.default_rng(seed)
    codes = random_codes(length, seed, letters=15)
    record = SeqRecord.SeqRecord(Seq.Seq(decode(codes)), id="X1.1", name="X1")
    record.annotations["molecule_type"] = "DNA"
    labels = np.zeros(length, int)
    parts = [
        [(10, 40, 1)],
        [(60, 71, 1), (80, 99, 1)],
        [(150, 131, -1), (128, 110, -1)],
        [(200, 320, -1)],
        [(205, 230, 1)],
    ]
    for begun, spans in enumerate(parts):
        spans = [(min(a, b), max(a, b), strand) for a, b, strand in spans]
        places = [p for a, b, s in spans for p in list(range(a, b))[::s]]
        place = [SimpleLocation(*span) for span in spans]
        location = place[0] if len(place) == 1 else CompoundLocation(place)
        start = begun % 3
        qualifiers = {"codon_start": [str(start + 1)]}
        record.features.append(SeqFeature(location, "CDS", qualifiers=qualifiers))
        for k, p in enumerate(places):
            if not (begun == 4):  # lies inside a longer one
                labels[p] = (1 if spans[0][2] > 0 else 4) + (k - start) % 3
    pseudo = SeqFeature(SimpleLocation(330, 360, 1), "CDS", qualifiers={"pseudo": [""]})
    record.features.append(pseudo)
    rng.shuffle(record.features)
    return record, codes, labels


def test_genbank_is_read_as_biopython_writes_it(tmp_path):
    written, codes, labels = record()
    SeqIO.write([written], tmp_path / "a.gbk", "genbank")
    (genome,) = read_genomes(tmp_path)
    assert genome.name == "X1.1"
    assert genome.codes.tolist() == codes.tolist()
    assert genome.labels.tolist() == labels.tolist()
    other = written.reverse_complement(id="X2.1", name="X2", annotations=True)
    SeqIO.write([written, other], tmp_path / "b.gb", "genbank")
    assert len(read_genomes(tmp_path)) == 1, "the other strand is the same genome"


def test_genbank_cut_anywhere_is_one_sentence(tmp_path):
    path = tmp_path / "a.gbk"
    SeqIO.write([record()[0]], path, "genbank")
    whole = path.read_text().rstrip()
    rng = np.random.default_rng(0)
    for cut in [0, 1, *rng.integers(2, len(whole) - 2, 40), len(whole) - 1]:
        for end in ("", "\n//\n"):
            if cut == len(whole) - 1 and end:
                continue
            path.write_text(whole[:cut] + end)
            with pytest.raises(DataError, match=r"a\.gbk") as caught:
                read_genomes(path)
            assert "\n" not in str(caught.value)


def test_fasta_is_read_as_it_is_written(tmp_path):
    genomes = [random_genome(n, seed=n, name=f"g{n}") for n in (1, 60, 61, 200)]
    marks = [STRAND[genome.labels] for genome in genomes]
    path = tmp_path / "a.fasta"
    path.write_text(as_fasta(genomes, marks))
    for ours, theirs in zip(genomes, read_genomes(path), strict=True):
        assert ours.name == theirs.name
        assert ours.codes.tolist() == theirs.codes.tolist()
        assert ours.labels.tolist() == theirs.labels.tolist()


BAD = {  # a file, and what the sentence says
    "": "nothing in it",
    "ACGT\n": "neither GenBank",
    ">a\n": "a has no bases",
    ">a\nACGT\n+++\n": "a has 4 bases, but 3 labels",
    ">a\nAC\n++\n>b\nACGT\n": "b has no labels",
    ">a\nACGT\n++++\n>b\nAC\nA8G\n+++++\n": "line 6: '8', letter 4, is not",
    ">a*\nAC*\n...\n": "line 2: '\\*', letter 3",
    ">a\nAC\n++\nAC\n++\n": "line 3: '\\+', letter 3",
    "LOCUS       X 4 bp DNA\n//\n": "X|whole",
    "LOCUS       X 9 bp DNA\nORIGIN\n        1 acgt\n//\n": "X|whole",
    "LOCUS       X 4 bp DNA\nORIGIN\n        1 acgt\n//\n": "no CDS|whole",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_file_is_one_sentence(text, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=f"^{path}.*({BAD[text]})") as caught:
        read_genomes(path)
    assert "\n" not in str(caught.value)


def test_a_table_of_sequences_is_refused_by_its_line(tmp_path):
    path = tmp_path / "table.tsv"
    for text, named in (
        ("x ACG\nx ACG x\n", "line 2: 3 columns"),
        ("x ACG\n\nx A1G\n", "line 3: '1', letter 2"),
        ("x ACG\nx ACG\n", "1 different examples"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=rf"table\.tsv.*{named}"):
            read_path(path)
    path.write_text("".join(f"x {a}{b}\n" for a in "acgt" for b in "NACT"))
    parts = read_path(path)
    assert sorted(s.text for part in parts for s in part)[:2] == ["AA", "AC"]


def test_features_beyond_the_sequence_and_odd_letters_are_named(tmp_path):
    path = tmp_path / "a.gb"
    SeqIO.write([record()[0]], path, "genbank")
    text = path.read_text()
    path.write_text(text.replace("11..40", "11..999"))
    with pytest.raises(DataError, match=r"X1\.1: the CDS at .* beyond the sequence"):
        read_genomes(path)
    *head, line, end = text.rstrip().splitlines()
    path.write_text("\n".join([*head, line[:-1] + "*", end]))
    number = len(head) + 1
    with pytest.raises(DataError, match=rf"line {number}: '\*', letter 400"):
        read_genomes(path)
    with pytest.raises(DataError, match="no file in it"):
        (tmp_path / "none").mkdir()
        read_genomes(tmp_path / "none")


def test_whole_genomes_are_held_out_and_stretches_of_the_others():
    genomes = [random_genome(97 + i, seed=i, name=str(i)) for i in range(4)]
    held = set()
    for seed in range(4):
        parts = divide(genomes, seed, "data")
        (test,) = parts.test
        held.add(test.name)
        names = [g.name.split()[0] for g in parts.train]
        assert test.name not in {*names, *(g.name.split()[0] for g in parts.valid)}
        for genome in genomes:
            own = [
                g
                for part in parts[:2]
                for g in part
                if g.name.split()[0] == genome.name
            ]
            total = sum(len(g.codes) for g in own)
            assert total == (0 if genome.name == test.name else len(genome.codes))
        assert [len(g.codes) for g in parts.valid] == [
            len(g.codes) // 10 for g in genomes if g.name != test.name
        ]
    assert len(held) == 4
    assert len(divide(genomes * 6, 3, "data").test) == 3, "of 24, every tenth"
    for bad, named in (
        (genomes[:1], "1 genome"),
        ([genomes[0], random_genome(9, name="few")], "few has 9 bases"),
        ([g._replace(labels=0 * g.labels) for g in genomes], "one kind"),
    ):
        with pytest.raises(DataError, match=named):
            divide(bad, 0, "data")


def test_a_relative_knows_what_it_has_too():
    known = random_genome(500, seed=5)
    other = Genome("o", reverse_complement(known.codes), SWAPPED[known.labels[::-1]])
    mark = nearest_relative([known])
    scores = score([other], [mark(other)])
    assert float(scores.right.result()) > 0.9, "but at odd letters"
    stranger = random_codes(200, seed=9)
    stranger[50:90] = np.where(known.codes < 4, known.codes, 0)[100:140]
    plain = known._replace(codes=np.where(known.codes < 4, known.codes, 0))
    new = is_new(Genome("s", stranger, None), [plain])
    assert not new[50:90].any() and new[:40].all() and new[100:].all()


def paths(machine, codes):
    """P of each path of states and the bases, by its states."""
    found = {(): 1.0}
    for code in codes:
        longer = {}
        for path, p in found.items():
            row = machine.transitions[path[-1] if path else 0]
            for state in np.flatnonzero(row * machine.emissions[:, code]):
                share = p * row[state] * machine.emissions[state, code]
                longer[*path, int(state)] = share
        found = longer
    return found


def test_the_generators_posterior_is_that_of_all_paths():
    machine = generator.make(seed=0)
    np.testing.assert_allclose(machine.transitions.sum(axis=1), 1)
    np.testing.assert_allclose(machine.emissions.sum(axis=1), 1)
    codes = encode("TATGCATAAACTACAT")
    total = np.zeros((len(codes), 7))
    for path, p in paths(machine, codes).items():
        for t, state in enumerate(path):
            total[t, machine.labels[state]] += p
    total /= total.sum(axis=1, keepdims=True)
    assert (total.max(axis=0) > 1e-3).all(), "all labels occur"
    np.testing.assert_allclose(generator.posterior(machine, codes), total, atol=1e-5)
    codes, labels = generator.draw(machine, np.random.default_rng(0), 3000)
    text, marks = decode(codes), STRAND[labels]
    edges = np.flatnonzero(np.diff(marks, prepend=0, append=0))
    genes = [(a, b) for a, b in itertools.pairwise(edges) if marks[a]]
    assert len(genes) > 5
    for a, b in genes[:-1]:
        gene = Seq.Seq(text[a:b])
        gene = str(gene.reverse_complement() if marks[a] == 2 else gene)
        assert gene.startswith("ATG") and gene[-3:] in STOPS and len(gene) % 3 == 0
    assert labels.tolist() == from_marks("".join(".+-"[m] for m in marks)).tolist()


def test_frames_and_codons_find_genes():
    machine, rng = generator.make(seed=0), np.random.default_rng(3)
    genomes = [Genome(str(i), *generator.draw(machine, rng, 4000)) for i in range(3)]
    parts = divide(genomes, 0, "data")
    each = {
        name: score(parts.test, list(map(make(parts), parts.test))).coding.result()
        for name, make in BASELINES.items()
    }
    most, frames, codons = each.values()
    assert most == 0 and 0.3 < frames < codons


def best_by_hand(codes, gains):
    """Tries all labellings of a short sequence that the rules of genes allow."""
    text, other = decode(codes), decode(reverse_complement(codes))[::-1]
    stops = {stop[::-1] for stop in STOPS}
    starts = {start[::-1] for start in STARTS}

    def begins(label, t):
        codon, paired = text[t : t + 3], other[t : t + 3]
        return (label == 1 and codon in STARTS) or (label == 6 and paired in stops)

    def ended(label, t):
        codon, paired = text[t - 3 : t], other[t - 3 : t]
        at = t >= 3
        return at and (
            (label == 3 and codon in STOPS) or (label == 4 and paired in starts)
        )

    def may(a, b, t):
        if not a and not b:
            return True
        goes_on = a and b == {1: 2, 2: 3, 3: 1, 6: 5, 5: 4, 4: 6}[a]
        stopped = (a == 3 and t >= 3 and text[t - 3 : t] in STOPS) or (
            a == 4 and other[t : t + 3] in stops
        )
        if goes_on and not stopped:
            return True
        if not a or not b:
            return begins(b, t) if b else ended(a, t)
        return begins(b, t) or ended(a, t)

    best = {(label,): gains[0, label] for label in range(7)}
    for t in range(1, len(codes)):
        longer = {}
        for path, total in best.items():
            for label in range(7):
                if may(path[-1], label, t):
                    longer[*path, label] = total + gains[t, label]
        top = {}
        for path, total in longer.items():  # of those with one last label, the best
            if total > top.get(path[-1], (None, -np.inf))[1]:
                top[path[-1]] = path, total
        best = dict(top.values())
    return max(best.values())


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_the_best_whole_genes(seed):
    rng = np.random.default_rng(seed)
    words = [*STARTS, *STOPS, *(decode(reverse_complement(encode(w))) for w in STOPS)]
    words += [decode(reverse_complement(encode(w))) for w in STARTS] + ["N", "AC"]
    codes = encode("".join(rng.choice(words, 60)))
    gains = rng.dirichlet(np.full(7, 0.3), len(codes))
    labels = whole_genes(codes, gains)
    total = gains[np.arange(len(codes)), labels].sum()
    assert total == pytest.approx(best_by_hand(codes, gains), abs=1e-4)
    assert len(set(labels.tolist())) > 3
    assert whole_genes(codes[:1], gains[:1]).tolist() == [gains[0].argmax()]
    assert whole_genes(codes[:0], gains[:0]).shape == (0,)
