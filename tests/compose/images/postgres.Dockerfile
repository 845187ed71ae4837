FROM base-postgres:18
COPY --chmod=755 postgres-start.sh /usr/local/bin/postgres-start
ENV PATH=/usr/lib/postgresql/18/bin:$PATH PGDATA=/var/lib/postgresql/18/docker LANG=C.UTF-8
RUN chown postgres:postgres /var/lib/postgresql
ENTRYPOINT ["postgres-start"]
CMD ["postgres"]
