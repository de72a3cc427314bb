"""Whether a page shows whole SSIDs: decided only here, for messages, data lines, changes and lists (rule ID-6).

    masked     until the user clicks Show SSIDs; that counts as viewing students and is logged (`AuditEntry`), for that page only
    readable   always: values that are not valid SSIDs, since the person correcting one has to see what is wrong with it. In the
               editor of refused lines also a line that cannot be split into fields, which is logged as a view too

Downloads and the API follow their own pages: messages masked, data lines in their original form.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sisimport.files.numbers import SSID_FIELDS
from sisimport.imports.models import ImportRun
from students.models.identifiers import mask_ssid
from students.patterns import TEN_DIGITS

FIELDS = SSID_FIELDS | {"candidate_ssid"}
SENTENCES = ("current_text",)  # parameters that are sentences with an SSID (definition/ssid_rules.py)
_TEN_DIGITS = re.compile(TEN_DIGITS)
_UTAH = re.compile(r"[0-9]{7,10}")  # seven are usual there; shorter ones stay readable
_RUN_OF_DIGITS = re.compile(rf"(?<![0-9]){TEN_DIGITS.strip('^$')}(?![0-9])")

_RUN_IN_UTAH = re.compile(r"(?<![0-9])[0-9]{7,10}(?![0-9])")


@dataclass(frozen=True, slots=True)
class Masking:
    """How one page treats SSIDs. `shown`: the user asked to see them whole."""

    shown: bool = False
    utah: bool = False

    @classmethod
    def of(cls, run: ImportRun, *, shown: bool = False) -> "Masking":
        return cls(shown=shown, utah=run.import_type.startswith("utah"))

    def value(self, field: str, text: Any) -> Any:
        """A value as the page shows it; a value of another field, or one that is not an SSID, stays as it is."""
        if self.shown or field not in FIELDS or not isinstance(text, str):
            return text
        wanted = _UTAH if self.utah else _TEN_DIGITS
        return mask_ssid(text) if wanted.fullmatch(text) else text

    def params(self, params: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Parameters of a message: those whose names say that they hold an SSID, or a sentence with one."""
        if not params:
            return None
        return {name: self._param(name, value) for name, value in params.items()}

    def _param(self, name: str, value: Any) -> Any:
        if name in SENTENCES and isinstance(value, str) and not self.shown:
            wanted = _RUN_IN_UTAH if self.utah else _RUN_OF_DIGITS
            return wanted.sub(lambda found: mask_ssid(found.group()), value)
        return self.value("ssid", value) if "ssid" in name else value

    def line(self, text: str) -> str:
        """A line that cannot be split into its fields: masks every ten-digit number."""
        return text if self.shown else _RUN_OF_DIGITS.sub(lambda found: mask_ssid(found.group()), text)


MASKED = Masking()
