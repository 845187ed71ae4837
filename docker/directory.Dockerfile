# The stack's Samba domain controller, for the development profile only.
FROM debian:bookworm-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind ldb-tools \
        python3 python3-cryptography \
    && rm -rf /var/lib/apt/lists/*
COPY stack/hufu_stack /opt/hufu/hufu_stack
COPY docker/directory/directory.py /opt/hufu/directory.py
ENTRYPOINT ["python3", "/opt/hufu/directory.py"]
CMD ["serve"]
