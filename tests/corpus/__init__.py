"""All of the recorded provider traffic, through a real router: `make corpus`, or `python -m tests.corpus --help`.

Each recorded exchange is asked for as a client would, over the surface it fits, at a router whose providers are the
replaying upstream; what the client reads and what the journal books is compared with what the provider said. It is no
part of `make test`, and does nothing where the recordings are not at hand (see `tests.fixtures.references`).
"""
