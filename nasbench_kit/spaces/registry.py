"""Registry of search spaces: built-in ones, those of installed packages, and user-defined ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.accel_nasbench.spec import SPEC as ACCEL_NASBENCH
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.darts.spec import SPEC as DARTS
from nasbench_kit.spaces.genetic_cnn.spec import SPEC as GENETIC_CNN
from nasbench_kit.spaces.macronas.spec import SPEC as MACRONAS
from nasbench_kit.spaces.nas_bench_graph.spec import SPEC as NAS_BENCH_GRAPH
from nasbench_kit.spaces.nas_bench_macro.spec import SPEC as NAS_BENCH_MACRO
from nasbench_kit.spaces.nas_bench_nlp.spec import SPEC as NAS_BENCH_NLP
from nasbench_kit.spaces.nasnet.spec import SPEC as NASNET
from nasbench_kit.spaces.nats_size.spec import SPEC as NATS_SIZE
from nasbench_kit.spaces.nb101.spec import SPEC as NB101
from nasbench_kit.spaces.nb201.spec import SPEC as NB201
from nasbench_kit.spaces.nsga_net_macro.spec import SPEC as NSGA_NET_MACRO
from nasbench_kit.spaces.nsga_net_micro.spec import SPEC as NSGA_NET_MICRO
from nasbench_kit.spaces.spec import SpaceSpec
from nasbench_kit.spaces.transnas_macro.spec import SPEC as TRANSNAS_MACRO
from nasbench_kit.spaces.transnas_micro.spec import SPEC as TRANSNAS_MICRO

__all__ = ["ENTRY_POINTS", "list_spaces", "own_spec", "register_space", "space", "spec"]

ENTRY_POINTS = "nasbench_kit.spaces"  # entry-point group in which packages declare their `SpaceSpec`s

_specs: dict[str, SpaceSpec] = {
    found.name: found
    for found in (
        MACRONAS,
        NAS_BENCH_MACRO,
        NB101,
        NB201,
        GENETIC_CNN,
        NSGA_NET_MACRO,
        NSGA_NET_MICRO,
        NATS_SIZE,
        TRANSNAS_MICRO,
        TRANSNAS_MACRO,
        DARTS,
        NASNET,
        ACCEL_NASBENCH,
        NAS_BENCH_GRAPH,
        NAS_BENCH_NLP,
    )
}
_spaces: dict[str, Space] = {}
_registered: set[str] = set()  # names that this program has registered


def list_spaces() -> tuple[str, ...]:
    """Names of all search spaces, including those of installed packages."""
    _load_entry_points()
    return tuple(_specs)


def spec(name: str) -> SpaceSpec:
    """Return the `SpaceSpec` of a search space.

    Raises
    ------
    UnknownName
        If there is no such space; the message lists the available names, closest first.
    """
    if name not in _specs:
        _load_entry_points()
    if name not in _specs:
        raise UnknownName("space", name, _specs)
    return _specs[name]


def own_spec(name: str) -> SpaceSpec | None:
    """What this program has registered under a name, for another process to register too; None for all other spaces."""
    return _specs[name] if name in _registered else None


def space(name: str) -> Space:
    """Return a search space by name.

    Raises
    ------
    UnknownName
        If there is no such space; the message lists the available names, closest first.

    Examples
    --------
    >>> space("nb201")
    <space nb201: 6 genes, 15625 genotypes>
    """
    if name not in _spaces:
        _spaces[name] = spec(name).space()
    return _spaces[name]


def register_space(own: Space | SpaceSpec) -> Space:
    """Register a user-defined space, so that stores, saved results, training and commands find it by name.

    Call this before opening stores or results, in every program that does so. Packages can instead declare their spaces
    as entry points in the group ``nasbench_kit.spaces``.

    Parameters
    ----------
    own : Space or SpaceSpec
        A `SpaceSpec` additionally provides the network, the training recipe, and published files.

    Returns
    -------
    Space

    Raises
    ------
    ValueError
        If the name is taken by a different space. Registering an equal space again replaces the earlier one, so that
        notebook cells can be rerun.

    Examples
    --------
    >>> from nasbench_kit.spaces import Chain
    >>> mine = register_space(Chain(3, ["conv", "pool"], name="register-example"))
    >>> space("register-example") is mine
    True
    """
    found = _as_spec(own)
    made = found.space()
    if found.name != made.name:
        raise ValueError(f"the spec is named {found.name!r} but its space {made.name!r}: give both the same name")
    if found.name in _specs and not _alike(space(found.name), made):
        raise ValueError(f"a different space named {found.name!r} is already registered; choose another name")
    _specs[found.name], _spaces[found.name] = found, made
    _registered.add(found.name)
    return made


@dataclass(frozen=True)
class _Always:
    """Gives a space; unlike a lambda it can be sent to another process."""

    space: Space

    def __call__(self) -> Space:
        return self.space


def _as_spec(own: Space | SpaceSpec) -> SpaceSpec:
    if isinstance(own, SpaceSpec):
        return own
    if not isinstance(own, Space):
        raise TypeError(f"a Space or a SpaceSpec is expected, not {own!r}")
    return SpaceSpec(own.name, _Always(own))


def _alike(there: Space, new: Space) -> bool:
    """Whether two spaces of the same name are equivalent; compares by value because classes may be redefined."""
    return (type(there).__qualname__, there.cardinalities, there.version, there.gene_values) == (
        type(new).__qualname__,
        new.cardinalities,
        new.version,
        new.gene_values,
    )


@cache
def _load_entry_points() -> None:
    from importlib.metadata import entry_points  # imports mail and more

    for point in entry_points(group=ENTRY_POINTS):
        found = _as_spec(point.load())
        _specs.setdefault(found.name, found)
