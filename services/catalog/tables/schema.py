"""What all tables share."""

from sqlalchemy import DateTime, MetaData, Text

SCHEMA = "catalog"

METADATA = MetaData(schema=SCHEMA)

TIME = DateTime(timezone=True)
# Ids are ordered by their bytes, so that pages are the same whatever the language of the database.
ID = Text(collation="C")
