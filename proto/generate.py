"""Turn proto/pantheon/**.proto into the committed stubs under proto/gen, or check that they are fresh.

    python proto/generate.py            write the stubs, drop the stale ones
    python proto/generate.py --check    name every stub that differs from what would be written; exit 1 if any does

Messages become `*_pb2.py` with `*_pb2.pyi`, services `*_pb2_grpc.py` with a `.pyi` for grpc.aio alone.
`google.type` is read from third_party but not generated: googleapis-common-protos brings its module.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent
GENERATED = PROTO / "gen"
INIT = '"""Generated from proto/pantheon by `make proto`; never edited."""\n'


class ProtocError(Exception):
    """protoc refused the files; it has said why on stderr."""


def generate(target: Path, root: Path = PROTO) -> None:
    """Write all stubs for the protos under `root`/pantheon into `target`.

    Raises:
        ProtocError: protoc found a mistake.
    """
    sources = sorted((root / "pantheon").rglob("*.proto"))
    services = [source for source in sources if "\nservice " in source.read_text(encoding="utf-8")]
    if sources:
        _protoc(root, sources, f"--python_out={target}", f"--mypy_out=quiet:{target}")
    if services:
        _protoc(root, services, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet,only_async:{target}")
    (target / "pantheon").mkdir(exist_ok=True)
    for package in (target / "pantheon", *(path for path in (target / "pantheon").rglob("*") if path.is_dir())):
        (package / "__init__.py").write_text(INIT, encoding="utf-8")


def differences(fresh: Path, committed: Path) -> dict[str, str]:
    """Stub path below `committed` -> "missing", "stale" (has no proto any more) or "outdated"."""
    new, old = _files(fresh), _files(committed)
    found = dict.fromkeys(new.keys() - old.keys(), "missing")
    found |= dict.fromkeys(old.keys() - new.keys(), "stale")
    found |= {path: "outdated" for path in new.keys() & old.keys() if new[path] != old[path]}
    return dict(sorted(found.items()))


def apply(changes: dict[str, str], fresh: Path, committed: Path) -> None:
    """Bring `committed` to what `fresh` holds, touching only the files that differ."""
    for path, state in changes.items():
        if state == "stale":
            (committed / path).unlink()
        else:
            (committed / path).parent.mkdir(parents=True, exist_ok=True)
            (committed / path).write_bytes((fresh / path).read_bytes())


def _protoc(root: Path, sources: list[Path], *outputs: str) -> None:
    binaries = Path(sys.executable).parent
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    arguments = [
        "protoc",
        f"--plugin=protoc-gen-mypy={binaries / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={binaries / 'protoc-gen-mypy_grpc'}",
        *(f"--proto_path={path}" for path in (root, root / "third_party", well_known)),
        *outputs,
        *(str(source) for source in sources),
    ]
    if protoc.main(arguments) != 0:
        raise ProtocError


def _files(root: Path) -> dict[str, bytes]:
    paths = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def main(arguments: list[str] | None = None) -> int:
    """Run as described at the top of this file; the exit status."""
    parser = argparse.ArgumentParser(description="Generate the stubs in proto/gen, or check them.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a stub is not fresh")
    check: bool = parser.parse_args(arguments).check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        try:
            generate(fresh)
        except ProtocError:
            return 1
        changes = differences(fresh, GENERATED)
        if not check:
            apply(changes, fresh, GENERATED)
    for path, state in changes.items():
        print(f"proto/gen/{path}: {state}" if check else f"proto/gen/{path}")
    return 1 if check and changes else 0


if __name__ == "__main__":
    sys.exit(main())
