"""The freshness check of the generated stubs sees every way in which they can be out of date."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PROTO = Path(__file__).resolve().parents[2] / "proto"
MESSAGE = 'syntax = "proto3";\npackage pantheon.scratch.v1;\nmessage Scratch {\n  string name = 1;\n}\n'
SERVICE = (
    'syntax = "proto3";\npackage pantheon.scratch.v1;\nimport "pantheon/scratch/v1/scratch.proto";\n'
    "service ScratchService {\n  rpc Get(Scratch) returns (Scratch);\n}\n"
)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", PROTO / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "proto/pantheon/scratch/v1"
    folder.mkdir(parents=True)
    (folder / "scratch.proto").write_text(MESSAGE)
    (folder / "scratch_service.proto").write_text(SERVICE)
    return tmp_path / "proto"


def generated(generator: ModuleType, root: Path, target: Path) -> Path:
    target.mkdir()
    generator.generate(target, root)
    return target


def test_stubs_are_typed_importable_packages(generator: ModuleType, root: Path, tmp_path: Path) -> None:
    stubs = generated(generator, root, tmp_path / "stubs") / "pantheon/scratch/v1"
    assert sorted(path.name for path in stubs.iterdir()) == [
        "__init__.py",
        "scratch_pb2.py",
        "scratch_pb2.pyi",
        "scratch_service_pb2.py",
        "scratch_service_pb2.pyi",
        "scratch_service_pb2_grpc.py",
        "scratch_service_pb2_grpc.pyi",
    ]
    assert (stubs.parent / "__init__.py").is_file()


def test_the_same_protos_give_the_same_bytes(generator: ModuleType, root: Path, tmp_path: Path) -> None:
    first, second = (generated(generator, root, tmp_path / name) for name in ("first", "second"))
    assert generator.differences(first, second) == {}


def test_outdated_missing_and_stale_stubs_are_named_and_mended(
    generator: ModuleType, root: Path, tmp_path: Path
) -> None:
    committed = generated(generator, root, tmp_path / "committed")
    package = committed / "pantheon/scratch/v1"
    (package / "scratch_pb2.py").write_text("# edited by hand\n")
    (package / "scratch_pb2.pyi").unlink()
    (package / "removed_pb2.py").write_text("# its proto is gone\n")
    fresh = generated(generator, root, tmp_path / "fresh")

    changes = generator.differences(fresh, committed)

    assert changes == {
        "pantheon/scratch/v1/removed_pb2.py": "stale",
        "pantheon/scratch/v1/scratch_pb2.py": "outdated",
        "pantheon/scratch/v1/scratch_pb2.pyi": "missing",
    }
    generator.apply(changes, fresh, committed)
    assert generator.differences(fresh, committed) == {}


def test_a_proto_with_a_mistake_is_refused(generator: ModuleType, root: Path, tmp_path: Path) -> None:
    (root / "pantheon/scratch/v1/scratch.proto").write_text("message {")
    with pytest.raises(generator.ProtocError):
        generated(generator, root, tmp_path / "stubs")
