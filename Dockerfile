# The dashboard; with another command the endpoints alone, as in compose.yaml.
FROM python:3.11.14-slim-bookworm AS build

WORKDIR /build
COPY requirements-mcp.txt ./
# Wheels alone, so that nothing is compiled; pip itself stays outside.
RUN python -m venv --without-pip /opt/tagifai \
    && python -m pip --python /opt/tagifai/bin/python install --no-cache-dir --only-binary :all: \
        --requirement requirements-mcp.txt


FROM python:3.11.14-slim-bookworm

RUN python -m pip uninstall --yes pip setuptools wheel \
    && useradd --uid 1000 --no-create-home --home-dir /tmp tagifai \
    && install --directory --owner 1000 /app /app/reviews /app/cache

ENV PATH=/opt/tagifai/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TAGIFAI_HOST=0.0.0.0 \
    TAGIFAI_CACHE_DIR=/app/cache \
    TAGIFAI_REVIEWS=/app/reviews/reviews.sqlite

WORKDIR /app
COPY --from=build /opt/tagifai /opt/tagifai
COPY gradio_app.py ./
COPY tagifai tagifai
COPY data data
COPY model model

USER 1000
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('TAGIFAI_PORT', '7860') + '/health', timeout=4)"]
CMD ["python", "gradio_app.py"]
