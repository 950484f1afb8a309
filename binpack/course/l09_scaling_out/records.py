"""The records of lesson 09 under names that can be told apart."""

from binpack.course.l09_scaling_out.record_crowds import Record as Crowds
from binpack.course.l09_scaling_out.record_engines import Record as Engines
from binpack.course.l09_scaling_out.record_libraries import Record as Libraries
from binpack.course.l09_scaling_out.record_speed import Record as Speed
from binpack.course.l09_scaling_out.record_tournaments import Record as Tournaments
from binpack.course.l09_scaling_out.record_workers import Record as Workers

__all__ = ["Crowds", "Engines", "Libraries", "Speed", "Tournaments", "Workers"]
