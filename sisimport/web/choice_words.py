"""What a form says of a choice that is not offered: in words, and without what was sent.

Django's own words repeat it. Of a school that is the number of its row here, which no reader knows.
"""

from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _

_NOT_OFFERED: Final = _("Choose from the list: what was sent is not offered to you, or not any more.")
_KINDS: Final = (forms.ChoiceField, forms.TypedChoiceField, forms.ModelChoiceField, forms.MultipleChoiceField,
                 forms.TypedMultipleChoiceField, forms.ModelMultipleChoiceField)  # fmt: skip
_KEYS: Final = ("invalid_choice", "invalid_pk_value")


def use() -> None:
    """For every form of the product, those of the admin too."""
    for kind in _KINDS:
        kind.default_error_messages = {
            **kind.default_error_messages,
            **{key: _NOT_OFFERED for key in _KEYS if key == "invalid_choice" or key in kind.default_error_messages},
        }
