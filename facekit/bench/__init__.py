"""Measurements of speed and memory on this machine: ratios from one run, side by side."""
