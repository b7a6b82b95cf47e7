"""What all tables share."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import DateTime, Enum, LargeBinary, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

# No vowels (no words by accident) and nothing that reads like something else.
_LETTERS = "bcdfghjkmnpqrstvwxz23456789"


class Base(DeclarativeBase):
    """The declarative base: times are timestamptz, dictionaries and lists jsonb."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class Sealed(LargeBinary):
    """What the vault has encrypted. Rotating the keys finds such columns by this type."""


def short_id(length: int) -> str:
    """A random identifier of lower-case letters and digits that begins with a letter; opaque to whoever reads it."""
    return secrets.choice(_LETTERS[:19]) + "".join(secrets.choice(_LETTERS) for _ in range(length - 1))


def stored_as_text(enum: type[StrEnum]) -> Enum:
    """An enumeration as plain text: new members need no ALTER TYPE."""
    return Enum(
        enum, native_enum=False, length=32, values_callable=lambda members: [member.value for member in members]
    )
