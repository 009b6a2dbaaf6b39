"""NSGA-Net's macro space: phases of convolutions whose inputs are either summed or concatenated and projected."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nasbench_kit.spaces.nsga_net_macro.cost import PHASES, NSGANetMacroSkeleton
from nasbench_kit.training.networks.layers import classifier, conv_norm
from nasbench_kit.training.networks.stage_graph import stage_graph

__all__ = ["NSGANetMacroNetwork"]


class NSGANetMacroNetwork(nn.Module):
    """Phases separated by max pooling, and a classifier.

    Parameters
    ----------
    genes : sequence of 48 int
    skeleton : NSGANetMacroSkeleton
    """

    def __init__(self, genes: Sequence[int], skeleton: NSGANetMacroSkeleton) -> None:
        super().__init__()
        inputs, start, phases = skeleton.image[0], 0, []
        for i, (nodes, width) in enumerate(zip(PHASES, skeleton.channels, strict=True)):
            end = start + nodes * (nodes - 1) // 2 + 1
            phases.append(Phase(genes[start:end], nodes, inputs, width, first=i == 0, join=skeleton.join))
            inputs, start = width, end
        self.phases = nn.ModuleList(phases)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.classifier = classifier(inputs, skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, channels, height, width)."""
        x = self.phases[0](images)
        for phase in self.phases[1:]:
            x = phase(self.pool(x))
        logits: Tensor = self.classifier(x)
        return logits


class Phase(nn.Module):
    """A phase: a convolution to its width, the connected nodes, batch norm and ReLU.

    The last bit adds a skip connection from the first convolution to the output. Without edges it is always there.
    """

    def __init__(self, genes: Sequence[int], nodes: int, inputs: int, width: int, *, first: bool, join: str) -> None:
        super().__init__()
        self.sources, last = stage_graph(genes[:-1], nodes)
        self.last = [0, *last] if genes[-1] or not last else last
        kernel = 3 if first else 1
        self.input = nn.Conv2d(inputs, width, kernel, padding=kernel // 2, bias=False)
        self.joins = nn.ModuleDict(
            {name: _Join(len(sources), width, join) for name, sources in [*_named(self.sources), ("output", self.last)]}
        )
        self.nodes = nn.ModuleDict({name: conv_norm(width, width, 3) for name, _ in _named(self.sources)})
        self.output = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        values = {0: self.input(x)}
        for node, sources in self.sources.items():
            joined = self.joins[str(node)]([values[source] for source in sources])
            values[node] = self.nodes[str(node)](joined)
        output: Tensor = self.output(self.joins["output"]([values[source] for source in self.last]))
        return output


def _named(sources: dict[int, list[int]]) -> list[tuple[str, list[int]]]:
    return [(str(node), inputs) for node, inputs in sources.items()]


class _Join(nn.Module):
    """Join several inputs by concatenation and a 1x1 convolution, or by summation; pass a single input through."""

    def __init__(self, inputs: int, width: int, join: str) -> None:
        super().__init__()
        projected = join == "concat" and inputs > 1
        self.projection = nn.Conv2d(inputs * width, width, 1, bias=False) if projected else None

    def forward(self, values: list[Tensor]) -> Tensor:
        if self.projection is None:
            return torch.stack(values).sum(dim=0) if len(values) > 1 else values[0]
        joined: Tensor = self.projection(torch.cat(values, dim=1))
        return joined
