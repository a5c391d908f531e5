"""What TLS connections are made of, towards clients and towards upstreams.

RFC 9325 section 3.1: "Implementations MUST NOT negotiate TLS version 1.1"; section 4.1:
"Implementations SHOULD NOT negotiate cipher suites based on RSA key transport", and
section 4.2 recommends ECDHE with AES-GCM. With TLS 1.3 (RFC 8446) all are like that.
"""

#: The suites of TLS 1.2 in OpenSSL's language: forward secrecy, and encryption that is
#: authenticated. Every client of registries has them: Go's TLS does, by default.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
