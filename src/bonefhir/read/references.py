"""References: what each form points to. Only text is looked at; nothing is ever fetched."""

import re
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bonefhir.read.elements import Read, Typed, remembered

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_ID = rb"[A-Za-z0-9\-.]{1,64}"
_TARGET = re.compile(
    r"(?:https?://[^?#\s]*/)?([A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII
)
_URN = re.compile(r"urn:(?:uuid|oid):[0-9A-Za-z\-.]{1,128}", re.ASCII | re.IGNORECASE)


class Link(NamedTuple):
    """kind: 'to' (target 'Type/id'), 'urn' (a fullUrl), 'contained' (an id), 'none' (by identifier, conditional, other)."""

    kind: str = "none"
    target: str = ""
    display: str | None = None


NO_LINK = Link()


class _Reference(msgspec.Struct):
    reference: str | UnsetType = UNSET
    display: str | UnsetType = UNSET


class Scope:
    """The fullUrls of a Bundle, and of the Bundles around it."""

    def __init__(self, parent: "Scope | None" = None) -> None:
        self._targets: dict[str, str | None] = {}
        self._parent = parent

    def add(self, url: str, target: str) -> None:
        """A fullUrl that stands for two things stands for none."""
        known = self._targets.setdefault(url, target)
        if known != target:
            self._targets[url] = None

    def find(self, url: str) -> str | None:
        """'Type/id'; null: not in these Bundles."""
        found = self._targets.get(url)
        return found if found is not None or self._parent is None else self._parent.find(url)


def parse(reference: str, display: str | None = None) -> Link:
    if match := _TARGET.fullmatch(reference):
        return Link("to", match[1], display)
    if _URN.fullmatch(reference):
        return Link("urn", urn(reference), display)
    if reference.startswith("#") and ID.fullmatch(reference, 1):
        return Link("contained", reference[1:], display)
    return Link("none", "", display)


def urn(url: str) -> str:
    """UUIDs are compared without regard to case (RFC 4122)."""
    return url.lower() if url[:9].lower() == "urn:uuid:" else url


def is_urn(url: str) -> bool:
    return _URN.fullmatch(url) is not None


def resolve(link: Link, scope: Scope | None) -> str | None:
    """'Type/id', or the urn if no Bundle around it knows it; null for contained and unresolvable ones."""
    if link.kind == "to":
        return link.target
    if link.kind == "urn":
        return (scope and scope.find(link.target)) or link.target
    return None


def id_of(full_url: str) -> str | None:
    """The id that an entry's fullUrl gives: the last part of a urn:uuid or an URL."""
    if full_url[:9].lower() == "urn:uuid:":
        last = full_url[9:]
    elif "://" in full_url:
        last = full_url.partition("/_history/")[0].rpartition("/")[2]
    else:
        return None
    return last if ID.fullmatch(last) else None


def contradicts(full_url: str, resource_type: str, identity: str) -> bool:
    """The fullUrl is the address of a resource, and of another one."""
    match = _TARGET.fullmatch(full_url)
    return match is not None and match[1] != f"{resource_type}/{identity}"


_reference = Typed(_Reference)


def link(raw: bytes | Raw) -> Read:
    """Reference → Link. A wrong type is a fault, and the link then leads nowhere."""
    found, fault = _reference(raw)
    if found is None:
        return Read(NO_LINK, fault)
    display = None if found.display is UNSET else found.display
    return Read(NO_LINK if found.reference is UNSET and display is None else parse(found.reference or "", display), fault)


LINK = remembered(link)
