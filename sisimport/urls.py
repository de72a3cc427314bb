"""All URLs of the product. Our apps offer theirs in urls.py, found automatically; each view declares who may open it."""

from importlib.util import find_spec

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from sisimport import metrics
from sisimport.accounts.views import own_address, own_password, sign_out
from sisimport.web.views.health import health_page

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("admin/", admin.site.urls),
    # Before allauth's: signing out continues to the provider, and data kept by the directory is not changed here.
    path("accounts/logout/", sign_out, name="account_logout"),
    path("accounts/email/", own_address, name="account_email"),
    path("accounts/password/change/", own_password, name="account_change_password"),
    path("accounts/password/set/", own_password, name="account_set_password"),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("health/", health_page, name="health"),
    path("metrics", metrics.page, name="metrics"),
    *(path("", include(f"{app}.urls")) for app in settings.OWN_APPS if find_spec(f"{app}.urls")),
]

handler403 = "sisimport.web.views.errors.forbidden"
handler404 = "sisimport.web.views.errors.not_found"
handler500 = "sisimport.web.views.errors.server_error"
