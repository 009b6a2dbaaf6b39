"""NSGA-Net's macro space."""
