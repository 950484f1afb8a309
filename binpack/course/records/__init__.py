"""How a recorded result is written and read, and the records that belong to no single lesson."""

from binpack.course.records.store import kept, read_record, write_record
from binpack.search.provenance import about

__all__ = ["about", "kept", "read_record", "write_record"]
