"""Search spaces: one package per space, all implementing the `Space` interface."""

from nasbench_kit.spaces.blocks.chain import Chain
from nasbench_kit.spaces.blocks.edge_dag import EdgeDAG
from nasbench_kit.spaces.blocks.node_dag import NodeDAG
from nasbench_kit.spaces.blocks.staged_dag import StagedDAG
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.forms import Form
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.registry import list_spaces, register_space, space, spec
from nasbench_kit.spaces.skeleton import Skeleton
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = [
    "Chain",
    "EdgeDAG",
    "Form",
    "Genotypes",
    "NodeDAG",
    "PublishedRecipe",
    "Skeleton",
    "Space",
    "SpaceSpec",
    "StagedDAG",
    "list_spaces",
    "register_space",
    "space",
    "spec",
]
