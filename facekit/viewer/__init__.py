"""The viewer, a page served on this machine alone, and the report, a page in one file."""
