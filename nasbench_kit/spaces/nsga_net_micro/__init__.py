"""NSGA-Net's micro space."""
