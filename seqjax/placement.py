"""Where arrays lie: in parts or whole on the devices of a mesh, or on one device.

A mesh may have devices of several processes. Each of them then holds the same arrays on
its host, and puts those parts of them on its own devices that belong there: of a batch
its rows.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec


def split(mesh: Mesh | None, tree: Any, axis: int) -> Any:
    """Puts arrays on the devices of a mesh, in equal parts along an axis.

    An array without that axis, or with a length that cannot be divided, is put whole
    on each device.

    Args:
      mesh: from `choose` or `spread_over`; None returns the tree as it is.
      tree: arrays; where the mesh has devices of several processes, the same in each.
      axis: the axis of the batch.
    """
    if mesh is None:
        return tree

    def put(a):
        divisible = np.ndim(a) > axis and np.shape(a)[axis] % mesh.size == 0
        spec = PartitionSpec(*[None] * axis, "batch") if divisible else PartitionSpec()
        return _put(a, NamedSharding(mesh, spec))

    return jax.tree.map(put, tree)


def replicate(mesh: Mesh | None, tree: Any) -> Any:
    """Puts arrays whole on every device of a mesh; in a trace, it is a constraint."""
    if mesh is None:
        return tree
    sharding = NamedSharding(mesh, PartitionSpec())
    return jax.tree.map(lambda a: _put(a, sharding), tree)


def gather(tree: Any) -> Any:
    """Puts arrays on the first device of this process alone."""
    return jax.device_put(jax.tree.map(_of_here, tree), jax.local_devices()[0])


def _put(array: Any, sharding: NamedSharding) -> Any:
    lies = None if isinstance(array, Tracer) else getattr(array, "sharding", None)
    if lies == sharding:
        return array  # device_put takes 20 µs to find that out
    if isinstance(array, Tracer) or sharding.is_fully_addressable:
        return jax.device_put(array, sharding)
    if _is_key(array):
        data = _put(jax.random.key_data(array), sharding)
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(array))
    host = np.asarray(array)
    host = host.astype(jax.dtypes.canonicalize_dtype(host.dtype), copy=False)
    return jax.make_array_from_callback(host.shape, sharding, lambda i: host[i])


def _of_here(array: Any) -> Any:
    """The part of an array on a device of this process, where others have some too."""
    if not isinstance(array, jax.Array) or array.is_fully_addressable:
        return array
    if _is_key(array):
        data = _of_here(jax.random.key_data(array))
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(array))
    return array.addressable_data(0)


def _is_key(array: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(array), jax.dtypes.prng_key)
