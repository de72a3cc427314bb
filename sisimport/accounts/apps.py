"""Django configuration of the way in, and of who may do what."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "sisimport.accounts"
    label = "entrance"  # allauth's is "account"
    verbose_name = "Signing in"

    def ready(self) -> None:
        from allauth.account.signals import password_reset
        from django.db.models.signals import post_migrate

        from sisimport.accounts import groups
        from sisimport.accounts.limits import forget_tries_of
        from sisimport.accounts.sso import checks  # noqa: F401 - they register themselves

        password_reset.connect(forget_tries_of, dispatch_uid="forget_tries")
        post_migrate.connect(groups.grant_permissions, dispatch_uid="grant_permissions")
