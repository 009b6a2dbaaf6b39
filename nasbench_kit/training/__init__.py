"""The same architectures as PyTorch networks (extra ``train``): build, train, make a table.

Imported by the command line alone; nothing else in the package needs torch.
"""
