"""What runs beside a live analysis: streams (one sink per file), the window and its keys."""
