"""`python -m tests.contract.write_listing` brings golden/fields.txt and golden/access.txt up to date.

New fields are added. Fields that are gone, renumbered or of another type are not: the command names them and exits 1,
for an event once published must stay readable.
"""

import sys

from tests.contract.listing import ACCESS, FIELDS, access_lines, committed, field_lines

HEADERS = {
    FIELDS: "# What an event can hold: field, number, type; enum value, number. Lines are only ever added.\n",
    ACCESS: "# Who may call what: service/method, audience, least role and scope of an API key or the services.\n",
}


def main() -> int:
    """Write both listings, unless a field was lost."""
    fields = field_lines()
    if lost := [line for line in committed(FIELDS) if line not in fields]:
        sys.stderr.write("An event once published must stay readable; gone or changed:\n")
        sys.stderr.writelines(f"  {line}\n" for line in lost)
        return 1
    for listing, lines in ((FIELDS, fields), (ACCESS, access_lines())):
        text = HEADERS[listing] + "".join(f"{line}\n" for line in lines)
        listing.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
