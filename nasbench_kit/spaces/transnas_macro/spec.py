"""Specification of TransNAS-Bench-101's macro space."""

from __future__ import annotations

from nasbench_kit.spaces.spec import SpaceSpec
from nasbench_kit.spaces.transnas_macro.space import TransNASMacro
from nasbench_kit.spaces.transnas_micro.spec import CITATION, RECIPE

__all__ = ["SPEC"]

SPEC = SpaceSpec(
    "transnas-macro",
    TransNASMacro,
    network="nasbench_kit.training.networks.transnas:TransNASMacroNetwork",
    recipe=RECIPE,
    citation=CITATION,
)
