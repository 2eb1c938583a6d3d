"""Type packs: the open metadata types of one release as a file.

One JSON object `{"release", "attributeTypeDefs", "typeDefs", "retired"}`, one bean a line, written as the beans are
written on the wire. Retired types are kept apart, because they are not part of the release: some have the name of a
current type, and some have attributes of types that nothing defines any more.
"""

import msgspec

from cohort_sync.omrs.errors import FatalFault
from cohort_sync.omrs.typedefs import AttributeTypeDef, TypeDef


class RetiredType(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A type that a release does not have any more: `release` was the last one that had it."""

    release: str
    removed_in: str
    type_def: TypeDef


class TypePack(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The current types of a release; supertypes stand before their subtypes."""

    release: str
    attribute_type_defs: list[AttributeTypeDef]
    type_defs: list[TypeDef]


class _Retired(msgspec.Struct, frozen=True, gc=False):
    retired: list[RetiredType] = []


class BadTypePack(FatalFault):
    """A file that should be a type pack and is not."""


def decode_pack(data: bytes) -> TypePack:
    """The current types of a pack. Raises BadTypePack with the place of the first thing that is wrong."""
    try:
        return msgspec.json.decode(data, type=TypePack)
    except msgspec.DecodeError as error:
        raise BadTypePack(f"not a pack of open metadata types: {error}; expected {_FORM}") from error


def retired_types(data: bytes) -> list[RetiredType]:
    """The types that releases before this pack's had and it has not, in the order of the file."""
    try:
        return msgspec.json.decode(data, type=_Retired).retired
    except msgspec.DecodeError as error:
        raise BadTypePack(f"not a pack of open metadata types: {error}; expected {_FORM}") from error


def encode_pack(pack: TypePack, retired: list[RetiredType]) -> bytes:
    """The file of a pack: the same types always make the same bytes."""

    def lines(beans: list[AttributeTypeDef] | list[TypeDef] | list[RetiredType]) -> bytes:
        return b"[\n" + b",\n".join(msgspec.json.encode(bean) for bean in beans) + b"\n]"

    parts = {
        b"release": msgspec.json.encode(pack.release),
        b"attributeTypeDefs": lines(pack.attribute_type_defs),
        b"typeDefs": lines(pack.type_defs),
    }
    if retired:
        parts[b"retired"] = lines(retired)
    return b"{\n" + b",\n".join(b'"' + name + b'": ' + value for name, value in parts.items()) + b"\n}\n"


_FORM = 'an object with "release", "attributeTypeDefs" and "typeDefs"'
