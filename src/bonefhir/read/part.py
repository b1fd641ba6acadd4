"""A part of a row: what one element says by itself, whatever else the resource holds."""

from collections.abc import Callable
from dataclasses import dataclass

from bonefhir.read.columns import Row
from bonefhir.read.resource import Resource


@dataclass(frozen=True)
class Part:
    """columns: of the read table; read: their values, as the rows of the resource type are made of them too.

    elements    of these a plain resource has one at most, and the columns depend on nothing else
    instead     what they depend on where none of `elements` is there
    """

    columns: tuple[str, ...]
    read: Callable[[Resource], Row]
    elements: tuple[str, ...]
    instead: tuple[str, ...] = ()
