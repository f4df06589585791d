"""Tables, their sidecars and annotated pictures: everything that facekit writes."""

from facekit.output.cells import to_frame
from facekit.output.reading import read_table
from facekit.output.rows import Row, rows
from facekit.output.table import PipeClosedError, TableSink, open_table

__all__ = [
    "PipeClosedError",
    "Row",
    "TableSink",
    "open_table",
    "read_table",
    "rows",
    "to_frame",
]
