"""What runs beside a live analysis: the window."""
