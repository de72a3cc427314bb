"""Addresses of the practice district."""

from django.urls import path

from sisimport.demo import views

urlpatterns = [
    path("practice/", views.index, name="practice"),
    path("practice/samples/<str:name>", views.sample, name="practice_sample"),
    path("practice/reset/", views.start_over, {"what": "reset"}, name="practice_reset"),
    path("practice/empty/", views.start_over, {"what": "empty"}, name="practice_empty"),
]
