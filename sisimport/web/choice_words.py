"""What a form says about a choice that is not offered: in words, without repeating the submitted value.

Django's message repeats it. For a school that is its primary key, which means nothing to readers.
"""

from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _

_NOT_OFFERED: Final = _("Choose from the list: the value sent is not available to you, or no longer available.")
_KINDS: Final = (forms.ChoiceField, forms.TypedChoiceField, forms.ModelChoiceField, forms.MultipleChoiceField,
                 forms.TypedMultipleChoiceField, forms.ModelMultipleChoiceField)  # fmt: skip
_KEYS: Final = ("invalid_choice", "invalid_pk_value")


def use() -> None:
    """Install it for every form of the product, including the admin's."""
    for kind in _KINDS:
        kind.default_error_messages = {
            **kind.default_error_messages,
            **{key: _NOT_OFFERED for key in _KEYS if key == "invalid_choice" or key in kind.default_error_messages},
        }
