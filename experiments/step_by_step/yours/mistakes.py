"""The table of classic mistakes, by the function in which they are made.

A student's value that equals what a function gives with one of its equations replaced
was computed like that, however the code may look: a mistake is known by its number.
"""

from experiments.step_by_step.yours import (
    lstm_back_mistakes,
    lstm_mistakes,
    rnn_mistakes,
    time_mistakes,
)

MISTAKES = {
    "rnn_cell_forward": rnn_mistakes.FORWARD,
    "rnn_forward": time_mistakes.FORWARD,
    "rnn_cell_backward": rnn_mistakes.BACKWARD,
    "rnn_backward": time_mistakes.BACKWARD,
    "lstm_cell_forward": lstm_mistakes.FORWARD,
    "lstm_forward": time_mistakes.LSTM_FORWARD,
    "lstm_cell_backward": lstm_back_mistakes.BACKWARD,
    "lstm_backward": time_mistakes.LSTM_BACKWARD,
}
