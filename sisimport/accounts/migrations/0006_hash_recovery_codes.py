"""Recovery codes that were kept as a seed are kept as hashes (sisimport/accounts/recovery_codes.py); what people wrote down stays good.

Half a second for each person with a second factor. Back: hashes can't be made codes again. They are kept, an older release finds
no code left, and people make new ones there; forward again, those of before are good once more.
"""

import hmac
from hashlib import sha1

from allauth.mfa.adapter import get_adapter
from django.contrib.auth.hashers import make_password
from django.db import migrations

COUNT, DIGITS = 10, 8  # as they were


def codes_of(data):
    """Codes not used yet of what allauth kept: as its releases 65 made them."""
    decrypt = get_adapter().decrypt
    if "migrated_codes" in data:
        return [decrypt(code) for code in data["migrated_codes"]]
    digest = hmac.new(decrypt(data["seed"]).encode("ascii"), msg=None, digestmod=sha1)
    codes = []
    for number in range(COUNT):
        digest.update(f"{number:3},".encode())
        value = int.from_bytes(digest.digest()[: DIGITS // 2], byteorder="big") % 10**DIGITS
        codes.append(str(value).zfill(DIGITS))
    return [code for number, code in enumerate(codes) if not data["used_mask"] >> number & 1]


def hash_them(apps, _schema_editor):
    Authenticator = apps.get_model("mfa", "Authenticator")
    for kept in Authenticator.objects.filter(type="recovery_codes").iterator():
        data = kept.data
        if "hashes" not in data and ("seed" in data or "migrated_codes" in data):
            hashes = [make_password(code) for code in codes_of(data)]
            # Seen or not, they were there to be seen: they are not made anew on the next look.
            kept.data = {"hashes": hashes, "total": COUNT, "viewed_at": data.get("viewed_at") or 1}
        kept.data.pop("migrated_codes", None)
        kept.save(update_fields=["data"])


def none_left(apps, _schema_editor):
    Authenticator = apps.get_model("mfa", "Authenticator")
    for kept in Authenticator.objects.filter(type="recovery_codes").iterator():
        kept.data["migrated_codes"] = []
        kept.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [("entrance", "0005_directory_access"), ("mfa", "0003_authenticator_type_uniq")]

    operations = [migrations.RunPython(hash_them, none_left)]
