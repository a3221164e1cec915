"""All figures, and with them matplotlib; `seqjax.figures` imports this when asked."""

from seqjax.figures.annotation import annotation
from seqjax.figures.comparison import compare
from seqjax.figures.curves import curves, gradient_norms
from seqjax.figures.decisions import decisions
from seqjax.figures.forecasts import Fan, fan_chart
from seqjax.figures.grids import grids
from seqjax.figures.held import coloured_text, held_units
from seqjax.figures.lags import gradient_by_lag
from seqjax.figures.learning import Panel, learning_curve
from seqjax.figures.matrices import attention, confusion, heat_map
from seqjax.figures.piano_roll import piano_roll
from seqjax.figures.pictures import pictures
from seqjax.figures.settings import Setting, by_setting, panels_by_setting
from seqjax.figures.sound import posterior
from seqjax.figures.spectra import eigenvalues, lyapunov, singular_values
from seqjax.figures.tracks import tracks
from seqjax.figures.trajectories import trajectories
from seqjax.figures.truncation import truncation

__all__ = [
    "Fan",
    "Panel",
    "Setting",
    "annotation",
    "attention",
    "by_setting",
    "coloured_text",
    "compare",
    "confusion",
    "curves",
    "decisions",
    "eigenvalues",
    "fan_chart",
    "gradient_by_lag",
    "gradient_norms",
    "grids",
    "heat_map",
    "held_units",
    "learning_curve",
    "lyapunov",
    "panels_by_setting",
    "piano_roll",
    "pictures",
    "posterior",
    "singular_values",
    "tracks",
    "trajectories",
    "truncation",
]
