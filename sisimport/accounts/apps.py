"""Django configuration of signing in and permissions."""

from django.apps import AppConfig, apps
from django.conf import settings

ENDED_SESSIONS_DAYS = 1


class AccountsConfig(AppConfig):
    name = "sisimport.accounts"
    label = "entrance"  # allauth's is "account"
    verbose_name = "Signing in"

    def ready(self) -> None:
        from allauth.account.signals import password_reset
        from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed
        from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
        from django.db.models.signals import post_migrate, pre_migrate

        from sisimport.accounts import connection_checks, database_rights, groups, recording, recovery_codes  # noqa: F401 - checks register themselves
        from sisimport.accounts.kept_mail import remove_old
        from sisimport.accounts.limits import forget_tries_of
        from sisimport.accounts.sessions import end_others_after_change, remove_ended
        from sisimport.accounts.sso import checks  # noqa: F401 - they register themselves
        from sisimport.runtime import processes, row_scope
        from sisimport.runtime.chores import Chore, register_chore
        from sisimport.runtime.database_roles import WEB
        from sisimport.runtime.retention import Kept, register_kept

        recovery_codes.install()
        # Section headings in the admin, in the words of the product's own pages.
        apps.get_app_config("auth").verbose_name = "People"
        apps.get_app_config("mfa").verbose_name = "Second factors"
        in_webs_container = str(settings.DATABASES["default"].get("USER", "")).endswith(f"_{WEB}")
        # Even if there are no policies now: they may be created while this process runs.
        if processes.kind == WEB:
            row_scope.arm(True)
        elif in_webs_container:  # a command there
            row_scope.arm(True, usual=row_scope.ALL)

        for changed in (authenticator_added, authenticator_removed):
            changed.connect(end_others_after_change, dispatch_uid="end_others_after_change")
        password_reset.connect(forget_tries_of, dispatch_uid="forget_tries")
        register_kept(
            Kept("mails", "mails that could not be sent", days=lambda: settings.KEEP_MAILS_DAYS, remove=remove_old)
        )
        register_chore(Chore("yearly ends of staff accounts", 1800.0, _end_staff_accounts))
        register_kept(Kept("sessions", "sign-ins that ended", days=lambda: ENDED_SESSIONS_DAYS, remove=remove_ended))
        user_logged_in.connect(recording.signed_in, dispatch_uid="record_sign_in")
        user_logged_out.connect(recording.signed_out, dispatch_uid="record_sign_out")
        user_login_failed.connect(recording.refused, dispatch_uid="record_refused")
        authentication_failed.connect(recording.second_factor_refused, dispatch_uid="record_refused_factor")
        post_migrate.connect(groups.grant_permissions, dispatch_uid="grant_permissions")
        pre_migrate.connect(database_rights.before_migrations, sender=self, dispatch_uid="policies_stand_aside")
        # By then all tables exist, as do the views that earlier apps make after migrations.
        post_migrate.connect(database_rights.after_migrations, sender=self, dispatch_uid="database_rights")


def _end_staff_accounts() -> None:
    """Imported only by the workers that run it, not by every command."""
    from sisimport.accounts.staff_ends import once_a_day

    once_a_day()
