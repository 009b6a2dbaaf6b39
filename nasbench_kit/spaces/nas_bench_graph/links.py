"""The link lists of NAS-Bench-Graph: which input each of the four nodes reads, and how nodes may be renumbered."""

from __future__ import annotations

import itertools

__all__ = ["AUTOMORPHISMS", "LINKS", "NODES", "RENUMBERED", "Link"]

NODES = 4

Link = tuple[int, ...]  # for each node 1 ... 4 the node that it reads, 0 being the network's input

# All networks of four nodes with one input each, up to renumbering, in the order of the benchmark's keys.
LINKS: tuple[Link, ...] = (
    (0, 0, 0, 0),
    (0, 0, 0, 1),
    (0, 0, 1, 1),
    (0, 0, 1, 2),
    (0, 0, 1, 3),
    (0, 1, 1, 1),
    (0, 1, 1, 2),
    (0, 1, 2, 2),
    (0, 1, 2, 3),
)


def _reordered(link: Link, order: tuple[int, ...]) -> Link:
    """The link list after the nodes (from 0) have been put in another order."""
    place = {0: 0, **{old + 1: new for new, old in enumerate(order, start=1)}}
    return tuple(place[link[old]] for old in order)


def _orders(link: Link) -> list[tuple[int, tuple[int, ...]]]:
    """All ways to renumber a link list to one of `LINKS`: its number and the order of the nodes, from 0."""
    orders = ((order, _reordered(link, order)) for order in itertools.permutations(range(NODES)))
    return [(LINKS.index(found), order) for order, found in orders if found in LINKS]


# For each of the 24 link lists in which inputs come before their readers: its number in `LINKS`, and the order in which
# its nodes must be listed. Of several orders, the first in lexicographic order.
RENUMBERED: dict[Link, tuple[int, tuple[int, ...]]] = {
    link: _orders(link)[0] for link in itertools.product(*(range(node) for node in range(1, NODES + 1)))
}

# For each of `LINKS`, the orders of the nodes that leave it unchanged.
AUTOMORPHISMS: tuple[tuple[tuple[int, ...], ...], ...] = tuple(
    tuple(order for _, order in _orders(link)) for link in LINKS
)
