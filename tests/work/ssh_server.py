"""An ssh server of this machine alone, which does what one key's owner says.

    python -m tests.work.ssh_server FOLDER

puts the owner's key and the known host into the folder, and prints the port.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import asyncssh


async def run(process: asyncssh.SSHServerProcess) -> None:
    child = await asyncio.create_subprocess_shell(
        process.command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )

    async def tell(source: asyncio.StreamReader | None, sink: asyncssh.SSHWriter) -> None:
        while source and (said := await source.read(4096)):
            sink.write(said.decode("utf-8", "replace"))

    try:
        await asyncio.gather(tell(child.stdout, process.stdout), tell(child.stderr, process.stderr))
        process.exit(await child.wait())
    except BaseException:
        child.kill()
        raise


async def serve(folder: Path) -> None:
    own, users = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    users.write_private_key(folder / "id_ed25519")
    users.write_public_key(folder / "id_ed25519.pub")
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[own],
        authorized_client_keys=str(folder / "id_ed25519.pub"),
        process_factory=run,
    )
    port = server.sockets[0].getsockname()[1]
    known = f"[127.0.0.1]:{port} {own.export_public_key().decode()}"
    (folder / "known_hosts").write_text(known)
    print(port, flush=True)
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
