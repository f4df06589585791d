"""Crop to record: one file per estimator."""
