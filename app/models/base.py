"""The base class and column types of all tables."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import DateTime, Enum, LargeBinary, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

# No vowels, so that no words appear by accident, and no letters that look alike.
_LETTERS = "bcdfghjkmnpqrstvwxz23456789"


class Base(DeclarativeBase):
    """The declarative base. Times are stored as timestamptz, dictionaries and lists as jsonb."""

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
    """A column that the vault has encrypted. Rotating the keys finds such columns by this type."""


def short_id(length: int) -> str:
    """A random, meaningless identifier of lower-case letters and digits that begins with a letter."""
    return secrets.choice(_LETTERS[:19]) + "".join(secrets.choice(_LETTERS) for _ in range(length - 1))


def stored_as_text(enum: type[StrEnum]) -> Enum:
    """An enumeration stored as plain text, so that new members need no ALTER TYPE."""
    return Enum(
        enum, native_enum=False, length=32, values_callable=lambda members: [member.value for member in members]
    )
