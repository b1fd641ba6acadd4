"""One resource while it is read: its fields, where it stands, and what was found wrong with it."""

import re
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bonefhir.read import contained, elements, keys, moments, references
from bonefhir.read.contained import Fields
from bonefhir.read.elements import Read
from bonefhir.read.fault import Fault, worst
from bonefhir.read.memo import Memo
from bonefhir.read.references import Link, Scope

FIELDS = msgspec.json.Decoder(Fields).decode
MEMBERS = msgspec.json.Decoder(list[Raw]).decode

NO_FAULT = (None, None, None)
NOT_A_DATE = "not a date or time of FHIR"
MISSING = "a required element is missing"
_ID = re.compile(rb'"[A-Za-z0-9\-.]{1,64}"')


class _Meta(msgspec.Struct, rename="camel"):
    last_updated: Raw | UnsetType = UNSET
    version_id: str | UnsetType = UNSET


META = msgspec.json.Decoder(_Meta).decode


class Resource:
    """The top-level fields of one resource, and what comes to light while they are read."""

    __slots__ = ("contained_patients", "faults", "fields", "id", "scope", "type", "warnings")

    def __init__(self, fields: Fields, resource_type: str, scope: Scope | None, faults: list[Fault]) -> None:
        self.fields = fields
        self.type = resource_type
        self.id: str | None = None
        self.scope = scope
        self.faults = faults
        self.warnings: list[str] = []
        self.contained_patients: list[str] = []

    def fault(self, reason: str, path: str | None, detail: str) -> None:
        self.faults.append(Fault(reason, path, detail))

    def faulty(self, name: str) -> bool:
        """A fault was found in this field."""
        return any(fault.path is not None and fault.path.startswith(name) for fault in self.faults)

    def outcome(self, conforms: bool) -> tuple[str | None, str | None, str | None, bool, str | None]:
        """fault, its path, its detail, conforms, warnings: as the read tables hold them."""
        warnings = " ".join(dict.fromkeys(self.warnings)) or None
        return (*(worst(self.faults) or NO_FAULT), conforms, warnings)

    def take(self, name: str, read: Any) -> Any:
        """The value of a conversion; its fault and warnings, if it has any, are noted under `name`."""
        if type(read) is not Read:
            return read
        if read.fault is not None:
            self.faults.append(elements.within(read.fault, name) or read.fault)
        if read.warnings:
            self.warnings.extend(read.warnings)
        return read.value

    def get(self, name: str, memo: Memo[Any]) -> Any:
        """The field by one of the converters; null if it is absent."""
        raw = self.fields.get(name)
        if raw is None:
            return None
        found = memo[bytes(raw)]
        return self.take(name, found) if type(found) is Read else found

    def code(self, name: str, allowed: frozenset[str], required: bool = True) -> str | None:
        """A code of a required value set; null, with a fault, if it is not in it."""
        raw = self.fields.get(name)
        if raw is None:
            if required:
                self.fault("not-fhir", name, MISSING)
            return None
        value: str | None = self.take(name, elements.STRING[bytes(raw)])
        if value is not None and value not in allowed:
            self.fault("bad-code", name, "not in the required value set")
            return None
        return value

    def moment(self, name: str) -> str | None:
        """A date or dateTime as written; null, with a fault, if it is none."""
        raw = self.fields.get(name)
        if raw is None:
            return None
        text = moments.date_time(bytes(raw))
        if text is None:
            self.fault("not-fhir", name, NOT_A_DATE)
        elif moments.without_seconds(text):
            self.warnings.append("no-seconds")
        return text

    def identity(self, full_url: str | None = None) -> str | None:
        """The id, or the one that the fullUrl gives if there is none."""
        raw = self.fields.get("id")
        if raw is None:
            identity = None if full_url is None else references.id_of(full_url)
            if identity is None:
                self.fault("no-id", "id", "neither an id nor a fullUrl that gives one")
            return identity
        text = bytes(raw)
        if _ID.fullmatch(text):
            return text[1:-1].decode("ascii")
        self.fault("not-fhir", "id", "not an id of FHIR: 1 to 64 letters, digits, hyphens and dots")
        return None

    def meta(self) -> tuple[str | None, str | None]:
        """meta.lastUpdated and meta.versionId as written."""
        raw = self.fields.get("meta")
        if raw is None:
            return None, None
        text = bytes(raw)
        try:
            meta = META(text)
        except msgspec.DecodeError as error:
            self.take("meta", Read(None, elements.mistyped(error)))
            return None, None
        if text.count(b'"lastUpdated"') > 1 or text.count(b'"versionId"') > 1:
            self.fault("duplicate-keys", "meta", keys.TWICE)
            return None, None
        updated = None if meta.last_updated is UNSET else moments.date_time(bytes(meta.last_updated))
        if updated is None and meta.last_updated is not UNSET:
            self.fault("not-fhir", "meta.lastUpdated", NOT_A_DATE)
        return updated, None if meta.version_id is UNSET else meta.version_id

    def link(self, name: str) -> Link:
        """The reference of a field; leads nowhere if it is absent or unreadable."""
        return self.get(name, references.LINK) or references.NO_LINK

    def links(self, name: str) -> list[Link]:
        """The references of a field that is a list."""
        return [self.take(name, references.LINK[bytes(raw)]) for raw in self.members(name)]

    def members(self, name: str) -> list[Raw]:
        """The members of a field that is a list; none, with a fault, if it is something else."""
        raw = self.fields.get(name)
        if raw is None:
            return []
        try:
            return MEMBERS(raw)
        except msgspec.DecodeError as error:
            self.take(name, Read(None, elements.mistyped(error)))
            return []

    def contained(self, identity: str, resource_type: str) -> Fields | None:
        """The fields of the contained resource of that id and type; null if there is none."""
        for raw in self.members("contained"):
            fields = contained.matching(raw, identity, resource_type)
            if fields is not None:
                return fields
        return None

    def subject(self, name: str = "subject") -> str | None:
        """'Patient/<id>', a urn that no Bundle around it knows, or null with a fault."""
        link = self.link(name)
        target = references.resolve(link, self.scope)
        if target is not None and target.startswith(("Patient/", "urn:")):
            return target
        if self.id is not None and link.kind == "contained" and self.contained(link.target, "Patient") is not None:
            self.contained_patients.append(link.target)
            return f"Patient/{self.id}#{link.target}"
        detail = "no patient is named" if link == references.NO_LINK else "the reference does not lead to a patient"
        self.fault("no-patient", name, detail)
        return None
