# Workers and the MLflow server. CPU:  docker build -t hpstudy .
# GPU:  docker build -t hpstudy:gpu --build-arg EXTRAS=postgres,gpu .     (CUDA libraries come with TensorFlow)
FROM python:3.12-slim

ARG EXTRAS=postgres,server
RUN useradd --create-home --uid 10001 hpstudy && mkdir /data && chown hpstudy /data
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY src ./src
RUN pip install --no-cache-dir -c constraints.txt ".[${EXTRAS}]"
COPY studies ./studies

USER hpstudy
ENV HPSTUDY_HOME=/data/hpstudy HPSTUDY_CACHE_DIR=/data/cache PYTHONUNBUFFERED=1
# SIGTERM gives the trials in training back to the queue; the worker ends within ten seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hpstudy"]
CMD ["worker"]
