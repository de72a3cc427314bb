"""All addresses of the product. Our apps offer theirs in urls.py, found by itself; who may open them is said at each view."""

from importlib.util import find_spec

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from health_check.views import HealthCheckView

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    # For the container's health check and a load balancer; says only whether the database answers.
    path("health/", HealthCheckView.as_view(checks=["health_check.Database"]), name="health"),
    *(path("", include(f"{app}.urls")) for app in settings.OWN_APPS if find_spec(f"{app}.urls")),
]

handler403 = "sisimport.web.views.errors.forbidden"
handler404 = "sisimport.web.views.errors.not_found"
handler500 = "sisimport.web.views.errors.server_error"
