"""What we agreed with the team that publishes: types, and what is generated from them.

Everything here runs without Django and needs the extra `[contract]`; the reader needs neither the
extra nor this package. `wire` decides what is accepted, and tests hold the two together.
"""

VERSION = "1.0.0"
"""Of the contract, not of the package: a minor version only adds, a major one is another `.vN`."""


def build_schema_id(kind: str) -> str:
    """The `$id` of a schema, and what a message may say in `dataschema`."""
    return f"urn:passport-events:contract:{kind}:{VERSION}"
