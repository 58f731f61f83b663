# The lab and the live host in one image: `docker build -t hindsight .`
FROM node:22-slim AS build
WORKDIR /source
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm pack --pack-destination ..
# The package with exactly the libraries of the lock file, and none that only its build needs.
RUN mkdir /app && tar -xzf ../hindsight-*.tgz --strip=1 -C /app && cp package-lock.json /app/
RUN cd /app && npm ci --omit=dev

FROM node:22-slim
COPY --from=build /app /app
RUN ln -s /app/lab/cli/hindsight.js /usr/local/bin/hindsight && mkdir /data && chown node /data
USER node
WORKDIR /data
VOLUME /data
# `serve`, and `shadow`; both listen on loopback unless they are told otherwise.
EXPOSE 4173 8440
ENTRYPOINT ["hindsight"]
CMD ["--help"]
