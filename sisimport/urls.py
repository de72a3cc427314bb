"""All addresses of the product."""

from django.contrib import admin
from django.urls import include, path
from health_check.views import HealthCheckView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
    # For the container's health check and a load balancer; says only whether the database answers.
    path("health/", HealthCheckView.as_view(checks=["health_check.Database"]), name="health"),
]
