"""How large and how deep an input may be. All are settings: an input beyond a limit is refused, never cut short in silence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """depth         levels of nesting of a resource's JSON
    line          bytes of one resource: an NDJSON line, or a Bundle's entry
    number        characters of one number
    unpacked      bytes of a compressed file when unpacked, and of a JSON document (a document is held in memory)
    ratio         unpacked bytes per packed byte, looked at beyond `ratio_from` unpacked bytes
    resources     resources in one file
    codings       codings of one CodeableConcept that are kept; more is a warning
    elements      elements of one resource at its top level: the largest resource of FHIR has fewer than a hundred
    bundles       Bundles nested in each other
    texts         bytes of what one column of a table holds of files that are read together: Arrow counts them with 31 bits
    """

    depth: int = 64
    line: int = 8 << 20
    number: int = 64
    unpacked: int = 2 << 30
    ratio: int = 200
    ratio_from: int = 16 << 20
    resources: int = 5_000_000
    codings: int = 200
    elements: int = 1000
    bundles: int = 20
    texts: int = (1 << 31) - 1


DEFAULT = Limits()
