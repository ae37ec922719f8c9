# The command line in a container: a wheel of the checkout's files on Python 3.12.
#
#     docker build -t cmrtf .
#     docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" cmrtf demo --out demo
#
# Written from the files, NOT BUILT yet: there is no Docker daemon where cmrtf is made.
# See docs/how-to/docker.md.

FROM python:3.12-slim AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.12-slim
# Of setup.cfg: [gpu] for CUDA libraries, [beam] for cohorts of any size.
ARG EXTRA=""
COPY --from=wheel /wheel /wheel
RUN pip install --no-cache-dir "$(echo /wheel/cmrtf-*.whl)${EXTRA}" \
    && rm -r /wheel \
    && useradd --create-home cmrtf
USER cmrtf
# Matplotlib's cache, also where --user names somebody without a home.
ENV MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /data
ENTRYPOINT ["cmrtf"]
CMD ["--help"]
