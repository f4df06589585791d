import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def lsl_stays_on_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """LSL neither asks the network nor talks: read by its library when it is first used."""
    path = tmp_path_factory.mktemp("lsl") / "lsl_api.cfg"
    path.write_text(
        "[multicast]\nResolveScope = machine\n[lab]\nKnownPeers = {127.0.0.1}\n"
        "[ports]\nIPv6 = disable\n[log]\nlevel = -1\n",
        encoding="utf-8",
    )
    before = os.environ.get("LSLAPICFG")
    os.environ["LSLAPICFG"] = str(path)
    yield path
    if before is None:
        del os.environ["LSLAPICFG"]
    else:
        os.environ["LSLAPICFG"] = before
