"""Exact weights from other libraries and to them.

Each file is a library's: `load` takes what it has and returns (layer, params) of
seqjax, `export` goes the other way. Copies are bit for bit; where two biases become
one, their sum is rounded once. `BridgeError`, a ValueError, says in a sentence why
there is no exact equivalent.

| file | reads and builds | as |
|---|---|---|
| `torch` | nn.LSTM, also with proj_size; nn.GRU; nn.RNN; deep, in both directions; \
their cells are read | `LSTM`, `ProjectedLSTM`; `GRUResetAfter`; `Elman` |
| `keras` | LSTM; GRU with reset_after or without; SimpleRNN; Bidirectional; \
Sequential | `LSTM`; `GRUResetAfter` or `GRU`; `Elman` |
| `linen` | LSTMCell, OptimizedLSTMCell; GRUCell; MGUCell; SimpleCell; RNN, \
Bidirectional, Sequential | `LSTM`; `GRUResetAfter`; `GRUResetAfter` or \
`SimplifiedGRU`; `Elman` |
| `nnx` | the same without MGUCell; b_n is zero | `LSTM`; `GRUResetAfter`; `Elman` |
| `haiku` | LSTM; GRU; VanillaRNN; one or several | `LSTM`; `GRU`; `Elman` of ReLU |
| `equinox` | LSTMCell; GRUCell; one each | `LSTM`; `GRUResetAfter` |
| `onnx` | LSTM, plain, coupled, or with peepholes; GRU of both kinds; RNN; deep, in \
each direction | `LSTM` or `PeepholeLSTM`; `GRU` or `GRUResetAfter`; `Elman` |

Depth is a `Stack`, both directions are a `Bidirectional`, and one backwards is a
`Reversed`. What changes no output is not carried along: initializers, dropout, batch
first, an initial state that is an argument there. `params` may be traced by JAX
wherever a function takes arrays and gives arrays (`to_state_dict`, `to_params`, …), so
that gradients come home by `jax.vjp`.

Example:
  >>> import jax
  >>> from seqjax import LSTM
  >>> from seqjax.bridges import onnx
  >>> layer = LSTM(4)
  >>> params = layer.init(jax.random.key(0), 3)
  >>> node = onnx.to_node(layer, params)
  >>> node.op_type, node.tensors["W"].shape, node.attributes["direction"]
  ('LSTM', (1, 16, 3), 'forward')
  >>> again, copies = onnx.from_node(*node[::2], node.attributes)
  >>> again == layer, bool((copies.w_x == params.w_x).all())
  (True, True)
"""

from seqjax.bridges._common import BridgeError

__all__ = ["BridgeError"]
