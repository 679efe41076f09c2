"""The authority's certificate as a configuration profile, which iPadOS, iOS and macOS install."""

import plistlib
import uuid

# Names made from the certificate's own fingerprint: the same profile again replaces itself on a device.
_SPACE = uuid.UUID("6f0c5f0a-51f5-4d2c-9a5e-8a4b8b1f3d27")


def mobileconfig(certificate_der: bytes, name: str, fingerprint: str) -> bytes:
    """Give the profile that holds one root certificate and nothing else."""
    certificate_id = str(uuid.uuid5(_SPACE, f"root {fingerprint}"))
    profile_id = str(uuid.uuid5(_SPACE, f"all {fingerprint}"))
    payload = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"twintap.root.{certificate_id}",
        "PayloadUUID": certificate_id.upper(),
        "PayloadDisplayName": name,
        "PayloadCertificateFileName": "twintap.crt",
        "PayloadContent": certificate_der,
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"twintap.{profile_id}",
        "PayloadUUID": profile_id.upper(),
        "PayloadDisplayName": name,
        "PayloadDescription": (
            "Lets this device speak with the twintap daemon of this practice in private. "
            "The certificate counts for private addresses and that computer's own names alone."
        ),
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [payload],
    }
    return plistlib.dumps(profile)
