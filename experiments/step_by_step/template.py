"""The functions of the course's assignment 1, to be written.

Copy this file, write as many of the functions as you like, in any order, and have them
checked; what is not written yet is passed over:

    cp experiments/step_by_step/template.py mine.py
    python -m experiments.step_by_step --yours=mine.py

A function is judged by itself: whatever it calls of the others is right, be yours right
or not. Name what you compute on the way as the docstrings do (dtanh, ft, it, cct, ot,
dot, dcct, dit, dft, ...), and the first wrong one is named.

Shapes: n_x inputs, n_a units, n_y classes, a batch of m, T_x steps. np, sigmoid and
softmax (of each column) are there.

    RNN parameters   Waa [n_a, n_a], Wax [n_a, n_x], Wya [n_y, n_a],
                     ba [n_a, 1], by [n_y, 1]
    LSTM parameters  Wf, Wi, Wc, Wo [n_a, n_a + n_x], bf, bi, bc, bo [n_a, 1],
                     Wy [n_y, n_a], by [n_y, 1]; they act on a_prev above xt
"""


def rnn_cell_forward(xt, a_prev, parameters):
    """One step of the RNN: a tanh, and softmax of an affine function of it.

    Args:
      xt: [n_x, m].
      a_prev: [n_a, m].
      parameters: a dictionary of the RNN's.

    Returns:
      a_next [n_a, m], yt_pred [n_y, m], and
      cache = (a_next, a_prev, xt, parameters).
    """
    raise NotImplementedError


def rnn_forward(x, a0, parameters):
    """All steps of the RNN.

    Args:
      x: [n_x, m, T_x].
      a0: [n_a, m].
      parameters: as above.

    Returns:
      a [n_a, m, T_x], y_pred [n_y, m, T_x], and
      caches = (a list of each step's cache, x).
    """
    raise NotImplementedError


def rnn_cell_backward(da_next, cache):
    """One step back: first dtanh, the gradient of what tanh was taken of.

    Args:
      da_next: [n_a, m].
      cache: of rnn_cell_forward.

    Returns:
      A dictionary of dxt [n_x, m], da_prev [n_a, m], dWax [n_a, n_x], dWaa [n_a, n_a]
      and dba [n_a, 1].
    """
    raise NotImplementedError


def rnn_backward(da, caches):
    """All steps back, from the last to the first.

    Args:
      da: [n_a, m, T_x], what comes from the outputs.
      caches: of rnn_forward.

    Returns:
      A dictionary of dx [n_x, m, T_x], da0 [n_a, m], dWax, dWaa and dba.
    """
    raise NotImplementedError


def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    """One step of the LSTM: concat, ft, it, cct, c_next, ot, a_next, yt_pred.

    Args:
      xt: [n_x, m].
      a_prev: [n_a, m].
      c_prev: [n_a, m].
      parameters: a dictionary of the LSTM's.

    Returns:
      a_next [n_a, m], c_next [n_a, m], yt_pred [n_y, m], and
      cache = (a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters).
    """
    raise NotImplementedError


def lstm_forward(x, a0, parameters):
    """All steps of the LSTM; c begins with zeros.

    Args:
      x: [n_x, m, T_x].
      a0: [n_a, m].
      parameters: as above.

    Returns:
      a [n_a, m, T_x], y [n_y, m, T_x], c [n_a, m, T_x], and
      caches = (a list of each step's cache, x).
    """
    raise NotImplementedError


def lstm_cell_backward(da_next, dc_next, cache):
    """One step back: dot, dcct, dit, dft are of what σ or tanh was taken of.

    Args:
      da_next: [n_a, m].
      dc_next: [n_a, m].
      cache: of lstm_cell_forward.

    Returns:
      A dictionary of dxt [n_x, m], da_prev [n_a, m], dc_prev [n_a, m], dWf, dWi, dWc
      and dWo [n_a, n_a + n_x], dbf, dbi, dbc and dbo [n_a, 1].
    """
    raise NotImplementedError


def lstm_backward(da, caches):
    """All steps back, from the last to the first; nothing comes from the last c.

    Args:
      da: [n_a, m, T_x], what comes from the outputs.
      caches: of lstm_forward.

    Returns:
      A dictionary of dx [n_x, m, T_x], da0 [n_a, m], dWf, dWi, dWc, dWo, dbf, dbi, dbc
      and dbo.
    """
    raise NotImplementedError
