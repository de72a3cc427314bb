"""Addresses of the pages of students and parents."""

from django.urls import path

from sisimport.families import views

urlpatterns = [
    path("family/", views.home, name="family"),
    path("family/language/", views.language, name="set_language"),
    path("family/join/", views.join, name="family_join"),
    path("family/student/<int:pk>/", views.student, name="family_student"),
    path("family/student/<int:pk>/ssid/", views.enter_ssid, name="family_ssid"),
    path("family/student/<int:pk>/enroll/", views.enroll, name="family_enroll"),
]
