"""Django configuration of the way in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "sisimport.accounts"
    label = "entrance"  # allauth's is "account"
    verbose_name = "Signing in"

    def ready(self) -> None:
        from allauth.account.signals import password_reset

        from sisimport.accounts.limits import forget_tries_of

        password_reset.connect(forget_tries_of, dispatch_uid="forget_tries")
