"""The adapter that is shipped beside the demonstration model, from its signature to its effect on a real answer."""

from __future__ import annotations

import pytest

from edge_runtime.ai.engine.port import Request, Text
from edge_runtime.ai.models.adapter_registrar import AdapterRegistrar
from edge_runtime.ai.models.adapters import Adapter, read_adapter_file, sign_adapter
from edge_runtime.ai.models.choosing import Device as What
from edge_runtime.ai.models.choosing import Need
from edge_runtime.ai.models.demonstration import PLACE, demonstration
from edge_runtime.ai.models.opening import every_model, open_model
from edge_runtime.ai.models.signers import Signer
from edge_runtime.errors import RefusedError
from sync_protocol.ids import Hash
from sync_protocol.signing import SigningKey
from tests.unit.edge_runtime.ai.models.made import NOW_MS, Device

KEY = SigningKey(bytes(range(32)))
LORA = PLACE.parent / "adapters" / "demonstration-paediatrics.lora"
ASKED = "soap\nA boy of 6 years has had a cough for 3 days. Temp 38.4. He has no allergies. Paracetamol 250 mg."


@pytest.mark.campaign
def test_a_signed_adapter_changes_what_the_model_writes(device: Device):
    """Loaded through the engine it changes the answer; without it the answer is the model's own, before and after."""
    data = LORA.read_bytes()
    entry = demonstration()
    assert entry is not None
    record = Adapter(
        name="kids",
        title="Paediatrics",
        specialty="paediatrics",
        base=Hash(bytes.fromhex(entry.manifest.sha256)),
        file=Hash.of(data),
        size=len(data),
        rank=16,
        licence="Apache-2.0",
        signer=KEY.public,
        signed_ms=NOW_MS,
    )
    device.folder.make()
    registrar = AdapterRegistrar(device.folder, device.registrar)
    signer = Signer(key=KEY.public, organisation="", role="", since_ms=NOW_MS)
    registrar.take(read_adapter_file(sign_adapter(record, data, KEY)), every_model(device.folder), lambda _: signer)
    engine = open_model("demonstration", Need(), folder=device.folder, device=What()).engine
    assert engine is not None
    with engine:
        said = [
            engine.generate(Request(parts=(Text(ASKED),), tokens_max=120, adapter=name)).answer().text
            for name in (None, "kids", None, "kids")
        ]
        with pytest.raises(RefusedError):
            engine.generate(Request(parts=(Text(ASKED),), adapter="unknown"))
    assert said[0] == said[2] != ""
    assert said[1] == said[3] != said[0]
    registrar.distrust(KEY.public)
    opened = open_model("demonstration", Need(), folder=device.folder, device=What())
    assert opened.left_out == {"kids": "adapter_signer"}
    assert opened.engine is not None
    with opened.engine as left, pytest.raises(RefusedError):
        left.generate(Request(parts=(Text(ASKED),), adapter="kids"))
