"""Addresses of the API and of the pages around it."""

from django.urls import path, re_path

from sisimport.api import views
from sisimport.api.operations import api

urlpatterns = [
    path("api/v1/openapi.json", views.openapi, name="api_openapi"),
    path("api/v1/docs", views.docs, name="api_docs"),
    path("api/v1/", api.urls),
    re_path(r"^api/", views.not_found, name="api_not_found"),
]
