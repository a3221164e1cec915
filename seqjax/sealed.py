"""Arrays and text in one file that notices damage: safetensors, sealed by a digest.

The digest, a SHA-256, is of the names, kinds, shapes and bytes of all arrays and of all
text, and is part of the file's metadata. So no bit of what is used can change unseen,
and anything that reads safetensors reads the arrays.
"""

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.files import DataError, read_bytes
from seqjax.data.writing import whole_file

ENTRY, DIGEST = "seqjax", "sha256"  # in the file's metadata


class Sealed(NamedTuple):
    """What a file holds."""

    path: pathlib.Path
    arrays: dict[str, dict[str, Any]]  # by name: "dtype", "shape" and "data"
    text: dict[str, str]


def write(path: str | pathlib.Path, tree: Any, text: Mapping[str, str]) -> None:
    """Writes a file whole or not at all.

    Args:
      path: of the file, whose name ends in .safetensors.
      tree: arrays; a name is the path to it in the tree, parted by slashes.
      text: what else is kept, by its name.

    Raises:
      ValueError: two arrays have one name.
    """
    import safetensors  # not needed before something is written or read

    arrays = {name: _stored(leaf) for name, leaf in _named(tree)}
    specs = {
        name: safetensors.TensorSpec(
            dtype=a.dtype.name,
            shape=a.shape,
            data_ptr=a.ctypes.data,
            data_len=a.nbytes,
        )
        for name, a in arrays.items()
    }
    digest = _digest(
        {
            name: (_KINDS[a.dtype.name], a.shape, a.reshape(-1).view(np.uint8))
            for name, a in arrays.items()
        },
        text,
    )
    # One entry, for several are written in a random order.
    said = json.dumps({DIGEST: digest, "text": dict(text)}, ensure_ascii=False)
    content = safetensors.serialize(specs, {ENTRY: said})
    with whole_file(path) as partial:
        partial.write_bytes(content)


def read(path: str | pathlib.Path) -> Sealed:
    """Reads a file, and verifies its digest.

    Raises:
      DataError: there is no such file, or it is damaged.
    """
    import safetensors

    path, raw = pathlib.Path(path), read_bytes(path)
    damaged = DataError(f"{path}: this file is damaged, or not of seqjax")
    try:
        arrays = dict(safetensors.deserialize(raw))
        header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
        said = json.loads(header["__metadata__"][ENTRY])
        text, digest = dict(said["text"]), said[DIGEST]
    except (
        safetensors.SafetensorError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ):
        raise damaged from None
    parts = {n: (a["dtype"], a["shape"], a["data"]) for n, a in arrays.items()}
    if digest != _digest(parts, text):
        raise damaged
    return Sealed(path, arrays, text)


def restore(sealed: Sealed, like: Any, *, any_width: bool = False) -> Any:
    """Returns a file's arrays as a tree.

    Args:
      sealed: what the file holds.
      like: a tree of the same structure, shapes and dtypes; arrays, or shapes alone.
      any_width: whether numbers may have more or fewer bits than in `like`.

    Raises:
      DataError: the file holds other arrays; the message says which.
    """
    if any_width:
        like = _in_its_widths(sealed, like)
    if unlike := difference(sealed, like):
        raise DataError(f"{sealed.path}: {unlike}")

    def loaded(name, leaf):
        data = sealed.arrays[name]["data"]
        return jnp.asarray(np.frombuffer(data, leaf.dtype).reshape(leaf.shape))

    leaves = [loaded(name, leaf) for name, leaf in _named(like)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def difference(sealed: Sealed, like: Any) -> str:
    """Says what a file holds that a tree does not, or the other way, or nothing."""
    wanted = dict(_named(like))
    for name, leaf in wanted.items():
        if name not in sealed.arrays:
            return f"{name} is missing from it"
        needed, held = _kind_of(leaf), _as_stored(sealed.arrays[name])
        if needed != held:
            return f"{name} is {_said(held)} in it, where {_said(needed)} is needed"
    for name in sealed.arrays:
        if name not in wanted:
            return f"it holds {name}, for which there is no place"
    return ""


_DTYPES = {
    "BOOL": "bool",
    "BF16": "bfloat16",
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}
_KINDS = {name: kind for kind, name in _DTYPES.items()}


def _in_its_widths(sealed: Sealed, like: Any) -> Any:
    """The shapes of a tree, with numbers of as many bits as those of a file have."""

    def leaf_of(name, leaf):
        held: Any = _DTYPES.get(
            str(sealed.arrays.get(name, {}).get("dtype")), leaf.dtype
        )
        alike = any(
            jnp.issubdtype(held, kind) and jnp.issubdtype(leaf.dtype, kind)
            for kind in (jnp.floating, jnp.signedinteger, jnp.unsignedinteger)
        )
        return jax.ShapeDtypeStruct(leaf.shape, held if alike else leaf.dtype)

    leaves = [leaf_of(name, leaf) for name, leaf in _named(like)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _named(tree: Any) -> list[tuple[str, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    named = [
        (jax.tree_util.keystr(path, simple=True, separator="/") or "array", leaf)
        for path, leaf in leaves
    ]
    if len(dict(named)) < len(named):
        raise ValueError("two arrays of the tree have one name")
    return named


def _stored(leaf: Any) -> np.ndarray:
    """An array as it is written; the format knows no complex128, but pairs."""
    array: Any = np.asarray(leaf, order="C")
    if np.iscomplexobj(array):
        array = np.stack([array.real, array.imag], axis=-1)
    return array


def _kind_of(leaf: Any) -> tuple[str, tuple[int, ...]]:
    """The kind and shape that a leaf is stored by."""
    dtype, shape = jnp.dtype(leaf.dtype), tuple(leaf.shape)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return f"F{dtype.itemsize * 4}", (*shape, 2)
    return _KINDS[dtype.name], shape


def _as_stored(array: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
    return array["dtype"], tuple(array["shape"])


def _said(kind: tuple[str, tuple[int, ...]]) -> str:
    return f"{kind[0]} {list(kind[1])}"


def _digest(arrays: Mapping[str, Any], text: Mapping[str, str]) -> str:
    """The SHA-256 of arrays, as kind, shape and bytes by name, and of text."""
    names = sorted(arrays)
    shapes = [[name, arrays[name][0], list(arrays[name][1])] for name in names]
    whole = hashlib.sha256(json.dumps([shapes, sorted(text.items())]).encode())
    for name in names:
        whole.update(arrays[name][2])
    return whole.hexdigest()
