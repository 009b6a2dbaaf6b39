"""PyTorch modules for the genotypes of each search space, in the space's own skeleton; one file per space."""

from nasbench_kit.training.networks.accel_nasbench import AccelNASBenchNetwork
from nasbench_kit.training.networks.darts import DARTSNetwork
from nasbench_kit.training.networks.genetic_cnn import GeneticCNNNetwork
from nasbench_kit.training.networks.macro import MacroNASNetwork, NASBenchMacroNetwork
from nasbench_kit.training.networks.nasnet import NASNetNetwork
from nasbench_kit.training.networks.nats_size import NATSSizeNetwork
from nasbench_kit.training.networks.nb101 import NB101Network
from nasbench_kit.training.networks.nb201 import NB201Network
from nasbench_kit.training.networks.nsga_net_macro import NSGANetMacroNetwork
from nasbench_kit.training.networks.nsga_net_micro import NSGANetMicroNetwork
from nasbench_kit.training.networks.transnas import TransNASMacroNetwork, TransNASMicroNetwork

__all__ = [
    "AccelNASBenchNetwork",
    "DARTSNetwork",
    "GeneticCNNNetwork",
    "MacroNASNetwork",
    "NASBenchMacroNetwork",
    "NASNetNetwork",
    "NATSSizeNetwork",
    "NB101Network",
    "NB201Network",
    "NSGANetMacroNetwork",
    "NSGANetMicroNetwork",
    "TransNASMacroNetwork",
    "TransNASMicroNetwork",
]
