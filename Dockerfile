# One image for web, worker, reconciler and migrations; docker-compose.yml defines which is which.
FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
# extras.txt: with error reports, traces and Parquet (docs/how-to/watch-an-installation.md).
ARG REQUIREMENTS=base.txt
COPY requirements/$REQUIREMENTS /requirements.txt
RUN python -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --requirement /requirements.txt \
    && /venv/bin/python -m pip check

# docker-compose.yml and docs/kubernetes define how it is started.
FROM debian:bookworm-slim@sha256:3783cc01769c7b2b1b83a5c5ad96c815348e28ed7da68e2e3687004faa906251 AS pooler
RUN apt-get update && apt-get install --yes --no-install-recommends pgbouncer && rm -rf /var/lib/apt/lists/*
USER 10001

FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SISIMPORT_PRODUCTION=1 SISIMPORT_DATA_DIR=/data
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin sisimport \
    && mkdir /data && chown sisimport /data && chmod 700 /data
COPY --from=build /venv /venv
COPY . /app
WORKDIR /app
# Static files belong to the image, not to the data: every web container serves those of its own version.
ENV STATIC_ROOT=/srv/static
RUN SECRET_KEY=build ALLOWED_HOSTS=build DATABASE_URL=postgres://build@build/build SISIMPORT_DATA_DIR=/tmp/build \
    python manage.py collectstatic --no-input --verbosity 0 && rm -rf /tmp/build
USER sisimport
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "sisimport.asgi", "--bind=0.0.0.0:8000", "--workers=2", "--worker-class=sisimport.serving.worker.Worker", "--timeout=120", "--access-logfile=-", "--logger-class=sisimport.runtime.log_redaction.AccessLogger"]
