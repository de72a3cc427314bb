"""Addresses of the API and of the pages around it."""

from django.urls import path, re_path
from django.utils.module_loading import autodiscover_modules

from sisimport.api import catalogue, imports, runs, views  # noqa: F401 - they declare operations
from sisimport.api.application import api, router

autodiscover_modules("endpoints")  # operations that other apps offer
api.add_router("", router)

urlpatterns = [
    path("api-tokens/", views.api_tokens, name="api_tokens"),
    path("api-tokens/<int:pk>/revoke/", views.revoke_api_token, name="revoke_api_token"),
    path("api/v1/openapi.json", views.openapi, name="api_openapi"),
    path("api/v1/docs", views.docs, name="api_docs"),
    path("api/v1/", api.urls),
    re_path(r"^api/", views.not_found, name="api_not_found"),
]
