"""What the server of `processes` does once, so that none of its forks has to.

Nothing here may start a thread or ask JAX for a device: forks would have them no more.
"""

import gc
import importlib
import io

MODULES = [
    "experiments.shared.cli",  # JAX first, which says what its library shall not print
    "jaxlib.mlir.dialects.mhlo",
    "sacrebleu",
    "scipy.io.wavfile",
    "seqjax.figures.everything",
    "seqjax.predict",
    "sklearn.linear_model",
    "statsmodels.tsa.api",
]


def _draw():
    """Finds the fonts, and learns to set what stands at a logarithmic axis."""
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().loglog([1, 1000])
    figure.savefig(io.BytesIO(), format="png")


for name in MODULES:
    importlib.import_module(name)
_draw()
# As in the tests themselves: tracing makes many objects, hardly any of them garbage.
gc.collect()
gc.freeze()
gc.set_threshold(200_000, 20, 100)
