"""The same architectures as PyTorch networks (extra ``train``): build, train, make a table.

Imported by the command line alone; nothing else in the package needs torch.
"""

from nasbench_kit.errors import MissingExtra

try:
    from nasbench_kit.training.build import build, skeleton_of
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise MissingExtra("building and training networks", "train") from error

__all__ = ["build", "skeleton_of"]
