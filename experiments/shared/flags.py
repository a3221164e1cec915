"""The flags that experiments share; a script adopts them and sets its own defaults."""

from typing import Any

from absl import flags

from seqjax import cells, train
from seqjax.data import Table

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "cell",
    "lstm",
    f"The recurrent cell: {', '.join(sorted(cells.CELLS))}; with fields of its own if "
    f"you like, as in --cell='lstm(coupled=True)'; or one of your own, as in "
    f"--cell='mypackage.mycell:MyCell'. Several, parted by commas, are trained one "
    f"after the other and compared.",
)
flags.DEFINE_integer("features", 128, "Units of each layer.", 1)
flags.DEFINE_integer(
    "parameters",
    0,
    "Choose --features so that the layers on an input as wide have about so many "
    "parameters, for cells that are to be compared; 0: as --features says.",
    0,
)
flags.DEFINE_integer("layers", 1, "Layers stacked on each other.", 1, 1000)
flags.DEFINE_bool("bidirectional", False, "Read the sequence in both directions.")
flags.DEFINE_float(
    "zoneout",
    0.0,
    "Share of each layer's state that stays as it was, at each step in training "
    "(Krueger et al., 2017); not of a decoder beside an encoder.",
    0.0,
    0.99,
)
flags.DEFINE_float(
    "recurrent_dropout",
    0.0,
    "Share of each layer's state hidden from its recurrent weights in training, the "
    "same at all steps of a sequence (Gal and Ghahramani, 2016); not of a decoder "
    "beside an encoder.",
    0.0,
    0.99,
)
flags.DEFINE_enum(
    "gradient",
    "lean",
    ["lean", "plain", "remat"],
    "How to differentiate the scan: lean is the fast one, plain is JAX's autodiff, "
    "remat saves memory on long sequences.",
)
flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "bfloat16"],
    "Of the recurrent layers' products and outputs; parameters, states and losses are "
    "float32 in any case.",
)
flags.DEFINE_integer("steps", 1000, "Training steps, one batch each.", 1)
flags.DEFINE_integer("batch_size", 64, "Sequences in a batch.", 1)
flags.DEFINE_integer(
    "buckets", 4, "Groups of examples of like length, padded to its longest each.", 1
)
flags.DEFINE_float("learning_rate", 1e-3, "The schedule's highest learning rate.", 0.0)
flags.DEFINE_enum(
    "schedule",
    "constant",
    sorted(train.SCHEDULES),
    "The learning rate over time: constant, or a cosine down to zero at --steps, with "
    "or without a linear warm-up over --warmup steps; or halving every --halve_every "
    "steps after --hold.",
)
flags.DEFINE_integer("hold", 0, "Steps at the full rate, for --schedule=halving.", 0)
flags.DEFINE_integer("halve_every", 1000, "Steps, for --schedule=halving.", 1)
flags.DEFINE_integer("warmup", 100, "Steps of warm-up, for such a --schedule.", 0)
flags.DEFINE_enum(
    "optimizer", "adam", sorted(train.OPTIMIZERS), "The optimiser, of Optax."
)
flags.DEFINE_float("weight_decay", 0.0, "For --optimizer=adamw.", 0.0)
flags.DEFINE_float(
    "clip_norm",
    0.0,
    "Scale a gradient whose global norm is larger down to it; 0 does not clip.",
    0.0,
)
flags.DEFINE_float(
    "clip_value", 0.0, "Cut each entry of a gradient to ±this; 0 does not clip.", 0.0
)
flags.DEFINE_integer(
    "skip_nonfinite",
    0,
    "Steps in a row that may have a loss or a gradient that is not finite: they change "
    "nothing, and are counted. One more stops the run.",
    0,
)
flags.DEFINE_float(
    "average",
    0.0,
    "Evaluate and keep an exponential moving average of the weights with this decay, "
    "such as 0.999; 0 keeps the weights themselves.",
    0.0,
    1.0,
)
flags.DEFINE_integer("seed", 0, "Of the split, weights, order of data and samples.", 0)
flags.DEFINE_integer(
    "seeds",
    1,
    "Trainings, with the seeds from --seed on: their mean and spread are the result. "
    "They go on side by side, as one program where their batches have one shape "
    "(--buckets=1).",
    1,
    10_000,
)
flags.DEFINE_integer(
    "split_seed",
    None,
    "Of the split into parts, where the task draws one; that of --seed if None.",
    0,
)
flags.DEFINE_integer("eval_every", 100, "Steps between evaluations.", 1)
flags.DEFINE_integer("checkpoint_every", 500, "Steps between checkpoints.", 1)
flags.DEFINE_string(
    "workdir",
    None,
    "The folder of the run; a new one below runs/ if None.",
)
flags.DEFINE_string("data", None, "A file of your own.")
flags.DEFINE_string("dataset", None, "A data set by name.")
flags.DEFINE_bool(
    "resume",
    False,
    "Go on from the newest checkpoint in --workdir, with the flags in its flags.txt "
    "except for those given now.",
)
flags.DEFINE_bool(
    "spread",
    True,
    "Split each batch over the cores or devices where that pays. Equal numbers of "
    "devices give equal bits; two cores and one differed by some 1e-7 of a loss and "
    "5e-7 of a gradient's norm in 100 steps of names.",
)
flags.DEFINE_string(
    "mesh",
    None,
    "Devices to split each batch over in any case, such as data:4 for four, counted "
    "over all processes; as --spread says if None.",
)
flags.DEFINE_string(
    "coordinator",
    None,
    "Train in several processes, which meet at this host:port of the first; auto: "
    "where Slurm, Kubernetes, Open MPI or a TPU pod says. All are started with the "
    "same flags, but for --process_id.",
)
flags.DEFINE_integer(
    "processes", None, "How many there are, for a --coordinator that is not auto.", 1
)
flags.DEFINE_integer(
    "process_id",
    None,
    "Which of them this is, from 0 on. The first writes all files.",
    0,
)
flags.DEFINE_string(
    "compilation_cache",
    None,
    "The folder that keeps compiled programs, so that the next run of like shapes "
    "begins sooner; that of JAX_COMPILATION_CACHE_DIR or in the user's cache folder if "
    "None; none: keep none.",
)
flags.DEFINE_bool("quiet", False, "Print the result line only.")

# What may differ when a run is resumed; all else would make it another run.
CHANGEABLE = frozenset(
    "steps eval_every checkpoint_every workdir resume quiet samples temperature "
    "flagfile spread compilation_cache mesh coordinator processes process_id".split()
)


def set_defaults(**values: Any) -> None:
    """Gives shared flags the defaults that suit one task."""
    for name, value in values.items():
        FLAGS.set_default(name, value)


def describe_data(table: Table) -> None:
    """Makes --help say what --data takes for a task, and which data sets there are."""
    FLAGS["data"].help = table.format
    FLAGS["dataset"].help = "A data set, the first by default: " + " ".join(
        f"{entry.name}: {entry.description}" for entry in table.datasets
    )
