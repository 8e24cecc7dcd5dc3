"""How arrays and computations are laid over devices."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxad.parallel import processes

MEMBER, DATA = "member", "data"
_WHOLE, _BY_MEMBER, _BY_DATA = (
    PartitionSpec(),
    PartitionSpec(MEMBER),
    PartitionSpec(DATA),
)
_BY_BLOCK = PartitionSpec((MEMBER, DATA))


@dataclass(frozen=True)
class Layout:
    """A mesh of devices with the axes member and data; None: one device, as it is.

    Members of a grid never talk to each other: they are laid out by `shard_map`, and
    the program has no collective. Within a member, examples are laid out by
    constraints on the batches: the program means what it means on one device, and the
    compiler adds the collectives.
    """

    mesh: Mesh | None = None

    @property
    def size(self) -> int:
        """Devices in all."""
        return self.members * self.data

    @property
    def members(self) -> int:
        """Devices along the axis of members."""
        return 1 if self.mesh is None else self.mesh.shape[MEMBER]

    @property
    def data(self) -> int:
        """Devices along the axis of examples."""
        return 1 if self.mesh is None else self.mesh.shape[DATA]

    def for_members(self, number: int) -> "Layout":
        """The same devices, by members first: as many of the data axis as so many
        members leave."""
        if self.mesh is None:
            return self
        size = self.mesh.size
        divisors = [d for d in range(1, size + 1) if size % d == 0]
        along = next(d for d in divisors if d >= min(number, size))
        return Layout(grid(self.mesh.devices.reshape(along, size // along)))

    def replicate(self, tree: Any) -> Any:
        """Arrays, equal in all processes, whole on every device."""
        return jax.tree.map(lambda leaf: self._placed(leaf, _WHOLE), tree)

    def by_member(self, tree: Any) -> Any:
        """Arrays, equal in all processes, with the leading axis over members."""
        return jax.tree.map(lambda leaf: self._placed(leaf, _BY_MEMBER), tree)

    def by_block(self, tree: Any) -> Any:
        """Arrays, equal in all processes, with the leading axis over all devices."""
        return jax.tree.map(lambda leaf: self._placed(leaf, _BY_BLOCK), tree)

    def share(self, size: int) -> tuple[int, int]:
        """First and number of the examples of a batch that this process holds."""
        if self.mesh is None:
            return 0, size
        each, own = size // self.data, self.mesh.local_mesh.shape[DATA]
        at = np.flatnonzero(self._here())[0]
        return int(at) * each, own * each

    def fed(self, image: np.ndarray, size: int) -> jax.Array:
        """Batches (K, `size`, ...) of steps, from the share of each process."""
        if self.mesh is None:
            return jnp.asarray(image)
        own = NamedSharding(self.mesh, PartitionSpec(None, DATA))
        whole = (image.shape[0], size, *image.shape[2:])
        return jax.make_array_from_process_local_data(own, image, whole)

    def form(self, tree: Any, of_members: bool = False) -> Any:
        """Shapes and dtypes as of arrays that `replicate` or `by_member` has placed."""
        if self.mesh is None:
            return tree
        own = NamedSharding(self.mesh, _BY_MEMBER if of_members else _WHOLE)
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=own),
            tree,
        )

    def owned(self, tree: Any) -> Any:
        """Arrays of this process as `replicate` places them, in memory of their own, so
        that they may be donated."""
        if self.mesh is None:
            return tree
        return self.gather(lambda tree: jax.tree.map(jnp.copy, tree))(
            self.replicate(tree)
        )

    def fetch(self, tree: Any) -> Any:
        """Arrays as NumPy's, whole in every process."""
        if self.mesh is not None and processes.count() > 1:
            tree = _gathering(self)(tree)
        return jax.tree.map(np.asarray, tree)

    def gather(self, function: Callable[..., Any], **options: Any) -> Any:
        """`jit` of a function whose results are whole on every device."""
        if self.mesh is not None:
            options["out_shardings"] = NamedSharding(self.mesh, _WHOLE)
        return jax.jit(function, **options)

    def batch(self, tree: Any) -> Any:
        """Within a traced function: the leading axis over the devices of the data axis,
        if it divides; otherwise each device computes all."""
        if self.data == 1:
            return tree

        return jax.tree.map(
            lambda leaf: (
                leaf
                if leaf.shape[0] % self.data
                else jax.lax.with_sharding_constraint(leaf, self._of(_BY_DATA))
            ),
            tree,
        )

    def whole(self, array: jax.Array) -> jax.Array:
        """Within a traced function: an array that each device of the data axis has."""
        if self.data == 1:
            return array
        return jax.lax.with_sharding_constraint(array, self._of(_WHOLE))

    def over_members(
        self, function: Callable[..., Any], wholes: Any
    ) -> Callable[..., Any]:
        """A function of arrays with a leading axis of members, each device's own apart.

        wholes: a tree, or the beginning of one, like the arguments; True where an array
        has no such axis.
        """
        if self.mesh is None:
            return function
        specs = jax.tree.map(lambda whole: _WHOLE if whole else _BY_MEMBER, wholes)
        return jax.shard_map(
            function,
            mesh=self.mesh,
            in_specs=specs,
            out_specs=_BY_MEMBER,
            axis_names={MEMBER},
            check_vma=False,
        )

    def over_blocks(
        self, function: Callable[..., Any], arrays: int
    ) -> Callable[..., Any]:
        """A function whose last so many arguments, and results, have a leading axis of
        examples: each device takes a block of its own, and computes what one device
        would compute of that block, bit for bit."""
        if self.mesh is None:
            return function

        def blocks(*arguments: Any) -> Any:
            wholes = [_WHOLE] * (len(arguments) - arrays)
            return jax.shard_map(
                function,
                mesh=self.mesh,
                in_specs=(*wholes, *[_BY_BLOCK] * arrays),
                out_specs=_BY_BLOCK,
                check_vma=False,
            )(*arguments)

        return blocks

    def _placed(self, leaf: Any, spec: PartitionSpec) -> jax.Array:
        if self.mesh is None:
            return jnp.asarray(leaf)
        if isinstance(leaf, jax.Array) and jnp.issubdtype(
            leaf.dtype, jax.dtypes.prng_key
        ):
            data = self._placed(jax.random.key_data(leaf), spec)
            return jax.random.wrap_key_data(data)
        sharding = NamedSharding(self.mesh, spec)
        if isinstance(leaf, jax.Array) and leaf.sharding.is_equivalent_to(
            sharding, leaf.ndim
        ):
            return leaf
        if processes.count() == 1:
            return jax.device_put(leaf, sharding)
        host = np.asarray(leaf)
        return jax.make_array_from_callback(host.shape, sharding, lambda at: host[at])

    def _of(self, spec: PartitionSpec) -> NamedSharding | PartitionSpec:
        """A sharding for traced arrays: within `shard_map` the mesh is another."""
        assert self.mesh is not None
        inside = not jax.sharding.get_abstract_mesh().empty
        return spec if inside else NamedSharding(self.mesh, spec)

    def _here(self) -> np.ndarray:
        """(data,) bool, the places along the data axis that are of this process."""
        assert self.mesh is not None
        own = processes.number()
        return np.array([d.process_index == own for d in self.mesh.devices[0]])


@functools.cache
def _gathering(layout: Layout) -> Callable[..., Any]:
    return layout.gather(lambda tree: tree)


ONE = Layout()


def grid(array: np.ndarray) -> Mesh:
    """A mesh of devices (member, data)."""
    return Mesh(array, (MEMBER, DATA))
