"""/health/: for a container's health check and a load balancer. It says only whether the database answers, not why it doesn't."""

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sisimport.accounts.access import public


@public
@never_cache
@require_safe
def health_page(_request: HttpRequest) -> HttpResponse:
    """200 once the database answered, else 500."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return HttpResponse("The database does not answer.\n", content_type="text/plain", status=500)
    return HttpResponse("The database answers.\n", content_type="text/plain")
