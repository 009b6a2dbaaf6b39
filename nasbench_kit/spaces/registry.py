"""Registry of search spaces: built-in ones, those of installed packages, and user-defined ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.spec import SpaceSpec

__all__ = ["ENTRY_POINTS", "list_spaces", "own_spec", "register_space", "space", "spec"]

ENTRY_POINTS = "nasbench_kit.spaces"  # entry-point group in which packages declare their `SpaceSpec`s

# the packages of the built-in spaces, imported when a space is first asked for
_BUILT_IN = {
    "macronas": "macronas",
    "nas-bench-macro": "nas_bench_macro",
    "nb101": "nb101",
    "nb201": "nb201",
    "genetic-cnn": "genetic_cnn",
    "nsga-net-macro": "nsga_net_macro",
    "nsga-net-micro": "nsga_net_micro",
    "nats-size": "nats_size",
    "transnas-micro": "transnas_micro",
    "transnas-macro": "transnas_macro",
    "darts": "darts",
    "nasnet": "nasnet",
    "accel-nasbench": "accel_nasbench",
    "nas-bench-graph": "nas_bench_graph",
    "nas-bench-nlp": "nas_bench_nlp",
}
_specs: dict[str, SpaceSpec] = {}
_spaces: dict[str, Space] = {}
_registered: set[str] = set()  # names that this program has registered


def list_spaces() -> tuple[str, ...]:
    """Names of all search spaces, including those of installed packages."""
    _load_entry_points()
    return tuple(dict.fromkeys([*_BUILT_IN, *_specs]))


def spec(name: str) -> SpaceSpec:
    """Return the `SpaceSpec` of a search space.

    Raises
    ------
    UnknownName
        If there is no such space; the message lists the available names, closest first.
    """
    if name not in _specs and name in _BUILT_IN:
        _specs[name] = import_module(f"nasbench_kit.spaces.{_BUILT_IN[name]}.spec").SPEC
    if name not in _specs:
        _load_entry_points()
    if name not in _specs:
        raise UnknownName("space", name, list_spaces())
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
    if (found.name in _specs or found.name in _BUILT_IN) and not _alike(space(found.name), made):
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
        if found.name not in _BUILT_IN:
            _specs.setdefault(found.name, found)
